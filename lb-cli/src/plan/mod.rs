//! From a configuration to something that can run: names resolved, texts
//! compiled, nothing left that can fail but the system.
//!
//! Problems found here join those of the configuration, with their places, so
//! that one run of `lb check` shows all of them.

mod backend;
mod facts;
mod frontend;
mod ids;
mod log;
mod monitor;
mod problem;
mod process;
mod rules;
mod stats;
mod table;
mod vrrp;

use std::{num::NonZeroUsize, sync::Arc, thread, time::Duration};

use lb_core::table::Table;

pub use backend::{Backend, Persist, Server};
pub use facts::{BackendPlace, FrontendPlace, Rated};
pub use frontend::{Frontend, Route, To, forwarded_for};
pub use log::{LogTargets, Logging, Output};
pub use monitor::Monitor;
pub(crate) use problem::with_sources;
pub use process::Process;
pub use rules::Rules;
pub use stats::Stats;
pub(crate) use stats::base64;
pub use vrrp::{SyncGroup, TrackedBackend, TrackedScript, VirtualRouter, Vrrp};

use lb_tcp::Listen;

use crate::config::{Config, Diagnostics, Spanned, model};

/// A system that can be started.
#[derive(Debug)]
pub struct Plan {
    /// Threads of the data path.
    pub workers: NonZeroUsize,
    /// Client connections of the whole process; `None` is what the open-files
    /// limit allows.
    pub maxconn: Option<u32>,
    /// The open-files limit to ask for.
    pub nofile: Option<u64>,
    /// On stop, connections are cut after this.
    pub hard_stop_after: Duration,
    /// Where log lines go.
    pub log: LogTargets,
    /// The name of this node, in its messages.
    pub node: Option<String>,
    /// What the process becomes once its sockets are bound.
    pub process: Process,
    /// In the order of the file.
    pub frontends: Vec<Frontend>,
    /// In the order of the file.
    pub backends: Vec<Arc<Backend>>,
    /// In the order of the file.
    pub tables: Vec<Arc<Table>>,
    /// Where `lb ctl` connects.
    pub admin: Option<model::Admin>,
    /// Where Prometheus asks.
    pub metrics: Option<Listen>,
    /// What moves addresses from node to node.
    pub vrrp: Vrrp,
    /// What it was made of.
    pub config: Config,
    /// What the configuration has been warned of.
    pub warnings: Diagnostics,
}

/// What a configuration takes over from one that runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept<'b> {
    /// What runs by.
    pub config: Option<&'b Config>,
    /// The tables of it; those that are declared alike go on.
    pub tables: &'b [Arc<Table>],
    /// The targets of log lines that are open; they keep their numbers.
    pub log: &'b [model::LogTarget],
}

/// What becomes of the names of servers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Names {
    LookUp,
    Leave,
}

impl Plan {
    /// Compiles a configuration, which may have errors already.
    ///
    /// # Errors
    ///
    /// All problems of the configuration and of the texts in it.
    pub fn compile(config: Config) -> Result<Self, Diagnostics> {
        Self::compile_with(config, Names::LookUp, Kept::default())
    }

    /// The same for a process that runs already, which keeps what it can.
    ///
    /// # Errors
    ///
    /// As [`Plan::compile`].
    pub fn compile_after(config: Config, kept: Kept<'_>) -> Result<Self, Diagnostics> {
        Self::compile_with(config, Names::LookUp, kept)
    }

    /// The same without a look at the network, for a plan that is read and not
    /// run: a server given by name is at the address 0.0.0.0.
    ///
    /// # Errors
    ///
    /// As [`Plan::compile`], but no name is unknown.
    pub fn compile_offline(config: Config) -> Result<Self, Diagnostics> {
        Self::compile_with(config, Names::Leave, Kept::default())
    }

    fn compile_with(mut config: Config, names: Names, kept: Kept<'_>) -> Result<Self, Diagnostics> {
        let mut diagnostics = std::mem::take(&mut config.diagnostics);
        let full_conns = frontend::full_conns(&config);
        let places = facts::Places::of(&config);
        let tables = table::tables(&config, &kept);
        let registry = places.registry(&config);
        let registry = Arc::new(table::register(&config, &tables, registry));
        let backends: Vec<_> = config
            .backends
            .iter()
            .zip(full_conns)
            .zip(&places.backends)
            .map(|((backend, full_conn), (_, place))| {
                let compiled =
                    Backend::compile(backend, full_conn, names, &registry, &mut diagnostics);
                Arc::new(compiled.at(Arc::clone(place)))
            })
            .collect();
        let log_targets = LogTargets::of(&config, kept.log);
        let vrrp = Vrrp::compile(&config, names, &mut diagnostics);
        let process = Process::compile(&config.global.process, &mut diagnostics);
        let virtual_addresses = vrrp.addresses();
        let frontends: Vec<_> = config
            .frontends
            .iter()
            .zip(&places.frontends)
            .map(|(frontend, (_, place))| {
                let around = frontend::Around {
                    backends: &backends,
                    virtual_addresses: &virtual_addresses,
                    registry: &registry,
                    log_targets: &log_targets,
                };
                Frontend::compile(frontend, &around, &mut diagnostics).at(Arc::clone(place))
            })
            .collect();
        if frontends.is_empty() && vrrp.routers.is_empty() && !diagnostics.has_errors() {
            diagnostics.error(
                crate::config::Span::BUILT_IN,
                "no frontend: there is nothing to listen on",
            );
        }
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        let global = config.global.clone();
        Ok(Self {
            workers: global
                .workers
                .or_else(|| thread::available_parallelism().ok())
                .unwrap_or(NonZeroUsize::MIN),
            maxconn: global.maxconn,
            nofile: global.nofile,
            hard_stop_after: global.hard_stop_after,
            log: log_targets,
            node: global.node,
            process,
            frontends,
            backends,
            tables,
            admin: global.admin,
            metrics: global
                .metrics
                .map(|address| frontend::listen(&model::Bind::on(Spanned::built_in(address)))),
            vrrp,
            config,
            warnings: diagnostics,
        })
    }

    /// The backend of this name.
    pub fn backend(&self, name: &str) -> Option<&Arc<Backend>> {
        self.backends.iter().find(|backend| backend.name() == name)
    }
}
