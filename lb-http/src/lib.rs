//! HTTP.
#![forbid(unsafe_code)]

pub mod exchange;
mod upstream;

pub use upstream::Upstream;
