//! What the admin socket asks of virtual routers.

use super::Answer;

/// The virtual routers of a running process.
pub trait Vrrp: Send + Sync {
    /// The state of the one that is named, or of all: lines of text.
    fn show(&self, name: Option<&str>) -> Answer;

    /// Gives its addresses to another node, as far as there is one: what came of it, in a line.
    fn hand_over(&self, name: &str) -> Answer;
}
