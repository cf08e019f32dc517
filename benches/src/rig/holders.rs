//! Which node has which address, by what the kernel of each tells (rtnetlink), with the time of each change.

use std::{
    collections::BTreeSet,
    io,
    net::IpAddr,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::{
    RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage},
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use tokio::io::unix::AsyncFd;

use super::{RigError, namespace::Namespace, place::Node, task::Task};

/// `RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR`.
const ADDRESSES: u32 = 0x10 | 0x100;

/// Watches every node since the rig was built, which is before any of them had a virtual address.
#[derive(Debug, Default)]
pub struct Holders {
    shared: Arc<Shared>,
    tasks: Vec<Task>,
}

#[derive(Debug, Default)]
struct Shared {
    history: Mutex<Vec<Change>>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy)]
struct Change {
    at: Instant,
    node: Node,
    address: IpAddr,
    held: bool,
}

impl Holders {
    /// Watches `node`, too.
    pub(super) fn watch(&mut self, node: Node, namespace: &Namespace) -> Result<(), RigError> {
        let shared = self.shared.clone();
        let open = || {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.set_non_blocking(true)?;
            socket.bind(&SocketAddr::new(0, ADDRESSES))?;
            #[expect(
                deprecated,
                reason = "the new one is unsafe; `Socket` owns its descriptor, as that asks"
            )]
            AsyncFd::new(socket)
        };
        let task = namespace.spawn(open, async move |socket| {
            while let Ok(bytes) = receive(&socket).await {
                let at = Instant::now();
                shared.note(changes(&bytes).map(|(address, held)| Change {
                    at,
                    node,
                    address,
                    held,
                }));
            }
        })?;
        self.tasks.push(task);
        Ok(())
    }

    /// Who has `address` now.
    pub fn of(&self, address: IpAddr) -> Vec<Node> {
        holders(&self.shared.history(), address)
    }

    /// Waits until exactly `nodes` have `address`.
    ///
    /// # Errors
    /// If that does not come about within `patience`.
    pub fn until(
        &self,
        address: IpAddr,
        nodes: &[Node],
        patience: Duration,
    ) -> Result<(), RigError> {
        let waiting = |history: &mut Vec<Change>| holders(history, address) != nodes;
        let wait = self
            .shared
            .changed
            .wait_timeout_while(self.shared.history(), patience, waiting);
        let (history, result) = wait.unwrap_or_else(PoisonError::into_inner);
        if !result.timed_out() {
            return Ok(());
        }
        Err(RigError::Late {
            until: format!("{nodes:?} and nobody else has {address}"),
            patience,
            instead: format!("{:?} has it", holders(&history, address)),
        })
    }

    /// How long more than one node has had `address`, from `since` until now.
    pub fn overlap(&self, address: IpAddr, since: Instant) -> Duration {
        overlap(&self.shared.history(), address, since, Instant::now())
    }
}

impl Shared {
    fn history(&self) -> MutexGuard<'_, Vec<Change>> {
        // The list is whole between any two statements.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, changes: impl Iterator<Item = Change>) {
        self.history().extend(changes);
        self.changed.notify_all();
    }
}

/// Sorted, as callers write them.
fn holders(history: &[Change], address: IpAddr) -> Vec<Node> {
    let mut now = BTreeSet::new();
    for change in history.iter().filter(|change| change.address == address) {
        apply(&mut now, change);
    }
    now.into_iter().collect()
}

fn apply(now: &mut BTreeSet<Node>, change: &Change) {
    if change.held {
        now.insert(change.node);
    } else {
        now.remove(&change.node);
    }
}

fn overlap(history: &[Change], address: IpAddr, since: Instant, until: Instant) -> Duration {
    let mut now = BTreeSet::new();
    let (mut total, mut last) = (Duration::ZERO, since);
    for change in history.iter().filter(|change| change.address == address) {
        let at = change.at.clamp(since, until);
        if now.len() > 1 {
            total += at.saturating_duration_since(last);
        }
        last = last.max(at);
        apply(&mut now, change);
    }
    if now.len() > 1 {
        total += until.saturating_duration_since(last);
    }
    total
}

async fn receive(socket: &AsyncFd<Socket>) -> io::Result<Vec<u8>> {
    loop {
        let mut ready = socket.readable().await?;
        if let Ok(result) = ready.try_io(|socket| socket.get_ref().recv_from_full()) {
            return result.map(|(bytes, _)| bytes);
        }
    }
}

/// The messages of one datagram. A lifetime that is set anew is told like a new address.
fn changes(bytes: &[u8]) -> impl Iterator<Item = (IpAddr, bool)> {
    let mut rest = bytes;
    let messages = std::iter::from_fn(move || {
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest).ok()?;
        let length = usize::try_from(message.header.length).ok()?;
        // Messages begin at multiples of four.
        rest = rest
            .get(length.next_multiple_of(4).max(4)..)
            .unwrap_or_default();
        Some(message.payload)
    });
    messages.filter_map(|payload| match payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewAddress(message)) => {
            Some((address(&message)?, true))
        }
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelAddress(message)) => {
            Some((address(&message)?, false))
        }
        _ => None,
    })
}

/// `IFA_LOCAL` where there is one: on a point-to-point link, `IFA_ADDRESS` is the peer's.
fn address(message: &AddressMessage) -> Option<IpAddr> {
    let local = message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            AddressAttribute::Local(address) => Some(*address),
            _ => None,
        });
    local.or_else(|| {
        message
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                AddressAttribute::Address(address) => Some(*address),
                _ => None,
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_holders_are_counted_from_the_moment_asked_for() {
        let address = IpAddr::from([10, 77, 0, 100]);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let change = |ms, node, held| Change {
            at: at(ms),
            node,
            address,
            held,
        };
        let history = [
            change(0, Node::A, true),
            change(10, Node::B, true),
            change(30, Node::A, false),
            change(50, Node::A, true),
        ];
        let ms = |since, until| overlap(&history, address, at(since), at(until)).as_millis();
        assert_eq!(ms(0, 50), 20);
        assert_eq!(ms(20, 50), 10, "the first half was before");
        assert_eq!(ms(0, 60), 30, "it goes on");
        assert_eq!(holders(&history, address), [Node::A, Node::B]);
    }
}
