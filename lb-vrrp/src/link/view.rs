//! What a node tells of its virtual routers, and who is next when a master dies.

use std::net::IpAddr;

use crate::{Family, Priority, VirtualRouterId};

/// One virtual router as its node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RouterView {
    /// Its number.
    pub id: VirtualRouterId,
    /// The family of its addresses.
    pub family: Family,
    /// The interface it runs on, by the name that this node has for it.
    pub interface: String,
    /// The address its advertisements come from, while there is one.
    pub source: Option<IpAddr>,
    /// The priority with all tracking counted in.
    pub priority: Priority,
    /// What it is doing.
    pub state: RouterState,
}

/// The states a virtual router can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouterState {
    /// Not started, or stopped.
    Initialize,
    /// Somebody else is master.
    Backup,
    /// It has the addresses.
    Master,
    /// It cannot work: the interface is down, or something it depends on has failed.
    Fault,
}

impl RouterView {
    /// Its rank in an election (RFC 9568 §6.4.3), or `None` for one that cannot be master now.
    fn rank(&self) -> Option<(Priority, IpAddr)> {
        match self.state {
            RouterState::Backup | RouterState::Master => Some((self.priority, self.source?)),
            RouterState::Initialize | RouterState::Fault => None,
        }
    }
}

/// Whether this node, with priority and source address `own`, is the one to take over the
/// virtual router `id` of `family`.
///
/// `live` are the views of the peers whose link is up, [`PeerLink::views`](super::PeerLink::views);
/// the dead one is not among them. It is this node's turn when none of them has a higher priority,
/// or the same and a higher address, and could be master. Preemption does not matter: the master
/// is gone. Two nodes that know the same agree; where they do not, both take over and the
/// protocol's own election decides between them.
///
/// Ask again whenever a peer is gone or lost: the next in line may have died with the master.
pub fn next_in_line<'a>(
    id: VirtualRouterId,
    family: Family,
    own: (Priority, IpAddr),
    live: impl IntoIterator<Item = &'a [RouterView]>,
) -> bool {
    !live
        .into_iter()
        .flatten()
        .filter(|router| router.id == id && router.family == family)
        .filter_map(RouterView::rank)
        .any(|rank| rank > own)
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
