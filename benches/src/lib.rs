//! benches of lb.

pub mod compare;
mod directory;
pub mod failover;
pub mod rig;
mod stats;
