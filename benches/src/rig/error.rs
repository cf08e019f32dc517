//! Why the rig cannot do what it was told.

use std::{io, process::ExitStatus, time::Duration};

/// What went wrong while building or driving a rig. What a daemon does wrong is for the caller to find.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RigError {
    /// A program is neither in `PATH` nor where Debian keeps it.
    #[error("{program} is missing; on Debian: apt-get install {package}")]
    Missing {
        /// The program.
        program: String,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// A program ran and did not succeed.
    #[error("`{command}` ended with {status}: {said}")]
    Command {
        /// With its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// Its standard error.
        said: String,
    },
    /// The system refused something; network namespaces want root.
    #[error("{what}")]
    System {
        /// What was attempted.
        what: String,
        /// What it said.
        source: io::Error,
    },
    /// What was waited for did not happen.
    #[error("waited {} s in vain until {until}; {instead}", patience.as_secs_f32())]
    Late {
        /// The event.
        until: String,
        /// How long was waited.
        patience: Duration,
        /// What was seen.
        instead: String,
    },
}

impl RigError {
    /// For `map_err`.
    pub(super) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        |source| Self::System {
            what: what.into(),
            source,
        }
    }
}
