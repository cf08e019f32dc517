//! `set-var(NAME[,CONDITION…])`: a variable, and when it is set.

use lb_core::condition::{Arg, Call, ConditionError, Value};

use super::{names::Place, registry::Registry, view::View};
use crate::transaction::{Variable, VariableScope};

/// A variable that is set where all conditions hold.
#[derive(Debug, Clone)]
pub(crate) struct Assignment {
    variable: Variable,
    conditions: Box<[SetIf]>,
}

/// HAProxy's conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SetIf {
    /// It has a value, or is the process's: observed, those are there from the start.
    Exists,
    NotExists,
    /// The new value is an empty text.
    Empty,
    NotEmpty,
    /// It has a value.
    Set,
    NotSet,
    /// Its value is greater than the new one; holds where one of both is no number.
    Greater,
    Less,
}

const CONDITIONS: [(&str, SetIf); 8] = [
    ("ifexists", SetIf::Exists),
    ("ifnotexists", SetIf::NotExists),
    ("ifempty", SetIf::Empty),
    ("ifnotempty", SetIf::NotEmpty),
    ("ifset", SetIf::Set),
    ("ifnotset", SetIf::NotSet),
    ("ifgt", SetIf::Greater),
    ("iflt", SetIf::Less),
];

impl Assignment {
    /// Reads the arguments of `set-var`.
    pub(crate) fn read(call: &Call, registry: &Registry) -> Result<Self, ConditionError> {
        let variable = variable(call, registry)?;
        let conditions = call.args.iter().skip(1).map(condition);
        Ok(Self {
            variable,
            conditions: conditions.collect::<Result<_, _>>()?,
        })
    }

    /// Sets it, if it is to be set.
    pub(crate) fn set(&self, view: &View<'_>, value: Value) {
        let mut conditions = self.conditions.iter();
        if conditions.all(|condition| condition.holds(&self.variable, view, &value)) {
            view.set_variable(&self.variable, Some(value));
        }
    }

    pub(crate) fn variable(&self) -> &Variable {
        &self.variable
    }
}

/// The variable that is the first argument.
pub(crate) fn variable(call: &Call, registry: &Registry) -> Result<Variable, ConditionError> {
    match call.arg(0) {
        Some(arg) => registry.variable_of(arg),
        None => {
            let message = format!("`{}` needs a variable, as `txn.user`", call.name);
            Err(ConditionError::new(call.span, message))
        }
    }
}

/// An error if the variable does not live where the expression stands.
pub(crate) fn check_scope(arg: &Arg, place: Place) -> Result<(), ConditionError> {
    let scope = arg.text.split_once('.').map_or("", |(scope, _)| scope);
    let message = match (VariableScope::parse(scope), place) {
        (Some(VariableScope::Response), Place::Request) => {
            "variables of `res` begin with the response"
        }
        (Some(VariableScope::Request), Place::Response) => {
            "variables of `req` end where the response begins"
        }
        _ => return Ok(()),
    };
    Err(ConditionError::new(arg.span, message)
        .help("`txn` lasts for the request and its response")
        .misplaced())
}

fn condition(arg: &Arg) -> Result<SetIf, ConditionError> {
    let found = CONDITIONS.iter().find(|(name, _)| *name == arg.text);
    found.map(|(_, condition)| *condition).ok_or_else(|| {
        let names = CONDITIONS.map(|(name, _)| name);
        let message = format!("there is no condition `{}` of a variable", arg.text);
        let error = ConditionError::new(arg.span, message);
        error
            .help(format!("there are {}", names.join(" ")))
            .suggest(&arg.text, names)
    })
}

impl SetIf {
    fn holds(self, variable: &Variable, view: &View<'_>, new: &Value) -> bool {
        let is_process = variable.scope() == VariableScope::Process;
        let exists = || is_process || view.variable(variable).is_some();
        let is_empty = || matches!(new, Value::Str(text) | Value::Bin(text) if text.is_empty());
        let numbers = || match (view.variable(variable).as_deref(), new) {
            (Some(Value::Int(old)), Value::Int(new)) => Some((*old, *new)),
            _ => None,
        };
        match self {
            Self::Exists => exists(),
            Self::NotExists => !exists(),
            Self::Empty => is_empty(),
            Self::NotEmpty => !is_empty(),
            Self::Set => view.variable(variable).is_some(),
            Self::NotSet => view.variable(variable).is_none(),
            Self::Greater => numbers().is_none_or(|(old, new)| old > new),
            Self::Less => numbers().is_none_or(|(old, new)| old < new),
        }
    }
}
