//! Load-balancing logic without I/O.
