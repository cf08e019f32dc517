//! What one node runs and how it is told to.

use std::path::PathBuf;

/// The daemon of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// Debian's.
    Keepalived,
    /// `lb serve`.
    Lb {
        /// The binary.
        path: PathBuf,
        /// With a `peer_link` to every other node.
        link: bool,
    },
}

/// A node's part of a virtual router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// What runs.
    pub program: Program,
    /// 1 to 255.
    pub priority: u8,
    /// Whether it takes the address from a lower priority.
    pub preempt: bool,
    /// Whether it gives the address up when its service does not answer any more: `track_backends` of
    /// lb, a script of Keepalived's, each asking once a second.
    pub track_service: bool,
    /// More lines of the daemon's own language, inside its virtual router.
    pub extra: String,
    /// More lines of `[global]`, for `lb`.
    pub global: String,
}

impl Setup {
    /// With preemption, and without the rest.
    pub fn new(program: Program, priority: u8) -> Self {
        Self {
            program,
            priority,
            preempt: true,
            track_service: false,
            extra: String::new(),
            global: String::new(),
        }
    }

    /// Stays backup while any master lives.
    #[must_use]
    pub fn no_preempt(mut self) -> Self {
        self.preempt = false;
        self
    }

    /// Gives the address up with its service.
    #[must_use]
    pub fn track_service(mut self) -> Self {
        self.track_service = true;
        self
    }

    /// Adds a line to `[global]` of `lb`.
    #[must_use]
    pub fn global(mut self, line: &str) -> Self {
        self.global.push_str(line);
        self.global.push('\n');
        self
    }

    /// Adds a line to the virtual router.
    #[must_use]
    pub fn extra(mut self, line: &str) -> Self {
        self.extra.push_str(line);
        self.extra.push('\n');
        self
    }
}
