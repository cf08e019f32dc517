//! The real network, in network namespaces. Needs root, and `ip`, `ping` and `nft`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod address;
mod firewall;
mod interface;
mod neighbours;
mod packets;
mod privileges;
mod rig;
mod route;
mod vmac;
