//! HTTP.

pub mod fetch;
