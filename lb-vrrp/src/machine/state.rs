//! States, and why a virtual router went from one to another, in words.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::Priority;

/// The state of a virtual router. RFC 9568 says Active for Master; operators still say MASTER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    /// Not started, or stopped, or waiting for the first word of what it tracks.
    #[default]
    Initialize,
    /// Listens, and takes over when the master is gone.
    Backup,
    /// Has the addresses and advertises.
    Master,
    /// Cannot be master: an interface is down, or something it tracks failed.
    Fault,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Initialize => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
            Self::Fault => "FAULT",
        })
    }
}

/// One change of state. Its text is a line of the log:
/// `MASTER: no advertisement from 10.0.0.1 for 3.61 s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state before.
    pub from: State,
    /// The state now.
    pub to: State,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.to, self.reason)
    }
}

/// Why a state changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It was started.
    Started,
    /// Its priority is 255: the addresses are its own.
    Owner,
    /// No advertisement came for the whole down interval.
    Silence {
        /// The master that fell silent, if one was ever heard.
        master: Option<IpAddr>,
        /// For how long.
        silent: Duration,
    },
    /// The master said that it stops: priority 0.
    MasterStopped(IpAddr),
    /// The peer link proved that the master's process is gone.
    MasterGone(IpAddr),
    /// The master asked this node to take over.
    Asked(IpAddr),
    /// The master's priority is below this node's.
    Preempted {
        /// The master that was.
        master: IpAddr,
        /// Its priority.
        theirs: Priority,
        /// This node's.
        own: Priority,
    },
    /// A master with a higher priority, or an equal one and a higher address, was heard.
    Outranked {
        /// The other master.
        master: IpAddr,
        /// Its priority.
        theirs: Priority,
        /// This node's.
        own: Priority,
    },
    /// The process stood still so long that another node took over.
    Overslept {
        /// For how long.
        stood: Duration,
        /// Who is master now.
        master: IpAddr,
    },
    /// Handed over to another node as asked.
    HandedOver(IpAddr),
    /// What it depends on failed; in the words of who noticed.
    Fault(Arc<str>),
    /// What it depends on works again.
    Recovered,
    /// Another member of its sync group changed.
    SyncGroup(Arc<str>),
    /// It was stopped.
    Stopped,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("started"),
            Self::Owner => f.write_str("owner of the addresses (priority 255)"),
            Self::Silence { master, silent } => {
                let seconds = silent.as_secs_f64();
                match master {
                    Some(master) => write!(f, "no advertisement from {master} for {seconds:.2} s"),
                    None => write!(f, "no advertisement from anybody for {seconds:.2} s"),
                }
            }
            Self::MasterStopped(master) => write!(f, "{master} stops (priority 0)"),
            Self::MasterGone(master) => write!(f, "the process at {master} is gone"),
            Self::Asked(master) => write!(f, "{master} hands over"),
            Self::Preempted {
                master,
                theirs,
                own,
            } => write!(f, "own priority {own} is above {theirs} of {master}"),
            Self::Outranked {
                master,
                theirs,
                own,
            } if theirs == own => write!(
                f,
                "{master} is master with the same priority {own} and the higher address"
            ),
            Self::Outranked {
                master,
                theirs,
                own,
            } => write!(
                f,
                "{master} is master with priority {theirs}, above own {own}"
            ),
            Self::Overslept { stood, master } => write!(
                f,
                "stood still for {:.2} s, and {master} took over",
                stood.as_secs_f64()
            ),
            Self::HandedOver(to) => write!(f, "handed over to {to}"),
            Self::Fault(what) => f.write_str(what),
            Self::Recovered => f.write_str("nothing fails any more"),
            Self::SyncGroup(member) => write!(f, "moves with {member} of its sync group"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}
