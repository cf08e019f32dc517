//! Running a plan: workers for the data path, and this thread for checks and
//! signals.
//!
//! Every worker is a thread with a runtime of its own, its own sockets on each
//! address and its own connections to servers. What they share is atomic: the
//! servers with their limits and counters, and the counts of connections.

mod accept;
mod added;
mod change;
mod checks;
mod counts;
mod frontend;
mod history;
mod limits;
mod pidfile;
mod privileges;
mod quota;
mod rates;
mod record;
mod signals;
mod supervisor;
mod system;
mod tally;
mod vrrp;
mod wait;
mod worker;

use std::{io, sync::Arc};

use lb_tcp::BindError;

pub use change::Refusal;
pub(crate) use change::Target;
pub use history::History;
use pidfile::PidFile;
pub(crate) use privileges::Become;
use privileges::Needs;
pub use privileges::PrivilegeError;
pub use rates::{BackendRates, FrontendRates, Rate, SPAN, ServerRates, Span, Trace};
use signals::Signals;
pub use system::{Declared, Gate, RunningBackend, RunningFrontend, System};
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

/// Runs a plan until it is told to stop. `started` is called when all sockets
/// are bound and clients are served; a clone that it keeps has to be gone before
/// this returns.
///
/// # Errors
///
/// [`RunError`], before anything is served.
pub fn run(plan: Plan, started: impl FnOnce(&Arc<System>)) -> Result<(), RunError> {
    let writer = log::Writer::start_with(plan.log.all(), plan.log.global(), plan.node.as_deref())
        .map_err(RunError::Log)?;
    // Its file goes with this function, however it ends.
    let mut admin = plan.admin.as_ref().map(admin::Socket::bind).transpose()?;
    let metrics = plan.metrics.as_ref().map(metrics::Endpoint::bind);
    let metrics = metrics.transpose()?;
    let mut plan = plan;
    let routers = Arc::new(std::mem::take(&mut plan.vrrp));
    let process = std::mem::take(&mut plan.process);
    let system = System::assemble(plan, writer.sink())?;
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
    let mut signals = {
        let _context = runtime.enter();
        Signals::catch().map_err(RunError::Signals)?
    };
    if let Some(socket) = &mut admin {
        let _context = runtime.enter();
        let table = admin::table(&system, vrrp.as_ref().map(Virtual::admin));
        socket.open(table).map_err(RunError::Worker)?;
    }
    if let Some(endpoint) = metrics {
        let _context = runtime.enter();
        let routers = vrrp.as_ref().map(Virtual::routers).unwrap_or_default();
        endpoint.open(&system, routers).map_err(RunError::Worker)?;
    }
    let workers = worker::start_all(&system)?;
    started(&system);
    supervisor::ready();
    // Checks go on during a drain: a server that dies then is left out, too.
    runtime.spawn(checks::run(Arc::clone(&system)));
    if let Some(vrrp) = &vrrp {
        vrrp.start(&routers, &system, &runtime);
    }
    runtime.spawn({
        let system = Arc::clone(&system);
        async move { rates::run(&system).await }
    });
    runtime.spawn({
        let system = Arc::clone(&system);
        async move { supervisor::watch(&system).await }
    });
    let ended = runtime.block_on(signals.until_stopped(&system, vrrp.as_ref()));
    supervisor::stopping();
    runtime.block_on(signals.drain(&system));
    drop(vrrp);
    for worker in workers {
        let _ = worker.join();
    }
    // While it is listened on still: nobody else can have put a file in its place.
    drop(admin);
    drop(pidfile);
    drop(runtime);
    drop(system);
    writer.finish();
    ended
}
