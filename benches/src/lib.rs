//! benches of lb.

pub mod compare;
mod directory;
pub mod rig;
mod stats;
