//! Virtual routers on a network in memory: what an app sees of them.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod failover;
mod faults;
mod groups;
mod routes_left_behind;
mod same_number_on_two_interfaces;
mod support;
mod unheard_witness;
mod unreadable_network;
