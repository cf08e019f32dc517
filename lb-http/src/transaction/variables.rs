//! Variables: `set-var(txn.user)`, `var(txn.user)`.

use lb_core::condition::Value;
use smallvec::SmallVec;

/// How long a variable lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VariableScope {
    /// As long as the process (`proc`).
    Process,
    /// As long as the client's connection (`sess`).
    Session,
    /// For a request and its response (`txn`).
    Transaction,
    /// Until the response begins (`req`).
    Request,
    /// From the response on (`res`).
    Response,
}

/// A variable's place; [`Registry::variable`](crate::fetch::Registry::variable) gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    pub(crate) scope: VariableScope,
    pub(crate) number: usize,
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
    pub fn scope(self) -> VariableScope {
        self.scope
    }
}

/// Those that are set; there are few, so they are a list.
#[derive(Debug, Default)]
pub(super) struct Variables(SmallVec<[(Variable, Value); 2]>);

impl Variables {
    pub(super) fn find(&self, variable: Variable) -> Option<&Value> {
        let found = self.0.iter().find(|(of, _)| *of == variable);
        found.map(|(_, value)| value)
    }

    pub(super) fn set(&mut self, variable: Variable, value: Option<Value>) {
        let at = self.0.iter().position(|(of, _)| *of == variable);
        match (at, value) {
            (Some(at), Some(value)) => self.0[at].1 = value,
            (Some(at), None) => {
                self.0.swap_remove(at);
            }
            (None, Some(value)) => self.0.push((variable, value)),
            (None, None) => {}
        }
    }

    pub(super) fn forget(&mut self, scope: VariableScope) {
        self.0.retain(|(of, _)| of.scope != scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn variable(scope: VariableScope, number: usize) -> Variable {
        Variable { scope, number }
    }

    #[test]
    fn the_last_value_counts_until_it_is_unset_or_its_scope_ends() {
        let (a, b) = (
            variable(VariableScope::Transaction, 0),
            variable(VariableScope::Request, 1),
        );
        let mut variables = Variables::default();
        variables.set(a, Some(Value::Int(1)));
        variables.set(a, Some(Value::Int(2)));
        variables.set(b, Some(Value::Bool(true)));
        assert_eq!(variables.find(a), Some(&Value::Int(2)));
        variables.forget(VariableScope::Request);
        assert_eq!(variables.find(b), None);
        variables.set(a, None);
        assert_eq!(variables.find(a), None);
    }
}
