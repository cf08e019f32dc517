//! Checks of servers over the network, for
//! [`HealthChecker`](lb_core::health::HealthChecker): HAProxy's `check`,
//! `option httpchk` and `agent-check`.
//!
//! - [`HttpCheck`] sends a request and looks at the response.
//! - [`TcpCheck`] is content with a connection.
//! - [`AgentCheck`] reads the line of an agent on the server.
//!
//! Each is a tower service with a named future. What they send is, byte for
//! byte, what HAProxy sends; their verdicts are in its words.
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use lb_core::{HealthChecker, Pool, policy::RoundRobin};
//! use lb_http::{Upstream, check::HttpCheck};
//!
//! let pool: Pool<Upstream, _> = Pool::builder()
//!     .server("a", "10.0.0.1:8080")
//!     .server("b", "10.0.0.2:8080")
//!     .build(RoundRobin::new())?;
//! let check = HttpCheck::get("/healthz").expect("rstring ^OK".parse()?);
//! tokio::spawn(HealthChecker::new(check).rise(2).fall(3).run(pool.clone()));
//! # Ok(()) }
//! ```

mod agent;
mod dial;
mod expect;
mod http;
mod response;
mod talk;
mod tcp;

#[cfg(test)]
mod expect_tests;

pub use self::{
    agent::{AgentCheck, AgentFuture},
    expect::{Expect, ParseExpectError},
    http::{HttpCheck, HttpCheckFuture, InvalidTarget, InvalidVersion, Version},
    tcp::{TcpCheck, TcpCheckFuture},
};
