//! What names in expressions stand for: backends, frontends, variables.
//!
//! An expression finds what it names once, when it is compiled, and keeps it: nothing is looked up by name while a
//! request waits.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::facts::{BackendFacts, FrontendFacts};
use crate::transaction::{Variable, VariableScope};

/// What expressions of one configuration may name.
#[derive(Debug, Default)]
pub struct Registry {
    backends: BTreeMap<Box<str>, Arc<dyn BackendFacts>>,
    frontends: BTreeMap<Box<str>, Arc<dyn FrontendFacts>>,
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
