//! What names in expressions stand for: backends, frontends, tables, variables.
//!
//! An expression finds what it names once, when it is compiled, and keeps it: nothing is looked up by name while a
//! request waits.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use lb_core::{
    condition::{Arg, ConditionError, PatternFiles, Span},
    table::{DataType, Table},
};

use super::facts::{BackendFacts, FrontendFacts};
use crate::{
    map::Map,
    transaction::{Variable, VariableScope},
    users::UserList,
};

/// Numbers of variables. No two configurations share any, since a connection may outlive one.
static NUMBERS: AtomicUsize = AtomicUsize::new(0);

/// What expressions of one configuration may name.
#[derive(Debug, Default)]
pub struct Registry {
    backends: BTreeMap<Box<str>, Arc<dyn BackendFacts>>,
    frontends: BTreeMap<Box<str>, Arc<dyn FrontendFacts>>,
    servers: BTreeMap<Box<str>, Box<[Box<str>]>>,
    users: BTreeMap<Box<str>, Arc<UserList>>,
    maps: Mutex<BTreeMap<Box<str>, Arc<Map>>>,
    patterns: Arc<PatternFiles>,
    tables: BTreeMap<Box<str>, Arc<Table>>,
    /// The tables that rules track, by slot, where that is known.
    tracked: Option<[Vec<Arc<Table>>; 3]>,
    variables: Mutex<Vec<(Variable, Box<str>)>>,
    keeps_line: AtomicBool,
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

    /// Says which servers a backend has to begin with, so that a name that is none of them is a mistake.
    #[must_use]
    pub fn servers(mut self, backend: &str, names: impl IntoIterator<Item = Box<str>>) -> Self {
        self.servers
            .insert(backend.into(), names.into_iter().collect());
        self
    }

    /// Adds users and their groups.
    #[must_use]
    pub fn users(mut self, name: &str, users: UserList) -> Self {
        self.users.insert(name.into(), Arc::new(users));
        self
    }

    /// The users of this name.
    pub fn find_users(&self, name: &str) -> Option<&Arc<UserList>> {
        self.users.get(name)
    }

    /// The names of all lists of users, to suggest from.
    pub fn users_names(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(|name| &**name)
    }

    /// The files of patterns that conditions name, for [`ScopeBuilder::patterns`](lb_core::condition::ScopeBuilder).
    pub fn patterns(&self) -> &Arc<PatternFiles> {
        &self.patterns
    }

    /// The maps that expressions name, by their file.
    pub fn maps(&self) -> Vec<Arc<Map>> {
        self.lock_maps().values().cloned().collect()
    }

    /// The map of this file.
    pub fn find_map(&self, name: &str) -> Option<Arc<Map>> {
        self.lock_maps().get(name).cloned()
    }

    /// The map of this file, which is read with its first use.
    ///
    /// # Errors
    /// The file cannot be read, or is not text.
    pub fn load_map(&self, name: &str) -> io::Result<Arc<Map>> {
        let mut maps = self.lock_maps();
        if let Some(map) = maps.get(name) {
            return Ok(Arc::clone(map));
        }
        let content = std::fs::read(name)?;
        let map = Map::parse(name, &content).map_err(io::Error::other)?;
        let map = Arc::new(map);
        maps.insert(name.into(), Arc::clone(&map));
        Ok(map)
    }

    fn lock_maps(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Arc<Map>>> {
        self.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The servers of a backend, if they have been said.
    pub(super) fn servers_of(&self, backend: &str) -> Option<&[Box<str>]> {
        self.servers.get(backend).map(|names| &**names)
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
        let mut known = variables.iter();
        if let Some((known, _)) = known.find(|(of, known)| of.scope == scope && **known == *name) {
            return known.clone();
        }
        let variable = Variable {
            scope,
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            shared: (scope == VariableScope::Process).then(Arc::default),
        };
        variables.push((variable.clone(), name.into()));
        variable
    }

    /// The variable of this name, if an expression or a rule has named it.
    pub fn find_variable(&self, scope: VariableScope, name: &str) -> Option<Variable> {
        let variables = self.lock_variables();
        let mut known = variables.iter();
        let found = known.find(|(of, known)| of.scope == scope && **known == *name);
        found.map(|(variable, _)| variable.clone())
    }

    /// The variable that an argument names, as `txn.user`.
    ///
    /// # Errors
    /// A scope that does not exist, a name with other characters than HAProxy allows.
    pub fn variable_of(&self, arg: &Arg) -> Result<Variable, ConditionError> {
        let error = |message: String| ConditionError::new(arg.span, message);
        let Some((scope, name)) = arg.text.split_once('.') else {
            return Err(error(format!("`{}` names no variable", arg.text))
                .help("a variable has a scope, as in `txn.user`"));
        };
        let scope = VariableScope::parse(scope).ok_or_else(|| {
            let known = ["proc", "req", "res", "sess", "txn"];
            error(format!("there is no scope `{scope}`")).suggest(scope, known)
        })?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.".contains(&b);
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(error(format!("`{name}` cannot be the name of a variable"))
                .help("names have letters, digits, `_` and `.`"));
        }
        Ok(self.variable(scope, name))
    }

    /// Whether an expression asks for the first line of requests, which is then to be kept.
    #[must_use]
    pub fn keeps_line(&self) -> bool {
        self.keeps_line.load(Ordering::Relaxed)
    }

    pub(super) fn keep_line(&self) {
        self.keeps_line.store(true, Ordering::Relaxed);
    }

    /// A list that is whole at each step.
    fn lock_variables(&self) -> MutexGuard<'_, Vec<(Variable, Box<str>)>> {
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
