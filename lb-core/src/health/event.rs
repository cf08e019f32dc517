//! What an operator is told, in HAProxy's words.

use std::{fmt, sync::Arc};

use super::{Label, Verdict};
use crate::server::{Administrative, Operational, ServerUid};

/// Something an operator may want to know. Its `Display` is HAProxy's log line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A server has changed its state.
    Changed(Change),
    /// A check has moved a server's counter, or found another status than the one before (`option log-health-checks`).
    Checked(Check),
    /// The last usable server has gone.
    NoServer {
        /// The name of the pool.
        backend: Arc<str>,
    },
}

/// How bad an [`Event`] is, as a level of syslog.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// `notice`
    Notice,
    /// `alert`
    Alert,
    /// `emerg`
    Emergency,
}

/// A server has changed its state.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Change {
    /// The name of the pool.
    pub backend: Arc<str>,
    /// The name of the server.
    pub server: Arc<str>,
    /// Which server it is.
    pub uid: ServerUid,
    /// Is it a backup?
    pub backup: bool,
    /// What it was.
    pub from: State,
    /// What it is now.
    pub to: State,
    /// Why.
    pub cause: Cause,
    /// Usable servers of the pool that are not backups, after the change.
    pub active_left: usize,
    /// Usable backups.
    pub backup_left: usize,
    /// Requests that the server is serving.
    pub sessions: u32,
    /// Requests that waited for it and now wait for any server.
    pub requeued: u32,
    /// Requests that wait for any server of the pool.
    pub queued: u32,
}

/// The two states of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// What its checks found.
    pub operational: Operational,
    /// What its operator wants.
    pub administrative: Administrative,
}

impl State {
    /// Does it serve nobody, for whatever reason?
    pub(super) fn is_out(self) -> bool {
        self.operational == Operational::Down || self.administrative == Administrative::Maint
    }
}

/// Why a server has changed its state.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// A check, its traffic, or its agent.
    Verdict(Arc<Verdict>),
    /// The server it tracks, as `backend/server`, is so.
    Tracked(Arc<str>),
    /// An operator wanted it.
    Operator,
}

/// A check has moved a server's counter, or found something else.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Check {
    /// The name of the pool.
    pub backend: Arc<str>,
    /// The name of the server.
    pub server: Arc<str>,
    /// Which server it is.
    pub uid: ServerUid,
    /// Is it a backup?
    pub backup: bool,
    /// What the check found.
    pub verdict: Arc<Verdict>,
    /// The state and the counter after it.
    pub label: Label,
}

impl Event {
    /// How bad it is: an alert for a server that goes DOWN or into maintenance
    /// while it was taking clients, an emergency when none is left.
    pub fn severity(&self) -> Severity {
        match self {
            Self::NoServer { .. } => Severity::Emergency,
            Self::Changed(change) if change.is_loss() => Severity::Alert,
            _ => Severity::Notice,
        }
    }
}

impl Change {
    fn is_loss(&self) -> bool {
        let maintenance = self.to.administrative == Administrative::Maint
            && self.from.administrative != Administrative::Maint;
        match self.from.operational {
            Operational::Down => false,
            // It had no new clients any more.
            Operational::Stopping => maintenance,
            Operational::Up => maintenance || self.to.operational == Operational::Down,
        }
    }

    /// ` via app/s1` where the state comes from another server.
    fn via(&self) -> impl fmt::Display {
        fmt::from_fn(|f| match &self.cause {
            Cause::Tracked(source) => write!(f, " via {source}"),
            _ => Ok(()),
        })
    }

    fn write_reason(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Verdict(_) if f.alternate() => Ok(()),
            Cause::Verdict(verdict) => write!(f, ", reason: {verdict}"),
            Cause::Tracked(_) => write!(f, "{}", self.via()),
            Cause::Operator => f.write_str(", changed from CLI"),
        }
    }

    fn write_servers(&self, f: &mut fmt::Formatter<'_>, word: &str) -> fmt::Result {
        let (active, backup) = (self.active_left, self.backup_left);
        write!(f, ". {active} active and {backup} backup servers {word}.")?;
        match active == 0 && backup > 0 {
            true => f.write_str(" Running on backup."),
            false => Ok(()),
        }
    }

    fn write_online(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_servers(f, "online")?;
        let (requeued, queued) = (self.requeued, self.queued);
        write!(f, " {requeued} sessions requeued, {queued} total in queue.")
    }

    fn write_left(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_servers(f, "left")?;
        write!(
            f,
            " {} sessions active, {} requeued, {} remaining in queue.",
            self.sessions, self.requeued, self.queued
        )
    }
}

/// HAProxy's line. With `{:#}` the reason is left out, as HAProxy does when a
/// line about the check itself has given it just before.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.backup { "Backup " } else { "" };
        write!(f, "{prefix}Server {}/{} ", self.backend, self.server)?;
        let operational = self.to.operational;
        let tracked = matches!(self.cause, Cause::Tracked(_));
        match (self.from.administrative, self.to.administrative) {
            (from, to) if from == to => match operational {
                Operational::Up => {
                    f.write_str("is UP")?;
                    self.write_reason(f)?;
                    self.write_online(f)
                }
                Operational::Stopping => {
                    f.write_str("is stopping")?;
                    self.write_reason(f)?;
                    self.write_online(f)
                }
                Operational::Down => {
                    f.write_str("is DOWN")?;
                    self.write_reason(f)?;
                    self.write_left(f)
                }
            },
            (_, Administrative::Maint) if self.from.operational == Operational::Down => {
                write!(f, "was DOWN and now enters maintenance{}.", self.via())
            }
            (_, Administrative::Maint) => {
                write!(f, "is going DOWN for maintenance{}", self.via())?;
                self.write_left(f)
            }
            (_, Administrative::Drain) => {
                write!(f, "enters drain state{}", self.via())?;
                self.write_online(f)
            }
            (Administrative::Maint, _) => {
                let forced = if tracked { "" } else { "forced " };
                write!(f, "is {operational}/READY (leaving {forced}maintenance).")
            }
            (..) => write!(f, "is {operational} (leaving forced drain)."),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = match self.verdict.grade() {
            super::Grade::Passed => "succeeded",
            super::Grade::Conditional => "conditionally succeeded",
            super::Grade::Failed | super::Grade::Neutral => "failed",
        };
        write!(
            f,
            "Health check for {}server {}/{} {result}, reason: {}, status: {}.",
            if self.backup { "backup " } else { "" },
            self.backend,
            self.server,
            self.verdict,
            self.label.progress(),
        )
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(change) => change.fmt(f),
            Self::Checked(check) => check.fmt(f),
            Self::NoServer { backend } => write!(f, "backend {backend} has no server available!"),
        }
    }
}
