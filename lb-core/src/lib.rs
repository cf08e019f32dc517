//! Load-balancing logic without I/O.
#![forbid(unsafe_code)]
