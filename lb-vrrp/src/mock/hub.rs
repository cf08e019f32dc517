//! What passes between nodes.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll};

use super::node::Node;
use crate::network::{Datagram, NetworkEvent};
use crate::{Family, VirtualAddress, VirtualRoute};

/// The nodes, and what is wrong between them.
#[derive(Default)]
pub(super) struct State {
    nodes: Vec<Node>,
    attached: u32,
    /// From whom to whom nothing gets through.
    pub(super) cuts: HashSet<(IpAddr, IpAddr)>,
    pub(super) dropping: bool,
    pub(super) announcements: Vec<(IpAddr, IpAddr)>,
}

impl State {
    pub(super) fn node(&self, source: IpAddr) -> Option<&Node> {
        self.nodes.iter().find(|node| node.source == source)
    }

    fn node_mut(&mut self, source: IpAddr) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.source == source)
    }

    pub(super) fn attach(&mut self, source: IpAddr) {
        assert!(self.node(source).is_none(), "{source} is attached already");
        self.attached += 1;
        self.nodes.push(Node::new(source, self.attached));
    }

    pub(super) fn detach(&mut self, source: IpAddr) {
        self.nodes.retain(|node| node.source != source);
    }

    pub(super) fn holders(&self, address: IpAddr) -> Vec<IpAddr> {
        let holding = self
            .nodes
            .iter()
            .filter(|node| node.held.contains(&address));
        holding.map(|node| node.source).collect()
    }

    pub(super) fn cut(&mut self, from: IpAddr, to: IpAddr) {
        self.cuts.insert((from, to));
    }

    pub(super) fn tell(&mut self, source: IpAddr, event: NetworkEvent) {
        if let Some(node) = self.node_mut(source) {
            node.tell(event);
        }
    }

    pub(super) fn set_link(&mut self, source: IpAddr, up: bool) {
        if let Some(node) = self.node_mut(source)
            && node.up != up
        {
            node.up = up;
            node.tell_state();
        }
    }

    pub(super) fn set_source(&mut self, source: IpAddr, there: bool) {
        if let Some(node) = self.node_mut(source)
            && node.addressed != there
        {
            node.addressed = there;
            node.tell_state();
        }
    }

    pub(super) fn lose(&mut self, source: IpAddr, address: IpAddr) {
        if let Some(node) = self.node_mut(source)
            && node.held.contains(&address)
        {
            node.held.retain(|held| *held != address);
            node.tell(NetworkEvent::Lost(address));
        }
    }

    pub(super) fn add_addresses(&mut self, source: IpAddr, addresses: &[VirtualAddress]) {
        let Some(node) = self.node_mut(source) else {
            return;
        };
        for address in addresses.iter().map(VirtualAddress::ip) {
            if !node.held.contains(&address) {
                node.held.push(address);
            }
        }
    }

    pub(super) fn remove_addresses(&mut self, source: IpAddr, addresses: &[VirtualAddress]) {
        let Some(node) = self.node_mut(source) else {
            return;
        };
        node.held
            .retain(|held| addresses.iter().all(|address| address.ip() != *held));
    }

    pub(super) fn add_routes(&mut self, source: IpAddr, routes: &[VirtualRoute]) {
        self.remove_routes(source, routes);
        if let Some(node) = self.node_mut(source) {
            node.routes.extend_from_slice(routes);
        }
    }

    pub(super) fn remove_routes(&mut self, source: IpAddr, routes: &[VirtualRoute]) {
        if let Some(node) = self.node_mut(source) {
            node.routes.retain(|set| !routes.contains(set));
        }
    }

    /// # Errors
    /// That the node's link is down, or that it has no address.
    pub(super) fn send(
        &mut self,
        source: IpAddr,
        destination: IpAddr,
        message: &[u8],
    ) -> io::Result<()> {
        self.sender(source, true)?;
        if self.dropping {
            return Ok(());
        }
        let datagram = Datagram {
            source,
            destination,
            ttl: 255,
            message: message.to_vec(),
        };
        let group = Family::of(source).group();
        for at in self.reached_from(source) {
            let node = &mut self.nodes[at];
            let listens = Family::of(node.source) == Family::of(source);
            if listens && (destination == group || destination == node.source) {
                node.tell(NetworkEvent::Received(datagram.clone()));
            }
        }
        Ok(())
    }

    /// # Errors
    /// That the node's link is down.
    pub(super) fn announce(&mut self, source: IpAddr, address: IpAddr) -> io::Result<()> {
        let by = self.sender(source, false)?.mac;
        self.announcements.push((source, address));
        for at in self.reached_from(source) {
            self.nodes[at].tell(NetworkEvent::Claimed { address, by });
        }
        Ok(())
    }

    /// # Errors
    /// That the node's link is down.
    pub(super) fn probe(&mut self, source: IpAddr, address: IpAddr) -> io::Result<()> {
        self.sender(source, false)?;
        let mut answers = Vec::new();
        for at in self.reached_from(source) {
            let node = &self.nodes[at];
            let answered = !self.cuts.contains(&(node.source, source));
            if answered && node.held.contains(&address) {
                answers.push(node.mac);
            }
        }
        for by in answers {
            self.tell(source, NetworkEvent::Claimed { address, by });
        }
        Ok(())
    }

    pub(super) fn poll_event(&mut self, source: IpAddr, cx: &Context<'_>) -> Poll<NetworkEvent> {
        let Some(node) = self.node_mut(source) else {
            return Poll::Pending;
        };
        match node.events.pop_front() {
            Some(event) => Poll::Ready(event),
            None => {
                node.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn sender(&self, source: IpAddr, addressed: bool) -> io::Result<&Node> {
        let node = self
            .node(source)
            .filter(|node| node.up && (node.addressed || !addressed));
        node.ok_or_else(|| io::ErrorKind::NetworkDown.into())
    }

    /// Whom a frame of `source` reaches, in the order of attachment.
    fn reached_from(&self, source: IpAddr) -> Vec<usize> {
        let reached = |node: &Node| {
            node.up && node.source != source && !self.cuts.contains(&(source, node.source))
        };
        let all = self.nodes.iter().enumerate();
        all.filter(|(_, node)| reached(node))
            .map(|(at, _)| at)
            .collect()
    }
}
