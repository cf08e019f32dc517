//! A worker: a thread, a runtime, sockets.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use lb_http::server::Shutdown;
use lb_tcp::Listener;
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, MissedTickBehavior},
};
use tokio_util::task::TaskTracker;

use super::{
    RunError, System,
    accept::{self, Door},
    frontend::Service,
    supervisor::BEAT,
    system::Phase,
};
use crate::log::{self, Level};

/// Frontend, bind and socket of each address that a worker listens on.
pub(super) type Assignment = Vec<(usize, usize, Listener)>;

/// How often idle connections to servers are looked through.
const SWEEP: Duration = Duration::from_secs(1);

pub(super) fn start_all(system: &Arc<System>) -> Result<Vec<JoinHandle<()>>, RunError> {
    let assignments = system.take_assignments();
    let mut threads = Vec::with_capacity(assignments.len());
    for (worker, assignment) in assignments.into_iter().enumerate() {
        // Made here, so that a failure is reported before anything is served.
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(RunError::Worker)?;
        let system = Arc::clone(system);
        let thread = thread::Builder::new()
            .name(format!("worker-{worker}"))
            .spawn(move || run(worker, runtime, &system, assignment))
            .map_err(RunError::Worker)?;
        threads.push(thread);
    }
    Ok(threads)
}

fn run(worker: usize, runtime: Runtime, system: &Arc<System>, assignment: Assignment) {
    log::attach(system.log().clone());
    runtime.block_on(serve(worker, system, assignment));
    // With it go the connections that are cut, and each writes its line.
    drop(runtime);
    log::detach();
}

async fn serve(worker: usize, system: &Arc<System>, assignment: Assignment) {
    let mut phase = system.phase.subscribe();
    let connections = TaskTracker::new();
    let shutdown = Shutdown::new();
    let service = Service::for_worker(worker, system);
    let doors = TaskTracker::new();
    for (frontend, bind, listener) in assignment {
        let door = Door {
            frontend: Arc::clone(&system.frontends()[frontend]),
            bind,
            server: service.server(frontend),
            system: Arc::clone(system),
            connections: connections.clone(),
            shutdown: shutdown.clone(),
        };
        match listener.into_tokio() {
            Ok(acceptor) => {
                doors.spawn(accept::run(door, acceptor));
            }
            Err(error) => {
                door.frontend.refusing.send_modify(|count| *count += 1);
                system
                    .log()
                    .say(Level::Alert, &format!("cannot listen: {error}"));
            }
        }
    }
    let housekeeping = async {
        tokio::join!(
            log::run_flusher(),
            sweep(worker, system),
            beat(worker, system)
        );
    };
    tokio::select! {
        _ = phase.wait_for(|phase| *phase != Phase::Run) => {}
        () = housekeeping => {}
    }
    // First of all: a door may wait for the place of a connection that is idle.
    shutdown.begin();
    doors.close();
    doors.wait().await;
    connections.close();
    tokio::select! {
        () = connections.wait() => {}
        _ = phase.wait_for(|phase| *phase == Phase::Stop) => {}
    }
}

/// Says that this worker lives.
async fn beat(worker: usize, system: &System) {
    let mut ticks = tokio::time::interval(BEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = ticks.tick().await;
        system.beats.beat(worker, now);
    }
}

/// Closes connections to servers that have been idle for too long.
async fn sweep(worker: usize, system: &System) {
    let mut ticks = tokio::time::interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = Instant::now();
        for backend in system.backends() {
            for server in backend.pool.snapshot().all() {
                server.target().sweep(worker, now);
            }
        }
    }
}
