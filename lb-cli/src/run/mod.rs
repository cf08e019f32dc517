//! Running a plan: workers for the data path, and this thread for checks and
//! signals.
//!
//! Every worker is a thread with a runtime of its own, its own sockets on each
//! address and its own connections to servers. What they share is atomic: the
//! servers with their limits and counters, and the counts of connections.

mod accept;
mod activity;
mod added;
mod assemble;
mod change;
mod checks;
mod counts;
mod frontend;
mod history;
mod limits;
mod live;
mod pidfile;
mod privileges;
mod quota;
mod rates;
mod record;
mod refusals;
mod reload;
mod running;
mod sessions;
mod shared;
mod signals;
mod site;
mod supervisor;
mod system;
pub(crate) mod takeover;
mod tally;
mod vrrp;
mod wait;
mod worker;

use std::{io, path::PathBuf, sync::Arc};

use lb_tcp::BindError;

pub(crate) use activity::Activity;
pub use change::Refusal;
pub(crate) use change::Target;
pub use history::History;
pub use live::Live;
use pidfile::PidFile;
pub(crate) use privileges::Become;
use privileges::Needs;
pub use privileges::PrivilegeError;
pub use rates::{BackendRates, FrontendRates, Rate, SPAN, ServerRates, Span, Trace};
pub(crate) use refusals::{Captured, Side};
pub(crate) use reload::Reload;
pub use running::{Declared, Gate, RunningBackend, RunningFrontend};
pub(crate) use sessions::Session;
use signals::Signals;
pub use system::System;
use takeover::Predecessor;
pub(crate) use takeover::Succession;
pub use takeover::TakeoverError;
pub use tally::{BOUNDS, BUCKETS, Time, Totals};
use vrrp::Virtual;

use crate::{
    admin::{self, AdminError},
    log, metrics,
    plan::Plan,
};

/// Why a plan does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// An address cannot be listened on.
    #[error("cannot bind {0}")]
    Bind(#[from] BindError),
    /// The system has too few file descriptors.
    #[error("{0}")]
    Limits(#[from] limits::LimitError),
    /// There is no admin socket.
    #[error("{0}")]
    Admin(#[from] AdminError),
    /// No place of a running process can be taken.
    #[error("{0}")]
    Takeover(#[from] TakeoverError),
    /// A log target cannot be opened.
    #[error("cannot open the log")]
    Log(#[source] io::Error),
    /// The virtual routers do not start.
    #[error("{0}")]
    Vrrp(#[from] vrrp::VrrpError),
    /// The thread of VRRP has ended.
    #[error("the thread of virtual addresses has ended, which is a defect of lb")]
    VrrpEnded,
    /// A thread or a runtime cannot be had.
    #[error("cannot start a worker")]
    Worker(#[source] io::Error),
    /// The number of the process cannot be written.
    #[error("cannot write the pid file")]
    PidFile(#[source] io::Error),
    /// The process cannot become what it should.
    #[error("{0}")]
    Privileges(#[from] PrivilegeError),
    /// Signals cannot be caught.
    #[error("cannot catch signals")]
    Signals(#[source] io::Error),
}

/// How a process comes to run.
#[derive(Debug, Default)]
pub struct Launch {
    /// What a reload reads anew.
    pub files: Vec<PathBuf>,
    /// The admin socket of a process whose place it takes.
    pub takeover: Option<PathBuf>,
}

/// Runs a plan until it is told to stop. `started` is called when all sockets are bound and clients are served; a clone that
/// it keeps has to be gone before this returns.
///
/// # Errors
///
/// [`RunError`], before anything is served.
pub fn run(
    mut plan: Plan,
    launch: Launch,
    started: impl FnOnce(&Arc<System>),
) -> Result<(), RunError> {
    let writer = log::Writer::start_with(plan.log.all(), plan.log.global(), plan.node.as_deref())
        .map_err(RunError::Log)?;
    let predecessor = launch.takeover.as_deref().map(Predecessor::ask);
    let mut predecessor = predecessor.transpose()?;
    // Its file goes with this function, however it ends.
    let admin = plan.admin.clone();
    let mut admin_socket = admin.as_ref().map(|admin| {
        let taken = predecessor.as_mut();
        match taken.and_then(|taken| taken.admin(&admin.socket)) {
            Some(listener) => Ok(admin::Socket::adopt(admin, listener)),
            None => admin::Socket::bind(admin),
        }
    });
    let mut admin_socket = admin_socket.take().transpose()?;
    let metrics = plan.metrics.as_ref().map(|listen| {
        let taken = predecessor.as_mut();
        match taken.and_then(|taken| taken.metrics(listen.address())) {
            Some(listener) => Ok(metrics::Endpoint::adopt(listen, listener)),
            None => metrics::Endpoint::bind(listen),
        }
    });
    let metrics = metrics.transpose()?;
    let routers = Arc::new(std::mem::take(&mut plan.vrrp));
    let process = std::mem::take(&mut plan.process);
    let (system, opened) = assemble::first(plan, writer.sink(), predecessor.as_mut())?;
    let live = Live::new(Arc::clone(&system));
    let pidfile = process.pidfile().map(PidFile::write).transpose();
    let pidfile = pidfile.map_err(RunError::PidFile)?;
    // From here on nothing is bound; what a virtual address needs is kept for its thread.
    process.becomes().become_it(Needs {
        addresses: !routers.routers.is_empty(),
        programs: routers.runs_programs(),
    })?;
    let vrrp = Virtual::open(&routers, writer.sink())?;
    if process.becomes().drops_user() {
        privileges::keep_ports_only()
            .map_err(PrivilegeError::Capabilities)
            .map_err(RunError::Privileges)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::Worker)?;
    // Everything that follows may start tasks.
    let context = runtime.enter();
    let mut signals = Signals::catch().map_err(RunError::Signals)?;
    if let Some(predecessor) = &predecessor {
        predecessor.introduce(&system);
    }
    let workers = worker::start_all(&live)?;
    let senders = || workers.iter().map(|worker| worker.orders.clone()).collect();
    let bound = vrrp
        .as_ref()
        .map(|_| "virtual routers cannot be handed over yet");
    let succession = Arc::new(Succession::new(live.clone(), senders(), bound));
    if let Some(endpoint) = metrics {
        let routers = vrrp.as_ref().map(Virtual::routers).unwrap_or_default();
        endpoint
            .open(&live, routers, &succession)
            .map_err(RunError::Worker)?;
    }
    // Checks go on during a drain: a server that dies then is left out, too.
    let reload = Reload::begin(live.clone(), launch.files, senders(), opened);
    let reload = Arc::new(runtime.block_on(reload));
    if let Some(socket) = &mut admin_socket {
        let routers = vrrp.as_ref().map(Virtual::admin);
        let table = admin::table(&live, Arc::clone(&reload), routers);
        socket.open(table, &succession).map_err(RunError::Worker)?;
    }
    started(&system);
    supervisor::ready();
    if let Some(predecessor) = predecessor {
        predecessor.succeed(&live);
        if let (Some(socket), Some(admin)) = (&mut admin_socket, &admin) {
            socket.own_file(admin).map_err(RunError::Worker)?;
        }
    }
    if let Some(vrrp) = &vrrp {
        vrrp.start(&routers, &system, &runtime);
    }
    runtime.spawn({
        let live = live.clone();
        async move { rates::run(&live).await }
    });
    runtime.spawn({
        let shared = Arc::clone(&system.shared);
        async move { supervisor::watch(&shared).await }
    });
    drop((context, system));
    let ended = runtime.block_on(signals.until_stopped(&live, &reload, vrrp.as_ref()));
    if succession.has_heir() {
        if let Some(socket) = &mut admin_socket {
            socket.forget_file();
        }
    } else {
        supervisor::stopping();
    }
    runtime.block_on(signals.drain(&live.system(), &reload));
    drop(vrrp);
    for worker in workers {
        let _ = worker.thread.join();
    }
    runtime.block_on(succession.finish());
    // While it is listened on still: nobody else can have put a file in its place.
    drop(admin_socket);
    drop(pidfile);
    drop(runtime);
    drop((reload, succession, live));
    writer.finish();
    ended
}
