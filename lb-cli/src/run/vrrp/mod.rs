//! Virtual addresses: VRRP on a thread of its own, so that a busy data path cannot delay an
//! advertisement.
//!
//! What the process knows of itself is told to it from here: whether frontends accept, and how
//! many servers a backend has ([`track`]).

mod assemble;
mod show;
mod track;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use lb_vrrp::{
    Vrrp,
    driver::Driver,
    link,
    linux::{self, realtime},
};
use tokio::{runtime::Runtime, sync::oneshot, time::timeout};

use self::show::Routers;
use super::System;
use crate::{admin, log::Sink, plan};

/// Why virtual routers do not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VrrpError {
    /// This process may not have the sockets of one, or not set addresses.
    #[error("cannot open virtual router {name}, which takes CAP_NET_ADMIN and CAP_NET_RAW")]
    Privileges {
        /// Which.
        name: String,
        /// What was refused.
        source: linux::OpenError,
    },
    /// One cannot be opened.
    #[error("cannot open virtual router {name}")]
    Network {
        /// Which.
        name: String,
        /// Why.
        source: linux::OpenError,
    },
    /// The peer link cannot listen.
    #[error("cannot open the peer link")]
    Link(#[from] link::OpenError),
    /// A thread or a runtime cannot be had.
    #[error("cannot start the thread of VRRP")]
    Thread(#[source] io::Error),
}

impl VrrpError {
    fn opening(name: &str, source: linux::OpenError) -> Self {
        let name = name.to_owned();
        match &source {
            linux::OpenError::System(why) if why.kind() == io::ErrorKind::PermissionDenied => {
                Self::Privileges { name, source }
            }
            _ => Self::Network { name, source },
        }
    }
}

/// The virtual routers of this process, on their thread. Dropped, it has the thread give up at
/// once what is not given away, and waits for its end: an address that is still set when the
/// process ends would be left behind.
pub(super) struct Virtual {
    routers: Vec<Vrrp>,
    /// Says that clients are served; dropped unsaid, the thread ends.
    ready: Mutex<Option<oneshot::Sender<()>>>,
    /// Dropped, it ends the thread.
    stay: Option<oneshot::Sender<()>>,
    /// Comes to an end with the thread.
    lives: Mutex<Option<oneshot::Receiver<()>>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// A successor is heard within the skew time, at most one interval of up to 41 s; who is told to
/// stop does not wait so long.
const LONGEST_STOP: Duration = Duration::from_secs(5);

impl Virtual {
    /// Opens their sockets, if there are any; they begin with [`start`](Self::start).
    pub(super) fn open(plan: &Arc<plan::Vrrp>, log: Sink) -> Result<Option<Self>, VrrpError> {
        if plan.routers.is_empty() {
            return Ok(None);
        }
        let (opened, outcome) = mpsc::channel();
        let (ready, served) = oneshot::channel();
        let (stay, end) = oneshot::channel::<()>();
        let (alive, lives) = oneshot::channel::<()>();
        let plan = Arc::clone(plan);
        let thread = thread::Builder::new()
            .name("vrrp".to_owned())
            .spawn(move || match open(&plan, log) {
                Ok((runtime, driver, routers)) => {
                    // Dropped at the end, a panic's too.
                    let _alive = alive;
                    let _ = opened.send(Ok(routers));
                    runtime.block_on(async {
                        if served.await.is_ok() {
                            tokio::select! {
                                () = driver.run() => {}
                                _ = end => {}
                            }
                        }
                    });
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            })
            .map_err(VrrpError::Thread)?;
        let gone = || VrrpError::Thread(io::Error::other("it ended at once"));
        let routers = outcome.recv().map_err(|_| gone())??;
        Ok(Some(Self {
            routers,
            ready: Mutex::new(Some(ready)),
            stay: Some(stay),
            lives: Mutex::new(Some(lives)),
            thread: Some(thread),
        }))
    }

    /// What the admin socket shows and steers.
    pub(super) fn admin(&self) -> Arc<dyn admin::Vrrp> {
        Arc::new(Routers::new(self.routers.clone()))
    }

    /// What looks at them.
    pub(super) fn routers(&self) -> Vec<Vrrp> {
        self.routers.clone()
    }

    /// Starts them, and tells them what the process knows of itself for as long as it runs.
    pub(super) fn start(&self, plan: &plan::Vrrp, system: &Arc<System>, runtime: &Runtime) {
        for (router, vrrp) in plan.routers.iter().zip(&self.routers) {
            for tracked in router.backends() {
                let backend = Arc::clone(&system.backends()[tracked.backend]);
                runtime.spawn(track::backend(vrrp, backend, *tracked));
            }
            for &frontend in router.frontends() {
                let frontend = Arc::clone(&system.frontends()[frontend]);
                runtime.spawn(track::frontend(vrrp, frontend));
            }
        }
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = ready.take() {
            let _ = ready.send(());
        }
    }

    /// Waits for the end of the thread, which nobody has asked for: without it this node can
    /// never be master again.
    pub(super) async fn ended(&self) {
        let lives = {
            let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
            lives.take()
        };
        match lives {
            Some(lives) => drop(lives.await),
            None => std::future::pending().await,
        }
    }

    /// Gives the addresses away: done when the successors have them, or soon in any case.
    pub(super) async fn give_away(&self) {
        if let Some(any) = self.routers.first() {
            let _ = timeout(LONGEST_STOP, any.stop()).await;
        }
    }
}

impl Drop for Virtual {
    fn drop(&mut self) {
        let ready = self.ready.get_mut();
        drop(ready.unwrap_or_else(PoisonError::into_inner).take());
        drop(self.stay.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(plan: &plan::Vrrp, log: Sink) -> Result<(Runtime, Driver, Vec<Vrrp>), VrrpError> {
    let scheduling = realtime::prefer();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(VrrpError::Thread)?;
    let _context = runtime.enter();
    log.notice(&format!("vrrp: its thread is scheduled as {scheduling}"));
    let (driver, routers) = assemble::driver(plan, log)?;
    drop(_context);
    Ok((runtime, driver, routers))
}
