//! Routers, a switch and a client, each in a network namespace of its own: what a virtual address does when its
//! owner fails, seen from outside.
//!
//! ```text
//!   a 10.77.0.1 ──┐
//!   b 10.77.0.2 ──┼── bridge ── client 10.77.0.254     virtual: 10.77.0.100, fd77::100
//!  (c 10.77.0.3)──┘
//! ```
//!
//! Each node runs a daemon (`lb serve` or Keepalived) and a service that names the node in its answers; a [`Probe`]
//! asks the virtual address every 10 ms; [`Holders`] knows from each kernel who has it; a [`Fault`] befalls a node.
//! The tests of `lb serve` and the `failover` bench drive the same rig. It needs root and iproute2, and leaves
//! nothing behind; what a killed run could not clean up, the next one does.
#![allow(
    clippy::disallowed_methods,
    reason = "real kernels and daemons run on the real clock"
)]

mod capture;
mod command;
mod configuration;
mod daemon;
mod error;
mod fault;
mod hand;
mod holders;
mod namespace;
mod place;
mod probe;
mod profile;
mod service;
mod setup;
mod switch;
mod task;

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use crate::directory::RunDirectory;
use namespace::Namespace;
use service::Service;
use switch::Switch;

pub use capture::{Capture, Packets};
pub use daemon::Daemon;
pub use error::RigError;
pub use fault::{Fault, UnknownFault};
pub use hand::Host;
pub use holders::Holders;
pub use namespace::abandon;
pub use place::{Node, VIRTUAL_LINK_LOCAL, VIRTUAL_ROUTER_ID, VIRTUAL_V4, VIRTUAL_V6};
pub use probe::{Mode, Outage, PERIOD, Probe, Record, Sample};
pub use profile::Profile;
pub use setup::{Program, Setup};

/// All of it. Dropping it ends every process, removes every namespace, and shows the logs if a test is failing.
#[derive(Debug)]
pub struct Rig {
    holders: Holders,
    machines: Vec<Machine>,
    hogs: Vec<Daemon>,
    client: Namespace,
    switch: Switch,
    profile: Profile,
    directory: RunDirectory,
}

/// A node with what runs on it.
#[derive(Debug)]
struct Machine {
    node: Node,
    setup: Setup,
    daemon: Option<Daemon>,
    service: Option<Service>,
    namespace: Namespace,
}

impl Rig {
    /// Builds the network and starts every node's service, and no daemon yet.
    ///
    /// # Errors
    /// If it cannot: not root, no iproute2.
    pub fn new(profile: Profile, nodes: &[(Node, Setup)]) -> Result<Self, RigError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        namespace::sweep();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = RunDirectory::create("rig")
            .map_err(RigError::system("cannot create the rig's directory"))?;
        let switch = Switch::new(number)?;
        let client = Namespace::create(number, "client")?;
        let (v4, v6) = place::client();
        switch.plug(&client, "client", v4, v6)?;
        let mut rig = Self {
            holders: Holders::default(),
            machines: Vec::new(),
            hogs: Vec::new(),
            client,
            switch,
            profile,
            directory,
        };
        for (node, setup) in nodes {
            let namespace = Namespace::create(number, node.name())?;
            rig.switch
                .plug(&namespace, node.name(), node.v4(), node.v6())?;
            rig.holders.watch(*node, &namespace)?;
            rig.machines.push(Machine {
                node: *node,
                setup: setup.clone(),
                daemon: None,
                service: None,
                namespace,
            });
            rig.start_service(*node)?;
        }
        Ok(rig)
    }

    /// Starts the node's daemon, and its service if that is dead.
    ///
    /// # Errors
    /// If it cannot be started. One that ends at once is not noticed here: its log says why.
    pub fn start(&mut self, node: Node) -> Result<(), RigError> {
        self.start_service(node)?;
        let peers: Vec<Node> = self.nodes().filter(|peer| *peer != node).collect();
        let (profile, directory) = (self.profile, self.directory.path().to_owned());
        let machine = self.machine(node);
        let setup = &machine.setup;
        let (text, extension) = match &setup.program {
            Program::Keepalived => (
                configuration::keepalived(node, &peers, &profile, setup),
                "conf",
            ),
            Program::Lb { link, .. } => {
                let admin = admin(&directory, node);
                (
                    configuration::lb(node, &peers, &profile, setup, *link, &admin),
                    "toml",
                )
            }
        };
        let file = directory.join(format!("{node}.{extension}"));
        fs::write(&file, text).map_err(RigError::system("cannot write a configuration"))?;
        let command = match &setup.program {
            Program::Keepalived => {
                let mut command = machine.namespace.command(Path::new("keepalived"));
                command.args(["-n", "-l", "-D", "-f"]).arg(&file);
                for (flag, which) in [("-p", "parent"), ("-r", "vrrp")] {
                    let pid = directory.join(format!("{node}.{which}.pid"));
                    // A killed one leaves its file, and the next would think that it still runs.
                    fs::remove_file(&pid).ok();
                    command.arg(flag).arg(pid);
                }
                command
            }
            Program::Lb { path, .. } => {
                let mut command = machine.namespace.command(path);
                command.arg("serve").arg(&file);
                command
            }
        };
        let log = directory.join(format!("{node}.log"));
        // Whoever ran before is gone first.
        machine.daemon = None;
        machine.daemon = Some(Daemon::start(command, log)?);
        Ok(())
    }

    /// A client that asks for the virtual address from now on.
    ///
    /// # Errors
    /// If its sockets cannot be had.
    pub fn probe(&self, mode: Mode) -> Result<Probe, RigError> {
        let port = match mode {
            Mode::Udp | Mode::Tcp => service::PORT,
            Mode::Http => configuration::HTTP,
        };
        let target = SocketAddr::new(self.profile.target(), port);
        Probe::start(&self.client, mode, target)
    }

    /// Records what goes over the switch from now on.
    ///
    /// # Errors
    /// If `dumpcap` is missing or cannot record.
    pub fn capture(&self) -> Result<Capture, RigError> {
        Capture::start(self.switch.namespace(), self.directory.path())
    }

    /// Who has which address, and since when.
    pub fn holders(&self) -> &Holders {
        &self.holders
    }

    /// Waits until exactly `nodes` have the virtual address.
    ///
    /// # Errors
    /// If that does not come about within `patience`.
    pub fn until_held_by(&self, nodes: &[Node], patience: Duration) -> Result<(), RigError> {
        self.holders.until(self.profile.target(), nodes, patience)
    }

    /// The daemon of a node that was started.
    pub fn daemon(&mut self, node: Node) -> Option<&mut Daemon> {
        self.machine(node).daemon.as_mut()
    }

    /// What the node's next daemon will be told.
    pub fn setup(&mut self, node: Node) -> &mut Setup {
        &mut self.machine(node).setup
    }

    /// A directory of this rig alone.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Calls `act` on a thread in the node's network: its sockets are the node's, its commands run there.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn on<T: Send>(
        &self,
        node: Node,
        act: impl FnOnce() -> io::Result<T> + Send,
    ) -> Result<T, RigError> {
        self.find(node).namespace.within(act)
    }

    /// The same in the client's network.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn on_client<T: Send>(
        &self,
        act: impl FnOnce() -> io::Result<T> + Send,
    ) -> Result<T, RigError> {
        self.client.within(act)
    }

    /// All a node's daemons have written so far.
    pub fn log(&self, node: Node) -> String {
        let path = self.directory.path().join(format!("{node}.log"));
        String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
    }

    /// The admin socket of the node's `lb`.
    pub fn admin(&self, node: Node) -> PathBuf {
        admin(self.directory.path(), node)
    }

    /// The addresses on the node's interface, as `ip -j address` tells.
    ///
    /// # Errors
    /// If `ip` fails.
    pub fn addresses(&self, node: Node) -> Result<Vec<IpAddr>, RigError> {
        let machine = self.find(node);
        let arguments = ["address", "show", "dev", "eth0"];
        let interfaces = command::ip_json(machine.namespace.name(), &arguments)?;
        let addresses = interfaces[0]["addr_info"].as_array();
        let local = |entry: &serde_json::Value| entry["local"].as_str()?.parse().ok();
        Ok(addresses.into_iter().flatten().filter_map(local).collect())
    }

    /// The node whose hardware address the client has for the virtual address; `None` if it has none of them.
    ///
    /// # Errors
    /// If `ip` fails.
    pub fn neighbour(&self) -> Result<Option<Node>, RigError> {
        let target = self.profile.target().to_string();
        let table = command::ip_json(self.client.name(), &["neigh", "show", "to", &target])?;
        let Some(mac) = table[0]["lladdr"].as_str() else {
            return Ok(None);
        };
        for machine in &self.machines {
            let arguments = ["link", "show", "dev", "eth0"];
            let link = command::ip_json(machine.namespace.name(), &arguments)?;
            if link[0]["address"] == *mac {
                return Ok(Some(machine.node));
            }
        }
        Ok(None)
    }

    /// The profile it was built for.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The nodes, in their order.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + '_ {
        self.machines.iter().map(|machine| machine.node)
    }

    fn find(&self, node: Node) -> &Machine {
        let found = self.machines.iter().find(|machine| machine.node == node);
        found.expect("the rig was built with this node")
    }

    fn machine(&mut self, node: Node) -> &mut Machine {
        let mut machines = self.machines.iter_mut();
        let found = machines.find(|machine| machine.node == node);
        found.expect("the rig was built with this node")
    }

    fn start_service(&mut self, node: Node) -> Result<(), RigError> {
        let target = self.profile.target();
        let machine = self.machine(node);
        if machine.service.is_none() {
            let http = match machine.setup.program {
                Program::Keepalived => configuration::HTTP,
                Program::Lb { .. } => configuration::BACKEND,
            };
            let service = Service::start(&machine.namespace, node.name(), target, http)?;
            machine.service = Some(service);
        }
        Ok(())
    }
}

fn admin(directory: &Path, node: Node) -> PathBuf {
    directory.join(format!("{node}.sock"))
}

impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in self.nodes() {
                eprintln!("---- log of {node} ----\n{}", self.log(node));
            }
        }
    }
}
