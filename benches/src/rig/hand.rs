//! What somebody does behind a daemon's back: to its host, on its host, and from another host.

use std::{fs, io, path::Path};

use super::{Daemon, Node, Program, Rig, RigError, configuration, namespace::Namespace};

/// A host of the rig.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// A router.
    Node(Node),
    /// The one that is none.
    Client,
}

impl From<Node> for Host {
    fn from(node: Node) -> Self {
        Self::Node(node)
    }
}

impl Rig {
    /// Runs lines of `ip` on a host.
    ///
    /// # Errors
    /// If `ip` fails.
    pub fn ip(&self, host: impl Into<Host>, lines: &str) -> Result<(), RigError> {
        self.host(host.into()).ip(lines)
    }

    /// Calls `act` on a host. A socket stays where it was opened.
    ///
    /// # Errors
    /// What `act` says.
    pub fn within<T: Send>(
        &self,
        host: impl Into<Host>,
        act: impl FnOnce() -> io::Result<T> + Send,
    ) -> Result<T, RigError> {
        self.host(host.into()).within(act)
    }

    /// Takes the node's interface away: it exists no more.
    ///
    /// # Errors
    /// If there is none.
    pub fn unplug(&self, node: Node) -> Result<(), RigError> {
        self.ip(node, "link delete eth0")
    }

    /// Gives the node an interface again, with its own addresses.
    ///
    /// # Errors
    /// If it has one.
    pub fn plug(&self, node: Node) -> Result<(), RigError> {
        let namespace = self.host(node.into());
        self.switch
            .plug(namespace, node.name(), node.v4(), node.v6())
    }

    /// Starts one more `lb` on the node, with what `edit` makes of its configuration; it is killed when dropped.
    ///
    /// # Errors
    /// If it cannot be started. One that ends at once is not noticed here: its log says why.
    pub fn twin(
        &self,
        node: Node,
        edit: impl FnOnce(String) -> String,
    ) -> Result<Daemon, RigError> {
        let machine = self.find(node);
        let Program::Lb { path, .. } = &machine.setup.program else {
            let none = io::Error::other("it runs Keepalived");
            return Err(RigError::system(format!("no twin of {node}"))(none));
        };
        let directory = self.directory.path();
        let admin = directory.join(format!("{node}.twin.sock"));
        let text = configuration::lb(node, &[], &self.profile, &machine.setup, false, &admin);
        let file = directory.join(format!("{node}.twin.toml"));
        fs::write(&file, edit(text)).map_err(RigError::system("cannot write a configuration"))?;
        let mut command = machine.namespace.command(Path::new(path));
        command.arg("serve").arg(&file);
        Daemon::start(command, directory.join(format!("{node}.twin.log")))
    }

    fn host(&self, host: Host) -> &Namespace {
        match host {
            Host::Node(node) => &self.find(node).namespace,
            Host::Client => &self.client,
        }
    }
}
