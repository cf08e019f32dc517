//! Load-balancing logic without I/O.

pub mod condition;
