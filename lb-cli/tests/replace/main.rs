//! Another configuration, or another process, in place of the one that runs: the real binary, under load.

#![allow(
    clippy::disallowed_methods,
    reason = "deadlines for another process are in real time"
)]

mod load;
#[path = "../process/mod.rs"]
mod process;
mod reload;
mod rig;
mod takeover;
