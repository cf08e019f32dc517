//! What a driver says while it runs.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::machine::{Alarm, State, Transition};
use crate::packet::Refused;

/// Something worth a line in the log: `VI_1: MASTER: no advertisement from 10.0.0.1 for 3.61 s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The name of the virtual router, or of what else it is about.
    pub about: Arc<str>,
    /// What is said of it.
    pub said: Said,
}

/// What a [`Report`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Said {
    /// The state has changed.
    Transition(Transition),
    /// Something an operator must know, though the state is as it was.
    Alarm(Alarm),
    /// Packets are refused: told at the first, then at most once a minute while it goes on.
    Refused {
        /// Why.
        why: Refused,
        /// How many, since the driver began.
        count: u64,
        /// Who sent the last.
        source: IpAddr,
    },
    /// The system refused something, or something else went wrong.
    Trouble(String),
    /// Something came about that is neither good nor bad.
    Notice(String),
}

/// How loudly it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// All is well.
    Notice,
    /// It can be mended at leisure.
    Warning,
    /// It matters now.
    Alert,
}

impl Report {
    /// How loudly it is said.
    pub const fn severity(&self) -> Severity {
        match &self.said {
            Said::Transition(transition) if matches!(transition.to, State::Fault) => {
                Severity::Alert
            }
            Said::Transition(_) | Said::Notice(_) => Severity::Notice,
            Said::Alarm(_) => Severity::Alert,
            Said::Refused { .. } | Said::Trouble(_) => Severity::Warning,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.about)?;
        match &self.said {
            Said::Transition(transition) => transition.fmt(f),
            Said::Alarm(alarm) => alarm.fmt(f),
            Said::Refused { why, count, source } => {
                write!(
                    f,
                    "advertisement of {source} refused ({count} so far): {why}"
                )
            }
            Said::Trouble(text) | Said::Notice(text) => f.write_str(text),
        }
    }
}
