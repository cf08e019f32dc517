//! One rule.

use std::sync::Arc;

use lb_core::{
    condition::{Condition, Trace},
    table::{Key, Table},
};

use crate::fetch::{HttpExpr, View};

/// A key, a table, and what for.
#[derive(Clone, Debug)]
pub struct Rule {
    key: HttpExpr,
    table: Arc<Table>,
    usage: Use,
    condition: Option<Condition<HttpExpr>>,
}

/// What a rule does with its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// Looks for the client's server, and remembers it (`on`).
    On,
    /// Only looks (`match`).
    Match,
    /// Only remembers (`store-request`).
    StoreRequest,
    /// Remembers, with a key of the response (`store-response`).
    StoreResponse,
}

/// What a rule has found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Look {
    /// The terms of its condition.
    pub condition: Trace,
    /// Is it for this message?
    pub holds: bool,
    /// Its key, if the message has one.
    pub key: Option<Key>,
}

impl Rule {
    /// Does `usage` with what `key` finds, in `table`, which should store the numbers of servers.
    #[must_use]
    pub fn new(usage: Use, key: HttpExpr, table: Arc<Table>) -> Self {
        Self {
            key,
            table,
            usage,
            condition: None,
        }
    }

    /// Keeps requests of one key on one server.
    #[must_use]
    pub fn on(key: HttpExpr, table: Arc<Table>) -> Self {
        Self::new(Use::On, key, table)
    }

    /// Only where this holds.
    #[must_use]
    pub fn when(mut self, condition: Condition<HttpExpr>) -> Self {
        self.condition = Some(condition);
        self
    }

    /// What it does with its key.
    #[must_use]
    pub fn usage(&self) -> Use {
        self.usage
    }

    /// What it finds in a message, and how: for `lb explain`.
    #[must_use]
    pub fn look(&self, view: &View<'_>) -> Look {
        let mut look = Look::default();
        let condition = self.condition.as_ref();
        look.holds = condition.is_none_or(|c| c.eval_traced(view, &mut look.condition));
        if look.holds {
            let found = self.key.with_sample(view, |sample| self.table.key(&sample));
            look.key = found.flatten();
        }
        look
    }

    /// Its table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    pub(super) fn matches(&self) -> bool {
        matches!(self.usage, Use::On | Use::Match)
    }

    pub(super) fn stores_request(&self) -> bool {
        matches!(self.usage, Use::On | Use::StoreRequest)
    }

    pub(super) fn stores_response(&self) -> bool {
        self.usage == Use::StoreResponse
    }

    /// Its key for a message, if it has one and the rule is for it.
    pub(super) fn key(&self, view: &View<'_>) -> Option<Key> {
        if self.condition.as_ref().is_some_and(|c| !c.eval(view)) {
            return None;
        }
        self.key
            .with_sample(view, |sample| self.table.key(&sample))?
    }
}
