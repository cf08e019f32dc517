//! The `lb` command as a library.

pub mod config;
