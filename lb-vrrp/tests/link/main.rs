//! The peer link over real sockets: several links in one process, forged peers, real processes
//! that are killed and stopped, and a cable that is pulled.
#![allow(unreachable_pub, reason = "a test crate has no users")]
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

mod corpus;
mod forged;
mod loopback;
mod process;
mod support;
