//! The system's side on Linux: raw sockets, packet sockets and netlink.

mod attachment;
mod builder;
mod claim;
mod firewall;
mod frame;
mod neighbours;
mod netlink;
mod network;
mod raw;
mod readable;
pub mod realtime;
mod sysctl;
mod vmac;
mod watch;

pub use self::builder::{LinuxNetworkBuilder, OpenError};
pub use self::network::LinuxNetwork;
