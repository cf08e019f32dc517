//! benches of lb.
