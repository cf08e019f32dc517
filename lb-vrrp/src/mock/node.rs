//! One node as the hub knows it.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::task::Waker;

use crate::VirtualRoute;
use crate::network::{InterfaceState, MacAddress, NetworkEvent};

/// What the hub keeps of a node.
pub(super) struct Node {
    pub(super) source: IpAddr,
    pub(super) mac: MacAddress,
    pub(super) up: bool,
    /// Whether its own address is set.
    pub(super) addressed: bool,
    pub(super) held: Vec<IpAddr>,
    pub(super) routes: Vec<VirtualRoute>,
    pub(super) events: VecDeque<NetworkEvent>,
    pub(super) waker: Option<Waker>,
}

impl Node {
    /// The `number`th node; its first event is the interface's state.
    pub(super) fn new(source: IpAddr, number: u32) -> Self {
        let [a, b, c, d] = number.to_be_bytes();
        let mut node = Self {
            source,
            mac: MacAddress([2, 0, a, b, c, d]),
            up: true,
            addressed: true,
            held: Vec::new(),
            routes: Vec::new(),
            events: VecDeque::new(),
            waker: None,
        };
        node.tell_state();
        node
    }

    pub(super) fn tell(&mut self, event: NetworkEvent) {
        self.events.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    pub(super) fn tell_state(&mut self) {
        self.tell(NetworkEvent::Interface(InterfaceState {
            up: self.up,
            source: self.addressed.then_some(self.source),
            mtu: 1500,
        }));
    }
}
