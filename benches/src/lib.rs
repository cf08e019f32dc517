//! benches of lb.

pub mod compare;
