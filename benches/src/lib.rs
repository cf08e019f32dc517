//! benches of lb.

pub mod compare;
mod directory;
mod stats;
