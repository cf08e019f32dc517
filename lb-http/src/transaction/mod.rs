//! What rules keep for one request, from its first rule to its log line.
//!
//! HAProxy: variables, `capture`, the counters of `track-sc`, `set-log-level`. A request whose rules keep nothing has
//! an empty one, which owns no memory.

mod captures;
mod tracking;
mod variables;

use std::cell::{Ref, RefCell};

use lb_core::condition::Value;

use self::variables::Variables;
pub use self::{
    captures::{Captures, Slot},
    tracking::Tracking,
    variables::{Variable, VariableScope},
};

/// What is kept for one request. Rules have it one after another, so it is not shared between threads.
#[derive(Debug, Default)]
pub struct Transaction {
    /// Converters set variables while samples are taken.
    variables: RefCell<Variables>,
    /// Captured fields.
    pub captures: Captures,
    /// What it counts in.
    pub tracking: Tracking,
}

impl Transaction {
    /// Nothing is kept.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a variable of this request; `None` if nobody has set it.
    pub fn variable(&self, variable: Variable) -> Option<Ref<'_, Value>> {
        Ref::filter_map(self.variables.borrow(), |all| all.find(variable)).ok()
    }

    /// Sets a variable, or unsets it with `None`.
    pub fn set_variable(&self, variable: Variable, value: Option<Value>) {
        self.variables.borrow_mut().set(variable, value);
    }

    /// Forgets the variables of `scope`: those of `req` end where the response begins.
    pub fn forget(&self, scope: VariableScope) {
        self.variables.borrow_mut().forget(scope);
    }
}
