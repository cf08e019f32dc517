//! Clients that stay on their server, for requests of any type: HAProxy's
//! `stick-table` and `stick on`.
//!
//! [`StickySession`] is a layer over a [`Balancer`](crate::Balancer). It takes a
//! key from each request, such as the client's address or the user's name, and
//! remembers in a [`Table`] which server answered it. The next request of that
//! key goes there again. Where that server is DOWN, gone, or fails and the
//! request is sent on, the policy chooses anew and the table learns the new one.
//!
//! Over HTTP, a cookie does the same and remembers nothing: `lb_http::sticky`.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::{convert::Infallible, time::Duration};
//! use lb_core::{Balancer, Server, StickySession, policy::RoundRobin};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! #[derive(Clone)]
//! struct Query { user: u64 }
//!
//! let server = |name: &'static str| {
//!     Server::new(name, service_fn(move |_: Query| async move { Ok::<_, Infallible>(name) }))
//! };
//! let balancer = Balancer::builder(RoundRobin::new())
//!     .server(server("a"))
//!     .server(server("b"))
//!     .build()?;
//! let service = ServiceBuilder::new()
//!     .layer(StickySession::by(|query: &Query| Some(query.user))
//!         .size(1_000_000)
//!         .expire(Duration::from_secs(1800)))
//!     .service(balancer);
//!
//! assert_eq!(service.clone().oneshot(Query { user: 7 }).await?, "a");
//! assert_eq!(service.clone().oneshot(Query { user: 8 }).await?, "b");
//! assert_eq!(service.clone().oneshot(Query { user: 8 }).await?, "b");
//! assert_eq!(service.clone().oneshot(Query { user: 7 }).await?, "a");
//! # Ok(()) }
//! ```

pub mod future;
mod layer;
mod service;
mod table;

#[cfg(all(test, not(loom)))]
mod tests;

pub use layer::StickySession;
pub use service::StickyService;
pub use table::Table;
