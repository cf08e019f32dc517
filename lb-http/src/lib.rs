//! HTTP.
#![forbid(unsafe_code)]

pub mod exchange;
pub mod sticky;
mod upstream;

pub use upstream::Upstream;
