//! Checks against real sockets, and beside a real HAProxy that checks the same
//! servers.
#![allow(clippy::unwrap_used, reason = "a test")]

mod haproxy;
mod lines;
mod rig;
mod verdicts;
mod wire;
