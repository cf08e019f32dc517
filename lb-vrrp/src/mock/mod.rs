//! A network in memory: any number of nodes in one process, with faults at will.
//!
//! Nothing is slow and nothing has a chance: what a node sends is with the others when the call
//! returns, in the order in which they were attached. There is no clock either, so lifetimes of
//! addresses do not end; [`Hub::lose`] ends one.
//!
//! ```
//! use std::net::IpAddr;
//!
//! use lb_vrrp::mock::Hub;
//! use lb_vrrp::network::Network;
//!
//! let hub = Hub::new();
//! let mut a = hub.attach("10.0.0.1".parse()?);
//! let b = hub.attach("10.0.0.2".parse()?);
//!
//! let address = "10.0.0.100".parse()?;
//! a.add_addresses(&[address], None)?;
//! assert_eq!(hub.holders("10.0.0.100".parse()?), ["10.0.0.1".parse::<IpAddr>()?]);
//! # drop(b);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod hub;
mod node;
#[cfg(test)]
mod tests;

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use self::hub::State;
use crate::network::{MacAddress, Network, NetworkEvent};
use crate::{VirtualAddress, VirtualRoute};

/// What joins the networks of several nodes: the wire, and the hand that cuts it.
///
/// Nodes are named by their source address. A clone is the same hub.
#[derive(Clone, Default)]
pub struct Hub(Arc<Mutex<State>>);

impl Hub {
    /// One with no node.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node that sends from `source`; its link is up. It leaves when the network is
    /// dropped, and what it held is held no more.
    ///
    /// # Panics
    /// If a node has this address now.
    pub fn attach(&self, source: IpAddr) -> MockNetwork {
        self.state().attach(source);
        MockNetwork {
            hub: self.clone(),
            source,
        }
    }

    /// Who has the virtual address `address` now, in the order of attachment.
    pub fn holders(&self, address: IpAddr) -> Vec<IpAddr> {
        self.state().holders(address)
    }

    /// Which of `source`'s routes are set.
    pub fn routes(&self, source: IpAddr) -> Vec<VirtualRoute> {
        self.state()
            .node(source)
            .map(|node| node.routes.clone())
            .unwrap_or_default()
    }

    /// Every announcement so far: who announced what.
    pub fn announcements(&self) -> Vec<(IpAddr, IpAddr)> {
        self.state().announcements.clone()
    }

    /// The hardware address of a node, by which a claim names it. `None` where there is no such
    /// node.
    pub fn mac(&self, source: IpAddr) -> Option<MacAddress> {
        self.state().node(source).map(|node| node.mac)
    }

    /// Lets nothing through between `a` and `b`, in either direction, until [`Self::heal`].
    pub fn partition(&self, a: IpAddr, b: IpAddr) {
        self.state().cut(a, b);
        self.state().cut(b, a);
    }

    /// Lets nothing of `from` reach `to` until [`Self::heal`]; the other direction is as it was.
    pub fn cut(&self, from: IpAddr, to: IpAddr) {
        self.state().cut(from, to);
    }

    /// Ends every partition, and [`Self::drop_messages`].
    pub fn heal(&self) {
        let mut state = self.state();
        state.cuts.clear();
        state.dropping = false;
    }

    /// Loses every VRRP message, but neither probes nor announcements, until [`Self::heal`]: a
    /// filter that knows only what it was told.
    pub fn drop_messages(&self) {
        self.state().dropping = true;
    }

    /// Sets a node's link up or down. While it is down, nothing leaves or arrives.
    pub fn set_link(&self, source: IpAddr, up: bool) {
        self.state().set_link(source, up);
    }

    /// Gives or takes a node's own address; without one it sends nothing.
    pub fn set_source(&self, source: IpAddr, there: bool) {
        self.state().set_source(source, there);
    }

    /// Changes an interface that a node only tracks.
    pub fn set_tracked(&self, source: IpAddr, interface: &str, up: bool) {
        let interface = interface.to_owned();
        let event = NetworkEvent::Tracked { interface, up };
        self.state().tell(source, event);
    }

    /// Takes `address` from a node that has it, as another program would.
    pub fn lose(&self, source: IpAddr, address: IpAddr) {
        self.state().lose(source, address);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No method of the state panics half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One node's network.
pub struct MockNetwork {
    hub: Hub,
    source: IpAddr,
}

impl MockNetwork {
    /// The node's address.
    pub const fn source(&self) -> IpAddr {
        self.source
    }
}

impl Network for MockNetwork {
    fn send(&mut self, destination: IpAddr, message: &[u8]) -> io::Result<()> {
        self.hub.state().send(self.source, destination, message)
    }

    fn add_addresses(
        &mut self,
        addresses: &[VirtualAddress],
        _lifetime: Option<Duration>,
    ) -> io::Result<()> {
        self.hub.state().add_addresses(self.source, addresses);
        Ok(())
    }

    fn remove_addresses(&mut self, addresses: &[VirtualAddress]) -> io::Result<()> {
        self.hub.state().remove_addresses(self.source, addresses);
        Ok(())
    }

    fn announce(&mut self, address: &VirtualAddress) -> io::Result<()> {
        self.hub.state().announce(self.source, address.ip())
    }

    fn probe(&mut self, address: &VirtualAddress) -> io::Result<()> {
        self.hub.state().probe(self.source, address.ip())
    }

    fn add_routes(&mut self, routes: &[VirtualRoute]) -> io::Result<()> {
        self.hub.state().add_routes(self.source, routes);
        Ok(())
    }

    fn remove_routes(&mut self, routes: &[VirtualRoute]) -> io::Result<()> {
        self.hub.state().remove_routes(self.source, routes);
        Ok(())
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<NetworkEvent>> {
        self.hub.state().poll_event(self.source, cx).map(Ok)
    }
}

impl Drop for MockNetwork {
    fn drop(&mut self) {
        self.hub.state().detach(self.source);
    }
}
