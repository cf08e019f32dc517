//! Rules: what is done to requests and responses, and on which conditions.
//!
//! HAProxy: `http-request`, `http-response`, `http-after-response`. A rule is an action and, behind `if` or `unless`, a
//! condition. Rules are compiled once, with every mistake at its place; they are looked at in their order, until one
//! ends the matter. A request pays for the rules it meets.
//!
//! An app puts [`RulesLayer`] around a service. A proxy that has several lists, as those of a frontend and of a
//! backend, applies [`RequestRules`] and [`ResponseRules`] itself.
//!
//! ```
//! use http::{Request, StatusCode};
//! use lb_core::condition::Scope;
//! use lb_http::{fetch::HttpVocabulary, page::Pages, rules::{RequestRules, Verdict}, transaction::Transaction};
//!
//! let (scope, _) = Scope::builder(HttpVocabulary::default()).acl("admin", &["path_beg /admin"]).build();
//! let rules = RequestRules::compile(&["deny deny_status 404 if admin !{ src 10.0.0.0/8 }"], &scope).expect("valid");
//!
//! let mut request = Request::get("/admin/users").body(()).unwrap();
//! match rules.apply(&mut request, &mut Transaction::new(), &Pages::default()) {
//!     Verdict::Answer(answer) => assert_eq!(answer.response.status(), StatusCode::NOT_FOUND),
//!     other => panic!("{other:?}"),
//! }
//! ```

mod action;
mod body;
mod compile;
mod error;
pub mod future;
mod layer;
mod request;
mod response;
mod router;
mod section;
mod service;
mod text;
mod trace;
mod value;

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use lb_core::condition::Condition;

pub use self::{
    body::Body,
    compile::RuleError,
    error::{InvalidRules, Mistake},
    layer::{RulesBuilder, RulesLayer},
    request::RequestRules,
    response::ResponseRules,
    router::Router,
    section::Section,
    service::RulesService,
    text::Text,
    trace::RuleTrace,
};
use crate::{exchange::Failure, fetch::HttpExpr};

/// What rules have decided on a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// It goes on.
    Pass,
    /// It is answered here and now.
    Answer(Answer),
    /// It is answered, too, but only after the time-out `tarpit`.
    Tarpit(Answer),
    /// Its body is to come first; then [`RequestRules::resume`] goes on. Only from rules of a [`Section`] that waits.
    Wait(Wait),
}

/// What is waited for.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Wait {
    /// So long at most.
    pub time: Duration,
    /// Bytes of the body; `None`: all of it.
    pub at_least: Option<usize>,
    /// The rule to go on with.
    next: usize,
    strict: bool,
}

/// A response of a rule.
#[derive(Debug)]
pub struct Answer {
    /// What the client gets. With a [`Hangup`](crate::server::Hangup) among its extensions (`reject`, `silent-drop`, an
    /// empty error page) this crate's server closes the connection in its place.
    pub response: Response<Bytes>,
    /// How it is logged.
    pub failure: Failure,
}

/// An action and when it is taken.
#[derive(Debug)]
struct Rule<A> {
    text: Box<str>,
    condition: Option<Condition<HttpExpr>>,
    action: A,
}
