//! Where a worker counts of servers that were not there at its start.
//!
//! A list that only grows and that readers walk without a lock. The place of a server that is deleted goes
//! to the next one that is added, so that adding and deleting for ever takes no more memory than the most there
//! were at a time.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use lb_core::server::ServerUid;

use super::tally::Traffic;

/// The counts of some servers.
#[derive(Debug, Default)]
pub(super) struct Added(OnceLock<Box<Node>>);

#[derive(Debug)]
struct Node {
    /// 0 is nobody.
    uid: AtomicU64,
    traffic: Arc<Traffic>,
    next: Added,
}

impl Added {
    pub(super) fn find(&self, uid: ServerUid) -> Option<&Arc<Traffic>> {
        let uid: u64 = uid.into();
        let mut nodes = self.nodes();
        Some(
            &nodes
                .find(|node| node.uid.load(Ordering::Acquire) == uid)?
                .traffic,
        )
    }

    /// A place for a server; one caller at a time.
    pub(super) fn add(&self, uid: ServerUid) {
        let uid: u64 = uid.into();
        let free = |node: &&Node| node.uid.load(Ordering::Relaxed) == 0;
        if let Some(node) = self.nodes().find(free) {
            node.traffic.reset();
            return node.uid.store(uid, Ordering::Release);
        }
        let mut end = self;
        while let Some(node) = end.0.get() {
            end = &node.next;
        }
        let node = Box::new(Node {
            uid: uid.into(),
            traffic: Arc::default(),
            next: Self::default(),
        });
        // There is one caller at a time, so nobody else has put one there.
        let _ = end.0.set(node);
    }

    /// The server is gone, and no request of it is left.
    pub(super) fn remove(&self, uid: ServerUid) {
        let uid: u64 = uid.into();
        for node in self.nodes() {
            let _ = node
                .uid
                .compare_exchange(uid, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// All counts.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Traffic>> {
        self.nodes().map(|node| &node.traffic)
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        std::iter::successors(self.0.get(), |node| node.next.0.get()).map(Box::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use lb_core::Server;

    use super::*;

    #[test]
    fn the_place_of_one_that_is_gone_is_used_again_from_0() {
        let uids: Vec<_> = (0..3).map(|_| Server::new("s", ()).uid()).collect();
        let added = Added::default();
        added.add(uids[0]);
        added.add(uids[1]);
        for uid in &uids[..2] {
            added.find(*uid).unwrap().requests.add(7);
        }
        added.remove(uids[0]);
        assert!(added.find(uids[0]).is_none());
        added.add(uids[2]);
        assert_eq!(added.all().count(), 2);
        let total = |uid| {
            super::super::tally::Totals::of(added.find(uid).map(Arc::as_ref).into_iter()).requests
        };
        assert_eq!((total(uids[2]), total(uids[1])), (0, 7));
    }
}
