//! Listeners, connectors and byte streams: everything of a load balancer below HTTP.
//!
//! - [`Address`] is what a configuration writes: `"*:80"`, `"unix:/run/x.sock"`, `"fd@3"`.
//! - [`Listen`] binds it, once or once per worker; an [`Acceptor`] then yields [`Stream`]s.
//! - [`Connector`] opens a [`Stream`] to a server as a named future, without boxing it.
//! - [`proxy_protocol`] carries a client's address across proxies (HAProxy's `accept-proxy` and
//!   `send-proxy`).
//!
//! Nothing here creates a runtime, spawns a task or sets a time-out: those are the caller's.
//!
//! ```
//! use lb_tcp::{Address, Connector, Listen};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let acceptor = Listen::new("127.0.0.1:0".parse()?).bind()?.into_tokio()?;
//! let address = Address::from(acceptor.local().inet().expect("a TCP listener"));
//!
//! let server = Connector::new().connect(&address).await?;
//! let (client, peer) = acceptor.accept().await?;
//! assert_eq!(server.local()?, peer);
//! # drop(client);
//! # Ok(())
//! # }
//! ```
#![deny(unsafe_code)]

mod address;
mod connect;
mod endpoint;
mod listen;
pub mod proxy_protocol;
mod stream;
mod sys;

pub use self::address::{Address, ParseAddressError};
pub use self::connect::{ConnectError, Connecting, Connector};
pub use self::endpoint::Endpoint;
pub use self::listen::{Acceptor, BindError, Listen, Listener};
pub use self::stream::Stream;
