//! One rule.

use std::sync::Arc;

use lb_core::{
    condition::Condition,
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

    pub(super) fn table(&self) -> &Table {
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
