//! HTTP.
#![forbid(unsafe_code)]

mod client;
pub mod exchange;
mod h1;
mod pool;
mod timer;
mod upstream;

pub use client::Client;
pub use upstream::{PoolOptions, Upstream, UpstreamError};
