//! Variables: `set-var(txn.user)`, `var(txn.user)`.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use lb_core::condition::Value;
use smallvec::SmallVec;

/// How long a variable lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VariableScope {
    /// As long as the process (`proc`); all requests share it.
    Process,
    /// As long as the client's connection (`sess`); all its requests share it.
    Session,
    /// For a request and its response (`txn`).
    Transaction,
    /// Until the response begins (`req`).
    Request,
    /// From the response on (`res`).
    Response,
}

/// A variable's place; [`Registry::variable`](crate::fetch::Registry::variable) gives it, and
/// [`View::variable`](crate::fetch::View::variable) what is in it.
#[derive(Debug, Clone)]
pub struct Variable {
    pub(crate) scope: VariableScope,
    pub(crate) number: usize,
    /// The value itself, where it is the process's.
    pub(crate) shared: Option<Arc<Shared>>,
}

/// A value that several requests may read and set at once; the last one who sets it wins.
#[derive(Debug, Default)]
pub(crate) struct Shared(ArcSwapOption<Value>);

/// The variables of a connection: a list that only grows, so that nobody waits for anybody.
#[derive(Debug, Default)]
pub(crate) struct Session(OnceLock<Box<Node>>);

#[derive(Debug)]
struct Node {
    number: usize,
    shared: Shared,
    next: Session,
}

impl VariableScope {
    /// The scope of a prefix, as in `txn.user`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "proc" => Self::Process,
            "sess" => Self::Session,
            "txn" => Self::Transaction,
            "req" => Self::Request,
            "res" => Self::Response,
            _ => return None,
        })
    }
}

impl Variable {
    /// How long it lives.
    #[must_use]
    pub fn scope(&self) -> VariableScope {
        self.scope
    }
}

impl Shared {
    pub(crate) fn value(&self) -> Option<Arc<Value>> {
        self.0.load_full()
    }

    pub(crate) fn set(&self, value: Option<Arc<Value>>) {
        self.0.store(value);
    }
}

impl Session {
    pub(crate) fn find(&self, number: usize) -> Option<&Shared> {
        let mut list = self;
        while let Some(node) = list.0.get() {
            if node.number == number {
                return Some(&node.shared);
            }
            list = &node.next;
        }
        None
    }

    /// The variable, which is new with its first use.
    pub(crate) fn place(&self, number: usize) -> &Shared {
        let mut list = self;
        loop {
            let node = list.0.get_or_init(|| {
                Box::new(Node {
                    number,
                    shared: Shared::default(),
                    next: Self::default(),
                })
            });
            if node.number == number {
                return &node.shared;
            }
            list = &node.next;
        }
    }
}

/// Those of one request that are set; there are few, so they are a list.
#[derive(Debug, Default)]
pub(super) struct Variables(SmallVec<[(VariableScope, usize, Arc<Value>); 2]>);

impl Variables {
    fn at(&self, variable: &Variable) -> Option<usize> {
        let mut all = self.0.iter();
        all.position(|(_, number, _)| *number == variable.number)
    }

    pub(super) fn find(&self, variable: &Variable) -> Option<Arc<Value>> {
        Some(Arc::clone(&self.0[self.at(variable)?].2))
    }

    pub(super) fn set(&mut self, variable: &Variable, value: Option<Arc<Value>>) {
        match (self.at(variable), value) {
            (Some(at), Some(value)) => self.0[at].2 = value,
            (Some(at), None) => {
                self.0.swap_remove(at);
            }
            (None, Some(value)) => self.0.push((variable.scope, variable.number, value)),
            (None, None) => {}
        }
    }

    pub(super) fn forget(&mut self, scope: VariableScope) {
        self.0.retain(|(of, ..)| *of != scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn variable(scope: VariableScope, number: usize) -> Variable {
        Variable {
            scope,
            number,
            shared: None,
        }
    }

    fn int(value: i64) -> Option<Arc<Value>> {
        Some(Arc::new(Value::Int(value)))
    }

    #[test]
    fn the_last_value_counts_until_it_is_unset_or_its_scope_ends() {
        let (a, b) = (
            variable(VariableScope::Transaction, 0),
            variable(VariableScope::Request, 1),
        );
        let mut variables = Variables::default();
        variables.set(&a, None);
        variables.set(&a, int(1));
        variables.set(&a, int(2));
        variables.set(&b, int(3));
        assert_eq!(variables.find(&a), int(2));
        variables.forget(VariableScope::Request);
        assert_eq!(variables.find(&b), None);
        variables.set(&a, None);
        assert_eq!(variables.find(&a), None);
    }

    #[test]
    fn variables_of_a_connection_are_found_by_their_number() {
        let session = Session::default();
        assert!(session.find(3).is_none());
        for number in [3, 1, 2, 3] {
            session.place(number).set(int(number as i64));
        }
        for number in [1, 2, 3] {
            let found = session.find(number).and_then(Shared::value);
            assert_eq!(found, int(number as i64));
        }
        assert!(session.find(0).is_none());
        session.place(1).set(None);
        assert_eq!(session.find(1).unwrap().value(), None);
    }
}
