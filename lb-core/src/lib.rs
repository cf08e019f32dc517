//! Load balancing without I/O: everything that decides, nothing that
//! connects.
//!
//! | module | what it is | HAProxy's word |
//! |---|---|---|
//! | [`server`] | a server's identity, state, limits and counters | `server` |
//! | [`condition`] | expressions over a request, compiled once | `acl` |
//! | [`hash`] | hash functions whose output never changes | `hash-type` |
//! | [`policy`] | which server a request gets | `balance`, `hash-type` |
//! | [`pool`] | the servers of one service, leases and the queue | `backend`, `maxconn` |
//! | [`balance`] | [`Balancer`], the tower service over a pool | |
//! | [`health`] | whether a server is well | `check`, `agent-check`, `observe`, `track` |
//! | [`retry`] | how often, for which causes, and within what budget | `retries`, `redispatch` |
//! | [`sticky`] | keep a client on its server, for requests of any type | `stick on` |
//! | [`table`] | keys and what is counted of each | `stick-table`, `track-sc` |
//!
//! Nothing here reads a clock or creates a runtime, a thread or a socket: time
//! and randomness come in as arguments, and what must run in the background is
//! a plain future that the application spawns.
#![forbid(unsafe_code)]

pub mod balance;
pub mod condition;
pub mod hash;
pub mod health;
pub mod policy;
pub mod pool;
pub mod retry;
pub mod server;
pub mod sticky;
pub mod table;

mod sync;

pub use balance::Balancer;
pub use health::HealthChecker;
pub use policy::Policy;
pub use pool::{Lease, Pool};
pub use server::Server;
pub use sticky::StickySession;
