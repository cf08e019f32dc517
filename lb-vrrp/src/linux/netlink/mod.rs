//! rtnetlink: what interfaces, addresses and routes there are, and what becomes of them.
//!
//! A request is answered by the kernel before the call returns, so nothing here waits but
//! [`Monitor`], which is polled.

mod address;
mod link;
mod monitor;
mod route;
mod socket;

pub(crate) use self::address::Address;
pub(crate) use self::link::Link;
pub(crate) use self::monitor::{Change, Monitor};
pub(crate) use self::socket::Netlink;
