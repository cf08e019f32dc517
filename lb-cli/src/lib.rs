//! The `lb` command as a library.
#![forbid(unsafe_code)]

pub mod command;
pub mod config;
pub mod log;
pub mod plan;
pub mod run;
