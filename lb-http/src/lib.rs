//! An HTTP reverse proxy as a tower service: what HAProxy does between a client
//! and a server, inside any axum or hyper app.
//!
//! | item | what it is | HAProxy's word |
//! |---|---|---|
//! | [`Proxy`] | the service: sends a request to a server of a pool, answers with its response | `backend` |
//! | [`Upstream`] | where a server is, and its idle connections | `server`, `http-reuse` |
//! | [`sticky`] | a layer that keeps a client on its server by a cookie | `cookie` |
//! | [`stick`] | a layer that keeps a client on its server by a table | `stick`, `stick-table` |
//! | [`check`] | checks for [`HealthChecker`](lb_core::HealthChecker) | `check`, `option httpchk`, `agent-check` |
//! | [`fetch`] | what conditions and hashing see of a request | sample fetches, converters |
//! | [`map`] | keys and values of files, changed while requests run | `map`, `show map` |
//! | [`users`] | who may come, by password | `userlist` |
//! | [`mod@format`] | texts with samples in them | log-format strings |
//! | [`rules`] | what is done to requests and responses on conditions | `http-request`, `http-response` |
//! | [`transaction`] | what rules keep for a request | variables, captures |
//! | [`headers`] | fields a proxy adds | `option forwardfor` |
//! | [`page`] | the proxy's own responses | `errorfile` |
//! | [`exchange`] | what layers and the proxy tell each other, in extensions | the log's fields |
//! | [`server`] | the HTTP/1 server of `lb serve`; an app that has one does not need it | `frontend`, `bind` |
//!
//! The proxy speaks HTTP/1.1 to its servers with an engine of its own: there is
//! no task behind a connection, a body is read only as fast as the client takes
//! it, and what is ambiguous on one side does not reach the other. Its errors are
//! responses, so it fits wherever a service must be infallible.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use lb_core::{HealthChecker, Pool, policy::LeastConn};
//! use lb_http::{Proxy, check::HttpCheck, sticky::StickySession};
//! use tower::{Layer, ServiceExt};
//!
//! let pool = Pool::builder()
//!     .server("a", "127.0.0.1:9001")
//!     .server("b", "127.0.0.1:9002")
//!     .build(LeastConn::new())?;
//! let checker = HealthChecker::new(HttpCheck::get("/healthz")).interval(Duration::from_secs(1));
//! # let background =
//! tokio::spawn(checker.run(pool.clone()));
//!
//! let proxy = StickySession::cookie("SRV").insert().layer(Proxy::new(pool));
//! let app = Router::new().route("/me", get(async || "mine")).fallback_service(proxy);
//!
//! let ask = |path: &str| http::Request::get(path).body(axum::body::Body::empty());
//! assert_eq!(app.clone().oneshot(ask("/me")?).await?.status(), 200);
//! assert_eq!(app.oneshot(ask("/")?).await?.status(), 503, "nobody listens there");
//! # background.abort();
//! # Ok(()) }
//! ```
//!
//! Under another server than this crate's, put a [`Client`] into each request's
//! extensions where the client's address matters: for `X-Forwarded-For`, for
//! `balance source`, and for conditions on `src`.
#![forbid(unsafe_code)]

pub mod check;
mod client;
#[cfg(feature = "compression")]
pub mod compression;
pub mod exchange;
pub mod fetch;
pub mod format;
mod h1;
pub mod headers;
pub mod map;
pub mod page;
mod pool;
pub mod proxy;
pub mod rules;
pub mod server;
pub mod stick;
pub mod sticky;
mod timer;
pub mod transaction;
mod tunnel;
mod upstream;
pub mod users;

pub use client::{Broken, Client};
pub use pool::BodyError;
pub use proxy::Proxy;
pub use server::Server;
pub use upstream::{PoolOptions, ProxyVersion, Upstream, UpstreamError};
