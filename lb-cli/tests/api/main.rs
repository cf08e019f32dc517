//! The run-time API: HAProxy's commands on the admin socket, with the real binary, real origins, and a real HAProxy beside
//! it.

#![allow(
    clippy::disallowed_methods,
    reason = "deadlines for another process are in real time"
)]

mod changes;
mod errors;
mod haproxy;
mod lists;
mod output;
#[path = "../process/mod.rs"]
mod process;
mod rig;
mod sessions;
mod tables;
mod threads;
mod top;
mod variables;
