//! VRRP: a virtual address that moves to another node when its owner is gone.
//!
//! What Keepalived does beside a proxy, as a library inside it (RFC 3768, RFC 5798, RFC 9568).
//! [`Vrrp`] is one virtual router in an app: [`Vrrp::builder`] makes it, [`Vrrp::run`] runs it,
//! [`Vrrp::watch`] follows it, and [`Vrrp::gate`] is a tower layer that answers 503 while another
//! node is master. A [`driver::Driver`] runs several, with everything they track.
//!
//! Below that, each for itself:
//!
//! - [`machine`]: the protocol without sockets and without a clock; what it wants done comes out
//!   as actions.
//! - [`packet`]: advertisements as bytes, version 2 and 3, with their authentication.
//! - [`network`]: what a virtual router needs of a system, as a trait; `linux` is the real one
//!   and [`mock`] one in memory.
//! - [`link`]: the authenticated TCP connection between nodes, by which a dead process is known
//!   at once.
//! - [`script`]: check scripts, and the programs that are told of a change.
//! - [`witness`]: neighbours without whose answer a node does not take an address.
//!
//! Nothing here creates a runtime, spawns a task or a thread, or installs a signal handler.
#![deny(unsafe_code)]

mod address;
mod advertisement;
mod builder;
pub mod driver;
pub mod gate;
mod id;
mod interval;
pub mod link;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod machine;
pub mod mock;
pub mod network;
pub mod packet;
mod route;
pub mod script;
mod status;
#[cfg(target_os = "linux")]
mod sys;
pub mod witness;

pub use self::address::{ParseVirtualAddressError, Scope, VirtualAddress};
pub use self::advertisement::Advertisement;
pub use self::builder::{BuildError, VrrpBuilder};
pub use self::driver::Vrrp;
pub use self::id::{Family, Priority, Version, VirtualRouterId};
pub use self::interval::{Interval, IntervalError};
pub use self::route::{ParseVirtualRouteError, VirtualRoute};
pub use self::status::Status;
