//! One bit that every request may ask for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a virtual router is master: written by its driver, read by [gates](crate::gate).
#[derive(Clone, Debug, Default)]
pub(crate) struct Mastery(Arc<AtomicBool>);

impl Mastery {
    pub(crate) fn is_master(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, master: bool) {
        self.0.store(master, Ordering::Relaxed);
    }
}
