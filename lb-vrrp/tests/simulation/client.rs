//! A host on the same network: it sends to whom it was last told has the address.

use std::time::Instant;

/// What clients believe of one virtual address.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Client {
    pub(crate) node: Option<usize>,
    /// When it was last told.
    pub(crate) told: Option<Instant>,
}

impl Client {
    pub(crate) const fn hear(&mut self, now: Instant, node: usize) {
        self.node = Some(node);
        self.told = Some(now);
    }
}
