//! What the sections of a plan become when they run.
//!
//! Each is made anew by a reload, from its new plan; what must not be lost then (counts of connections, rates, what an
//! operator has closed) is its *life*, which the next one of the same name takes over.

mod backend;
mod frontend;

pub(super) use backend::{AddedServers, BackendLife};
pub use backend::{Declared, RunningBackend};
pub(super) use frontend::{FrontendLife, ListeningSocket};
pub use frontend::{Gate, RunningFrontend};

fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
