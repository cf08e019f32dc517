//! Virtual addresses that move: the real binary and Keepalived, in network namespaces, with real faults.
//!
//! The rig is [`lb_benches::rig`], which the `failover` bench measures with. Here outcomes are asserted and never
//! tight times: the machine may be busy. Needs root, and Debian's keepalived, tshark, iproute2 and nftables.

mod alone;
mod handover;
mod keepalived;

mod lb;
mod rig;
mod stage;
