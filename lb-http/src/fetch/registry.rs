//! What names in expressions stand for: backends, frontends, tables, variables.
//!
//! An expression finds what it names once, when it is compiled, and keeps it: nothing is looked up by name while a
//! request waits.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lb_core::{
    condition::{ConditionError, Span},
    table::{DataType, Table},
};

use super::facts::{BackendFacts, FrontendFacts};
use crate::transaction::{Variable, VariableScope};

/// What expressions of one configuration may name.
#[derive(Debug, Default)]
pub struct Registry {
    backends: BTreeMap<Box<str>, Arc<dyn BackendFacts>>,
    frontends: BTreeMap<Box<str>, Arc<dyn FrontendFacts>>,
    tables: BTreeMap<Box<str>, Arc<Table>>,
    /// The tables that rules track, by slot, where that is known.
    tracked: Option<[Vec<Arc<Table>>; 3]>,
    variables: Mutex<Vec<(VariableScope, Box<str>)>>,
}

impl Registry {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a backend.
    #[must_use]
    pub fn backend(mut self, name: &str, facts: Arc<dyn BackendFacts>) -> Self {
        self.backends.insert(name.into(), facts);
        self
    }

    /// Adds a frontend.
    #[must_use]
    pub fn frontend(mut self, name: &str, facts: Arc<dyn FrontendFacts>) -> Self {
        self.frontends.insert(name.into(), facts);
        self
    }

    /// Adds a table, by its name.
    #[must_use]
    pub fn table(mut self, table: Arc<Table>) -> Self {
        self.tables.insert(table.name().into(), table);
        self
    }

    /// States which tables the rules track as `sc0`, `sc1` and `sc2`: expressions cannot ask for more than these store.
    /// Without it, what is not there is found missing with each request.
    #[must_use]
    pub fn tracked(mut self, tables: [Vec<Arc<Table>>; 3]) -> Self {
        self.tracked = Some(tables);
        self
    }

    /// The table of this name.
    pub fn find_table(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.get(name)
    }

    /// The names of all tables, to suggest from.
    pub fn table_names(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(|name| &**name)
    }

    /// All tables.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values()
    }

    /// An error at `span` if it is known that nothing is tracked in this slot, or nowhere with any of `wanted`.
    pub(crate) fn check_tracked(
        &self,
        slot: usize,
        wanted: &[(DataType, u16)],
        span: Span,
    ) -> Result<(), ConditionError> {
        let Some(tables) = self.tracked.as_ref().map(|slots| &slots[slot]) else {
            return Ok(());
        };
        let Some(first) = tables.first() else {
            let message = format!("no rule tracks `sc{slot}`");
            return Err(ConditionError::new(span, message).help(format!(
                "add `http_request = [\"track-sc{slot} src table NAME\", …]`"
            )));
        };
        let stored = |table: &Arc<Table>| {
            let mut wanted = wanted.iter();
            wanted.any(|(data, index)| table.stores(*data, *index))
        };
        match wanted.first() {
            // Where several tables are tracked, each request decides which.
            Some(wanted) if !tables.iter().any(stored) => Err(not_stored(first, *wanted, span)),
            _ => Ok(()),
        }
    }

    /// The backend of this name.
    pub fn find_backend(&self, name: &str) -> Option<&Arc<dyn BackendFacts>> {
        self.backends.get(name)
    }

    /// The frontend of this name.
    pub fn find_frontend(&self, name: &str) -> Option<&Arc<dyn FrontendFacts>> {
        self.frontends.get(name)
    }

    /// The names of all backends, to suggest from.
    pub fn backend_names(&self) -> impl Iterator<Item = &str> {
        self.backends.keys().map(|name| &**name)
    }

    /// The names of all frontends, likewise.
    pub fn frontend_names(&self) -> impl Iterator<Item = &str> {
        self.frontends.keys().map(|name| &**name)
    }

    /// The variable of this name, which is new with its first use.
    pub fn variable(&self, scope: VariableScope, name: &str) -> Variable {
        let mut variables = self.lock_variables();
        let known = variables
            .iter()
            .position(|(of, known)| *of == scope && &**known == name);
        let number = known.unwrap_or_else(|| {
            variables.push((scope, name.into()));
            variables.len() - 1
        });
        Variable { scope, number }
    }

    /// A list that is whole at each step.
    fn lock_variables(&self) -> MutexGuard<'_, Vec<(VariableScope, Box<str>)>> {
        self.variables
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A table is asked for what it does not store.
pub(super) fn not_stored(
    table: &Table,
    (data, index): (DataType, u16),
    span: Span,
) -> ConditionError {
    let (what, example) = match (data.is_array(), data.is_rate()) {
        (false, false) => (format!("`{data}`"), data.to_string()),
        (false, true) => (format!("`{data}`"), format!("{data}(10s)")),
        (true, rate) => {
            let period = if rate { ",10s" } else { "" };
            let example = format!("{data}({}{period})", index + 1);
            (format!("number {index} of `{data}`"), example)
        }
    };
    let message = format!("table `{}` does not store {what}", table.name());
    ConditionError::new(span, message).help(format!("add \"{example}\" to its `store`"))
}
