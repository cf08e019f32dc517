//! Taking samples from HTTP requests and responses: HAProxy's sample fetches and converters.
//!
//! [`HttpVocabulary`] gives the names their meaning for [`lb_core::condition`], [`HttpExpr`] is what an expression
//! such as `hdr(host),lower` becomes, [`View`] is what it looks at, [`Registry`] what
//! names in it stand for: backends, users, maps, variables; [`Needs`] says where it can stand. [`key::KeySource`] takes
//! from it the key of a hashing `balance`. Behaviour is that of HAProxy 2.6.12 as observed; the differences are in
//! `docs/conditions.md`.
//!
//! ```
//! use lb_core::condition::Scope;
//! use lb_http::fetch::{HttpVocabulary, RequestView, View};
//!
//! let (scope, errors) = Scope::builder(HttpVocabulary::default()).acl("blog", &["hdr_dom(host) -i blog.example"]).build();
//! assert!(errors.is_empty());
//! let condition = scope.suffix("if blog METH_GET !{ path_beg /admin }").expect("valid");
//!
//! let (request, ()) = http::Request::get("/posts?page=2").header("host", "Blog.Example:80").body(()).unwrap().into_parts();
//! assert!(condition.eval(&View::from(RequestView::new(&request))));
//! ```

pub(crate) mod assign;
mod auth;
mod connection;
mod constant;
mod convert;
mod cookie;
mod counters;
mod expr;
mod facts;
mod header;
mod kept;
pub mod key;
mod load;
mod names;
mod param;
mod registry;
mod resolve;
mod response;
mod table_converters;
mod values;
mod view;

#[cfg(test)]
mod tests;

use self::resolve::header_name;
pub use self::{
    expr::{HttpExpr, Needs},
    facts::{BackendFacts, FrontendFacts, ServerFacts},
    names::{HttpVocabulary, Place},
    registry::Registry,
    view::{RequestView, ResponseView, View},
};
