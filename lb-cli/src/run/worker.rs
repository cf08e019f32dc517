//! A worker: a thread, a runtime, sockets.

use std::{
    os::fd::{AsFd as _, OwnedFd},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use lb_tcp::{Address, Listener};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior},
};
use tokio_util::task::TaskTracker;

use super::{
    Live, RunError, System,
    accept::{self, Door, Place},
    shared::{Phase, Shared},
    site::Service,
    supervisor::BEAT,
};
use crate::log::{self, Level};

/// How often idle connections to servers are looked through.
const SWEEP: Duration = Duration::from_secs(1);

/// What a worker is to do.
#[derive(Debug)]
pub(super) enum Order {
    Serve(Serve),
    /// Copies of the sockets that it accepts from, with their addresses as declared.
    Hand(oneshot::Sender<Vec<(Address, OwnedFd)>>),
}

/// What a worker is to serve from now on.
#[derive(Debug)]
pub(super) struct Serve {
    pub(super) system: Arc<System>,
    /// Its own of each socket that has been opened.
    pub(super) opened: Vec<(Address, Listener)>,
    /// Is told when it is so.
    pub(super) done: oneshot::Sender<()>,
}

/// A thread of the data path, seen from outside.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) orders: mpsc::UnboundedSender<Order>,
    pub(super) thread: JoinHandle<()>,
}

/// Starts as many as there are to be. They serve when they have orders.
pub(super) fn start_all(live: &Live) -> Result<Vec<Worker>, RunError> {
    let count = live.system().workers().get();
    let mut workers = Vec::with_capacity(count);
    for worker in 0..count {
        // Made here, so that a failure is reported before anything is served.
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(RunError::Worker)?;
        let live = live.clone();
        let (orders, received) = mpsc::unbounded_channel();
        let thread = thread::Builder::new()
            .name(format!("worker-{worker}"))
            .spawn(move || run(worker, runtime, &live, received))
            .map_err(RunError::Worker)?;
        workers.push(Worker { orders, thread });
    }
    Ok(workers)
}

fn run(worker: usize, runtime: Runtime, live: &Live, orders: mpsc::UnboundedReceiver<Order>) {
    runtime.block_on(serve(worker, live, orders));
    // With it go the connections that are cut, and each writes its line.
    drop(runtime);
    log::detach();
}

async fn serve(worker: usize, live: &Live, mut orders: mpsc::UnboundedReceiver<Order>) {
    let shared = Arc::clone(&live.system().shared);
    // The flusher knows it from the first line on.
    log::attach(&shared.log);
    let mut phase = shared.phase.subscribe();
    let mut doors = Doors {
        worker,
        service: Service::default(),
        open: Vec::new(),
        running: TaskTracker::new(),
        shared: Arc::clone(&shared),
    };
    let housekeeping = async {
        tokio::join!(
            log::run_flusher(),
            sweep(worker, live),
            beat(worker, &shared)
        );
    };
    let following = async {
        while let Some(order) = orders.recv().await {
            match order {
                Order::Serve(new) => {
                    doors.follow(&new.system, new.opened);
                    let _ = new.done.send(());
                }
                Order::Hand(to) => {
                    let _ = to.send(doors.descriptors());
                }
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = phase.wait_for(|phase| *phase != Phase::Run) => {}
        () = housekeeping => {}
        () = following => {}
    }
    // First of all: a door may wait for the place of a connection that is idle.
    for door in &doors.open {
        match shared.is_handed_over() {
            true => door.drain_slowly(),
            false => door.drain(),
        }
    }
    doors.running.close();
    tokio::select! {
        () = doors.running.wait() => {}
        _ = phase.wait_for(|phase| *phase == Phase::Stop) => {}
    }
}

/// The sockets that a worker accepts from.
struct Doors {
    worker: usize,
    service: Service,
    open: Vec<accept::Handle>,
    running: TaskTracker,
    shared: Arc<Shared>,
}

impl Doors {
    /// Serves by `system` from now on, and accepts from the sockets of its frontends and no others.
    fn follow(&mut self, system: &Arc<System>, opened: Vec<(Address, Listener)>) {
        // Its sites write to targets that may be new.
        log::attach(&self.shared.log);
        self.service.follow(self.worker, system);
        let place = |address: &Address| {
            let mut frontends = system.frontends().iter().enumerate();
            frontends.find_map(|(at, frontend)| {
                let mut sockets = frontend.sockets().iter();
                let bind = sockets.position(|socket| socket.address == *address)?;
                Some(Place {
                    frontend: Arc::clone(frontend),
                    bind,
                    server: self.service.server(at),
                })
            })
        };
        let deadline = Instant::now() + system.hard_stop_after();
        self.open.retain(|door| {
            // One that ended was shut down, and may have been opened anew.
            let place = place(&door.address).filter(|_| !door.has_ended());
            let stays = place.is_some();
            match place {
                Some(place) => door.moves(place),
                None => door.close(deadline),
            }
            stays
        });
        for (address, listener) in opened {
            let Some(place) = place(&address) else {
                continue;
            };
            match listener.into_tokio() {
                Ok(acceptor) => {
                    let acceptor = Arc::new(acceptor);
                    let shared = Arc::clone(&self.shared);
                    let (door, handle) = Door::new(address, place, &acceptor, shared);
                    self.running.spawn(accept::run(door, acceptor));
                    self.open.push(handle);
                }
                Err(error) => {
                    place
                        .frontend
                        .life
                        .refusing
                        .send_modify(|count| *count += 1);
                    let text = format!("cannot listen: {error}");
                    self.shared.log.say(Level::Alert, &text);
                }
            }
        }
    }
}

impl Doors {
    /// Copies of the sockets that accept, with their addresses.
    fn descriptors(&self) -> Vec<(Address, OwnedFd)> {
        let copies = self.open.iter().filter_map(|door| {
            let copy = door.acceptor.upgrade()?.as_fd().try_clone_to_owned();
            Some((door.address.clone(), copy.ok()?))
        });
        copies.collect()
    }
}

/// Says that this worker lives.
async fn beat(worker: usize, shared: &Shared) {
    let mut ticks = tokio::time::interval(BEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = ticks.tick().await;
        shared.beats.beat(worker, now);
    }
}

/// Closes connections to servers that have been idle for too long.
async fn sweep(worker: usize, live: &Live) {
    let mut ticks = tokio::time::interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = Instant::now();
        for backend in live.system().backends() {
            for server in backend.pool.snapshot().all() {
                server.target().sweep(worker, now);
            }
        }
    }
}
