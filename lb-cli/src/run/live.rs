//! The system of the moment, which a reload replaces.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::System;
#[cfg(test)]
use super::{RunError, assemble};
#[cfg(test)]
use crate::{log::Sink, plan::Plan};

/// What runs now. Clones see the same; whoever looks at a system twice for one answer takes it once.
#[derive(Clone, Debug)]
pub struct Live(Arc<ArcSwap<System>>);

impl Live {
    /// A plan that is assembled and not served.
    #[cfg(test)]
    pub(crate) fn of(plan: Plan, log: Sink) -> Result<Self, RunError> {
        let (system, _) = assemble::first(plan, log, None)?;
        Ok(Self::new(system))
    }

    pub(super) fn new(system: Arc<System>) -> Self {
        Self(Arc::new(ArcSwap::new(system)))
    }

    /// As it is now; what it was stays whole for those who hold it.
    pub fn system(&self) -> Arc<System> {
        self.0.load_full()
    }

    pub(super) fn replace(&self, system: Arc<System>) {
        self.0.store(system);
    }
}
