//! The protocol without sockets and without a clock.
