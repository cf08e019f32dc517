//! HTTP.
#![forbid(unsafe_code)]

pub mod check;
mod client;
pub mod exchange;
pub mod fetch;
mod h1;
pub mod headers;
pub mod page;
mod pool;
pub mod proxy;
pub mod server;
pub mod sticky;
mod timer;
mod tunnel;
mod upstream;

pub use client::Client;
pub use pool::BodyError;
pub use proxy::Proxy;
pub use server::Server;
pub use upstream::{PoolOptions, ProxyVersion, Upstream, UpstreamError};
