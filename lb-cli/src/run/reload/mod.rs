//! Another configuration for a process that runs.
//!
//! All that can fail is done first: the files are read and compiled, new targets of log lines and new sockets opened. From
//! there on nothing is refused. What stays under its name goes on: sockets, connections, servers with their health and
//! their idle connections, counts, tables. Each request is served by the configuration it began with, and the next one of
//! the same connection by the new one.

mod difference;
mod fixed;

use std::{path::PathBuf, sync::Arc};

use lb_core::Server;
use lb_http::Upstream;
use lb_tcp::BindError;
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
    time::sleep,
};

pub(crate) use self::difference::Difference;
use super::{
    Live, System,
    assemble::{self, Opened},
    checks,
    limits::{self, LimitError},
    shared::Phase,
    supervisor,
    worker::{Order, Serve},
};
use crate::{
    config::{Config, Diagnostics},
    log::Level,
    plan::{Kept, Plan},
};

/// Why a process stays as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ReloadError {
    #[error("this process was not started from a file")]
    NoFile,
    #[error("the process stops")]
    Stopping,
    #[error("a process in a chroot cannot read its files; use `lb serve --takeover`, or restart")]
    Chroot,
    #[error("the configuration has errors:\n{0}")]
    Configuration(Diagnostics),
    #[error(
        "cannot change in a running process: {}; use `lb serve --takeover`, or restart",
        .0.join(", ")
    )]
    Fixed(Vec<String>),
    #[error("{0}")]
    Limits(#[from] LimitError),
    #[error("cannot bind {0}")]
    Bind(#[from] BindError),
    #[error("cannot open the log: {0}")]
    Log(std::io::Error),
}

/// Reloads the configuration of a process.
pub(crate) struct Reload {
    live: Live,
    files: Vec<PathBuf>,
    workers: Vec<mpsc::UnboundedSender<Order>>,
    /// The checks of the system of the moment. Held for as long as a reload takes, so that there is one at a time.
    checks: Mutex<JoinHandle<()>>,
}

impl Reload {
    /// Has the workers serve the first system, and its servers checked.
    pub(super) async fn begin(
        live: Live,
        files: Vec<PathBuf>,
        workers: Vec<mpsc::UnboundedSender<Order>>,
        opened: Opened,
    ) -> Self {
        let system = live.system();
        let reload = Self {
            live,
            files,
            workers,
            checks: Mutex::new(tokio::spawn(checks::run(Arc::clone(&system)))),
        };
        reload.order(&system, opened).await;
        reload
    }

    /// That of a process without workers and files.
    #[cfg(test)]
    pub(crate) async fn of(live: &Live) -> Self {
        Self::begin(live.clone(), Vec::new(), Vec::new(), Vec::new()).await
    }

    /// Reads the files anew, and runs by what they say. The answer is what has changed.
    ///
    /// # Errors
    ///
    /// Why it does not; nothing has changed then.
    pub(crate) async fn reload(&self) -> Result<Difference, ReloadError> {
        let mut checks = self.checks.lock().await;
        supervisor::reloading();
        let result = self.try_reload(&mut checks).await;
        supervisor::ready();
        let log = self.live.system().log().clone();
        match &result {
            Ok(difference) if difference.is_empty() => {
                log.notice("reloaded: nothing has changed");
            }
            Ok(difference) => {
                log.notice("reloaded:");
                difference
                    .to_string()
                    .lines()
                    .for_each(|line| log.notice(line));
            }
            Err(error) => {
                let text = format!("not reloaded: {error}");
                let lines = text.lines().filter(|line| !line.is_empty());
                lines.for_each(|line| log.say(Level::Alert, line));
            }
        }
        result
    }

    async fn try_reload(&self, checks: &mut JoinHandle<()>) -> Result<Difference, ReloadError> {
        let before = self.live.system();
        if before.config().global.process.chroot.is_some() {
            return Err(ReloadError::Chroot);
        }
        let plan = self.compile(&before).await?;
        if before.is_stopping() {
            return Err(ReloadError::Stopping);
        }
        let refused = fixed::refusals(&before, &plan);
        if !refused.is_empty() {
            return Err(ReloadError::Fixed(refused));
        }
        let new_maxconn = plan.maxconn != before.config().global.maxconn;
        let maxconn = new_maxconn.then(|| limits::prepare(&plan)).transpose()?;
        let mut difference = Difference::of(before.config(), &plan.config);
        difference.notes = forgotten(&before, &plan);
        let shared = Arc::clone(&before.shared);
        let log = &plan.log;
        let outlets = shared
            .log
            .open(log.all(), log.global(), plan.node.as_deref())
            .map_err(ReloadError::Log)?;
        let one_at_a_time = shared.change();
        let gone = Servers::of(&before);
        let (system, opened) = assemble::next(plan, &before)?;
        // From here on nothing is refused.
        if let Some(maxconn) = maxconn {
            shared.allow(maxconn);
        }
        shared.log.follow(outlets);
        self.live.replace(Arc::clone(&system));
        drop(one_at_a_time);
        self.order(&system, opened).await;
        checks.abort();
        let _ = (&mut *checks).await;
        *checks = tokio::spawn(checks::run(Arc::clone(&system)));
        gone.without(&system).cut_later(&system);
        Ok(difference)
    }

    async fn compile(&self, before: &Arc<System>) -> Result<Plan, ReloadError> {
        if self.files.is_empty() {
            return Err(ReloadError::NoFile);
        }
        let (files, before) = (self.files.clone(), Arc::clone(before));
        // It may look names up.
        let compiling = tokio::task::spawn_blocking(move || {
            let kept = Kept {
                config: Some(before.config()),
                tables: before.tables(),
                log: before.log_targets().all(),
            };
            Plan::compile_after(Config::load_recoverable(&files), kept)
        });
        let plan = compiling.await.expect("compiling does not panic");
        plan.map_err(ReloadError::Configuration)
    }

    /// Has the workers serve `system`, each with its own of the sockets; done when all do, or none of them takes anybody
    /// any more.
    async fn order(&self, system: &Arc<System>, opened: Opened) {
        let mut done = Vec::new();
        for (worker, opened) in self.workers.iter().zip(opened) {
            let (sender, receiver) = oneshot::channel();
            let _ = worker.send(Order::Serve(Serve {
                system: Arc::clone(system),
                opened,
                done: sender,
            }));
            done.push(receiver);
        }
        let mut phase = system.shared.phase.subscribe();
        let all = async {
            for worker in done {
                let _ = worker.await;
            }
        };
        tokio::select! {
            () = all => {}
            _ = phase.wait_for(|phase| *phase != Phase::Run) => {}
        }
    }
}

/// What was changed at run time, and is as the files have it from now on.
fn forgotten(before: &System, plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    for backend in before.backends() {
        let Some(next) = plan.backend(backend.plan().name()) else {
            continue;
        };
        for server in backend.pool().snapshot().all() {
            let name = server.name();
            let declared = |plan: &crate::plan::Backend| {
                let mut servers = plan.servers().iter();
                servers.any(|server| server.model().name.as_str() == name)
            };
            if !declared(backend.plan()) && !declared(next) {
                let backend = next.name();
                notes.push(format!(
                    "server {backend}/{name} was added at run time, and is gone"
                ));
            }
        }
    }
    let tables = before.tables().iter();
    let emptied = tables.filter(|table| {
        let same = |next: &Arc<_>| Arc::ptr_eq(table, next);
        let mut next = plan.tables.iter();
        next.any(|next| next.name() == table.name()) && !plan.tables.iter().any(same)
    });
    notes.extend(emptied.map(|table| {
        let name = table.name();
        format!("table {name} is declared otherwise, and begins empty")
    }));
    notes
}

/// The servers of a system.
struct Servers(Vec<Arc<Server<Upstream>>>);

impl Servers {
    fn of(system: &System) -> Self {
        let backends = system.backends().iter();
        Self(
            backends
                .flat_map(|backend| backend.pool().snapshot().all().to_vec())
                .collect(),
        )
    }

    /// Those that `system` has not.
    fn without(self, system: &System) -> Self {
        let staying = Self::of(system).0;
        let mut gone = self.0;
        gone.retain(|server| staying.iter().all(|other| other.uid() != server.uid()));
        Self(gone)
    }

    /// Ends what they still serve after `hard_stop_after`.
    fn cut_later(self, system: &System) {
        if self.0.is_empty() {
            return;
        }
        let patience = system.hard_stop_after();
        tokio::spawn(async move {
            sleep(patience).await;
            for server in self.0 {
                server.target().shutdown_sessions();
            }
        });
    }
}
