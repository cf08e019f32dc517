//! What can befall a node: by name, how it is brought about, and how it is mended.

use std::{fmt, path::Path, str::FromStr};

use rustix::process::Signal;

use super::{Daemon, Machine, Node, Rig, RigError, switch};

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

impl Rig {
    /// Lets `fault` befall `node`.
    ///
    /// # Errors
    /// If it cannot be brought about.
    pub fn apply(&mut self, fault: Fault, node: Node) -> Result<(), RigError> {
        match fault {
            Fault::Kill9 => {
                let machine = self.machine(node);
                machine.daemon.iter().for_each(Daemon::pause);
                machine.service = None;
                machine.daemon.iter_mut().for_each(Daemon::kill);
            }
            Fault::Kill9Daemon => self.machine(node).daemon.iter_mut().for_each(Daemon::kill),
            Fault::Term => {
                let daemon = &self.machine(node).daemon;
                daemon.iter().for_each(|daemon| daemon.signal(Signal::TERM));
            }
            Fault::Stop => {
                let machine = self.machine(node);
                machine.daemon.iter().for_each(Daemon::pause);
                machine.service.iter().for_each(|s| s.set_running(false));
            }
            Fault::LinkDown => self.switch.set_port(node.name(), "down")?,
            Fault::InterfaceDown => self.machine(node).namespace.ip("link set eth0 down")?,
            Fault::Silent => self.switch.set_port(node.name(), "nomaster")?,
            Fault::Deaf => self.each_other(node, |other| switch::deafen(&other.namespace))?,
            Fault::Partition => self.isolate("on")?,
            Fault::Starve => {
                let processors = std::thread::available_parallelism().map_or(2, usize::from);
                for _ in 0..2 * processors {
                    self.hogs.push(self.hog()?);
                }
            }
            Fault::Service => self.machine(node).service = None,
            Fault::Preempt => self.start(node)?,
        }
        Ok(())
    }

    /// Mends what `fault` did to `node`: cables and processors as before, a dead daemon started anew.
    ///
    /// # Errors
    /// If it cannot be mended.
    pub fn mend(&mut self, fault: Fault, node: Node) -> Result<(), RigError> {
        match fault {
            Fault::Kill9 | Fault::Kill9Daemon | Fault::Term => self.start(node)?,
            Fault::Stop => {
                let machine = self.machine(node);
                machine.service.iter().for_each(|s| s.set_running(true));
                machine.daemon.iter().for_each(Daemon::resume);
            }
            Fault::LinkDown => self.switch.set_port(node.name(), "up")?,
            Fault::InterfaceDown => switch::raise(&self.machine(node).namespace, node.v6())?,
            Fault::Silent => self.switch.set_port(node.name(), "master br0")?,
            Fault::Deaf => self.each_other(node, |other| switch::hear(&other.namespace))?,
            Fault::Partition => self.isolate("off")?,
            Fault::Starve => self.hogs.clear(),
            Fault::Service => self.start_service(node)?,
            Fault::Preempt => self.apply(Fault::Term, node)?,
        }
        Ok(())
    }

    fn each_other(
        &self,
        node: Node,
        act: impl Fn(&Machine) -> Result<(), RigError>,
    ) -> Result<(), RigError> {
        let mut others = self.machines.iter().filter(|machine| machine.node != node);
        others.try_for_each(act)
    }

    fn isolate(&self, isolated: &str) -> Result<(), RigError> {
        let setting = format!("type bridge_slave isolated {isolated}");
        self.nodes()
            .try_for_each(|node| self.switch.set_port(node.name(), &setting))
    }

    fn hog(&self) -> Result<Daemon, RigError> {
        // In a namespace, it is found and ended with everything else there.
        let mut command = self.switch.namespace().command(Path::new("sh"));
        command.args(["-c", "while :; do :; done"]);
        Daemon::start(command, self.directory.path().join("hog.log"))
    }
}
