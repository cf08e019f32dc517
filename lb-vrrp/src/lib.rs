//! VRRP: a virtual address that moves to another node when its owner is gone.
//!
//! What Keepalived does beside a proxy, as a library inside it (RFC 3768, RFC 5798, RFC 9568):
//!
//! - [`packet`]: advertisements as bytes, version 2 and 3, with their authentication.
//! - [`machine`]: the protocol without sockets and without a clock; what it wants done comes out
//!   as actions.
//! - [`network`]: what the machine needs of a system, as a trait; `linux` is the real one and
//!   [`mock`] one in memory.
//! - [`link`]: the authenticated TCP connection between nodes, by which a dead process is known
//!   at once.
//! - [`script`]: check scripts, and the programs that are told of a change.
//! - [`witness`]: neighbours whose answers say that this node still has a network.
#![deny(unsafe_code)]

mod address;
mod advertisement;
mod id;
mod interval;
mod route;

pub mod link;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod machine;
pub mod mock;
pub mod network;
pub mod packet;
pub mod script;
#[cfg(target_os = "linux")]
mod sys;
mod vrrp;
pub mod witness;

pub use self::address::{ParseVirtualAddressError, Scope, VirtualAddress};
pub use self::advertisement::Advertisement;
pub use self::id::{Family, Priority, Version, VirtualRouterId};
pub use self::interval::{Interval, IntervalError};
pub use self::route::{ParseVirtualRouteError, VirtualRoute};
