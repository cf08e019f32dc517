//! What rules keep for one request, from its first rule to its log line.
//!
//! HAProxy: variables, `capture`, the counters of `track-sc`, `set-log-level`. A request whose rules keep nothing has
//! an empty one, which owns no memory.

mod captures;
mod log_level;
mod tracking;
mod variables;

use std::{cell::RefCell, sync::Arc};

use lb_core::condition::Value;

pub(crate) use self::variables::Session;
use self::variables::Variables;
pub use self::{
    captures::{Captures, Slot},
    log_level::LogLevel,
    tracking::Tracking,
    variables::{Variable, VariableScope},
};

/// The first line of a request.
#[derive(Debug, Clone)]
pub struct Line {
    /// The method.
    pub method: http::Method,
    /// The target.
    pub uri: http::Uri,
    /// The version.
    pub version: http::Version,
}

impl Line {
    /// That of a request.
    pub fn of<B>(request: &http::Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
        }
    }
}

/// What is kept for one request. Rules have it one after another, so it is not shared between threads.
#[derive(Debug, Default)]
pub struct Transaction {
    /// Converters set variables while samples are taken.
    variables: RefCell<Variables>,
    /// Captured fields.
    pub captures: Captures,
    /// The request's method, for rules on its response.
    pub method: Option<http::Method>,
    /// The request's first line as it came, before rules change it; kept only where an expression asks for it
    /// ([`Registry::keeps_line`](crate::fetch::Registry::keeps_line)), hence in a box.
    pub line: Option<Box<Line>>,
    /// `set-log-level`: the level of its log line; `None`: that of every line, `info`.
    pub log_level: Option<LogLevel>,
    /// What it counts in.
    pub tracking: Tracking,
}

impl Transaction {
    /// Nothing is kept.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps of `request` what rules on its response may ask for, and its first line if `line`.
    #[must_use]
    pub fn of<B>(request: &http::Request<B>, line: bool) -> Self {
        Self {
            method: Some(request.method().clone()),
            line: line.then(|| Box::new(Line::of(request))),
            ..Self::default()
        }
    }

    /// The value of a variable of this request; `None` if nobody has set it, or it is not the request's.
    pub fn variable(&self, variable: &Variable) -> Option<Arc<Value>> {
        self.variables.borrow().find(variable)
    }

    /// Sets a variable of this request, or unsets it with `None`.
    pub fn set_variable(&self, variable: &Variable, value: Option<Value>) {
        let value = value.map(Arc::new);
        self.variables.borrow_mut().set(variable, value);
    }

    /// Forgets the variables of `scope`: those of `req` end where the response begins.
    pub fn forget(&self, scope: VariableScope) {
        self.variables.borrow_mut().forget(scope);
    }
}
