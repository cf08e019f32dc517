//! Tables in the real binary: rates that refuse, counters as HAProxy counts, clients that stay on their server.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../common/mod.rs"]
mod common;
mod counts;
mod rates;
mod sticking;
