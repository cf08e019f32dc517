//! Sessions that stay on their server by a cookie: HAProxy's `cookie`, in all
//! its modes and with its bytes.
//!
//! | mode | who makes the cookie | to the client | to the server |
//! |---|---|---|---|
//! | [`insert`](StickySession::insert) | this layer | `Set-Cookie: SRV=a; path=/` when it brought none that led to this server; a cookie of that name by the server is removed | unchanged, or without the cookie if [`indirect`](StickySession::indirect) |
//! | [`prefix`](StickySession::prefix) | the server | its value becomes `a~value` | its own value again |
//! | [`rewrite`](StickySession::rewrite) | the server | its value becomes `a` | unchanged |
//! | none of these | the server, with the value of its name in the pool | unchanged | unchanged |
//!
//! The layer itself knows no servers. It reads the value and asks the proxy
//! inside it for that server with [`Prefer`](crate::exchange::Prefer); the
//! proxy's [`Exchange`](crate::exchange::Exchange) on the response tells which
//! one it became and whether that was the one, and takes the two cookie
//! characters of the log. Nothing is kept between requests.
//!
//! ```
//! # fn app<S>(proxy: S) -> impl tower::Service<http::Request<()>>
//! # where S: tower::Service<http::Request<()>, Response = http::Response<()>> {
//! use lb_http::sticky::StickySession;
//! use tower::ServiceBuilder;
//!
//! ServiceBuilder::new()
//!     .layer(StickySession::cookie("SRV").insert().indirect().nocache().httponly())
//!     .service(proxy)
//! # }
//! ```

mod brought;
mod cacheable;
pub mod date;
mod dynamic;
pub mod error;
pub mod future;
mod headers;
mod layer;
pub mod request;
pub mod response;
mod service;
mod set;
mod settings;
mod text;
mod visit;

pub use dynamic::{DynamicValue, dynamic_value};
pub use layer::StickySession;
pub use service::StickyService;

/// Request extension: further values the client brought under the same cookie
/// name, in its order, if it brought several. The proxy tries them after
/// [`Prefer`](crate::exchange::Prefer), whose value is the first one, until one
/// names a server that can be used, as HAProxy does. Its answer is `Honoured` if
/// one did, else `Down` if one at least names a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alternatives(pub Vec<Box<str>>);

/// Request extension: what a rule before this layer decided about persistence
/// for this request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Persistence {
    /// Follow the cookie even to a server that is DOWN (`force-persist`).
    Force,
    /// Do not follow the cookie, and leave the server's cookies alone
    /// (`ignore-persist`).
    Ignore,
    /// The server is chosen by a rule: the cookie is not followed and none
    /// is inserted (`use-server`).
    UseServer,
}
