//! The run-time API: HAProxy's commands on the admin socket, with the real binary, real origins, and a real HAProxy beside
//! it.

mod changes;
mod haproxy;
mod output;
#[path = "../process/mod.rs"]
mod process;
mod rig;
