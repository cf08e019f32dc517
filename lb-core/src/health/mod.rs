//! Is a server well? HAProxy's `check`, `agent-check`, `observe` and `track`.
//!
//! - [`Health`] decides: a pure machine that takes results in and says when the
//!   next check is due. It has no clock and no socket.
//! - [`HealthChecker`] acts: a future that sends [`Probe`]s to a check, which is
//!   any tower service that answers with a [`Verdict`], and tells the
//!   [`Pool`](crate::Pool) what follows. It also takes the word of an agent on
//!   the server ([`agent`]), and, as a tower layer, that of the traffic
//!   ([`Observer`]).
//! - [`Event`]s tell an operator, in the words of HAProxy's log lines; a
//!   [`Handle`] feeds statistics pages and takes runtime commands.
//!
//! Unlike HAProxy, which lets a check interval pass first, the first check is
//! sent at once.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use std::{convert::Infallible, time::Duration};
//! use lb_core::{Pool, Server, health::{HealthChecker, Probe, Status, Verdict}, policy::RoundRobin};
//!
//! let pool = Pool::builder()
//!     .with(Server::new("a", "10.0.0.1:8080"))
//!     .build(RoundRobin::new())
//!     .expect("one server");
//!
//! let check = tower::service_fn(async |probe: Probe<&'static str>| {
//!     let well = probe.target().starts_with("10.");
//!     let status = if well { Status::L7Ok } else { Status::L7Response };
//!     Ok::<_, Infallible>(Verdict::new(status))
//! });
//! let checker = HealthChecker::new(check)
//!     .rise(2)
//!     .fall(3)
//!     .interval(Duration::from_secs(1))
//!     .on_event(|event| println!("{event}"));
//! # let background =
//! tokio::spawn(checker.run(pool.clone()));
//! # background.abort();
//! # }
//! ```

pub mod agent;
mod checker;
mod driver;
pub mod event;
mod handle;
mod machine;
mod observer;
mod outcome;
mod probe;
mod rules;
mod targets;
mod verdict;

#[cfg(all(test, not(loom)))]
mod driver_tests;
#[cfg(all(test, not(loom)))]
mod simulation;

pub use agent::Answer;
pub use checker::{Checkup, HealthChecker, NoAgent};
pub use event::{Change, Check, Event, Severity};
pub use handle::{Handle, Report};
pub use machine::{Health, Label, Transition};
pub use observer::{Observable, Observer};
pub use outcome::{Observe, Outcome};
pub use probe::{Probe, Stage};
pub use rules::{InitState, OnError, Rules};
pub use targets::Targets;
pub use verdict::{Grade, Status, Verdict};
