//! What can befall a node, by name.

use std::{fmt, str::FromStr};

/// A failure, or an event that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Daemon and service are killed (SIGKILL).
    Kill9,
    /// Only the daemon is killed; kernel and service live on.
    Kill9Daemon,
    /// The daemon is told to end (SIGTERM); the service lives on.
    Term,
    /// Daemon and service hang (SIGSTOP).
    Stop,
    /// The switch's port is down: carrier lost.
    LinkDown,
    /// The node's own interface is set down.
    InterfaceDown,
    /// The port is out of the bridge: carrier stays, nothing comes through.
    Silent,
    /// The backup hears no VRRP any more (a firewall on it); everybody else hears everybody.
    Deaf,
    /// No node reaches another; the client reaches all.
    Partition,
    /// Every processor is busy.
    Starve,
    /// The service dies and the daemon lives.
    Service,
    /// Not a failure: the node with the highest priority comes back.
    Preempt,
}

impl Fault {
    /// Every one, in the order of the tables.
    pub const ALL: [Self; 12] = [
        Self::Kill9,
        Self::Kill9Daemon,
        Self::Term,
        Self::Stop,
        Self::LinkDown,
        Self::InterfaceDown,
        Self::Silent,
        Self::Deaf,
        Self::Partition,
        Self::Starve,
        Self::Service,
        Self::Preempt,
    ];

    /// Its name in a table and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill9 => "kill9",
            Self::Kill9Daemon => "kill9-daemon",
            Self::Term => "term",
            Self::Stop => "stop",
            Self::LinkDown => "linkdown",
            Self::InterfaceDown => "ifdown",
            Self::Silent => "silent",
            Self::Deaf => "deaf",
            Self::Partition => "partition",
            Self::Starve => "starve",
            Self::Service => "service",
            Self::Preempt => "preempt",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No fault has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no fault is named `{0}`; there are {names}", names = Fault::ALL.map(Fault::name).join(", "))]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let found = Self::ALL.into_iter().find(|fault| fault.name() == text);
        found.ok_or_else(|| UnknownFault(text.to_owned()))
    }
}
