//! The driver and its tower face.
