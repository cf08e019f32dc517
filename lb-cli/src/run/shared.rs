//! What all threads of a process share, and no reload changes.

use std::{
    num::NonZeroUsize,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use tokio::{sync::watch, time::Instant};

use super::{
    counts::Count, quota::Quota, refusals::Refusals, sessions::Sessions, supervisor::Beats,
};
use crate::log::Sink;

/// How far the process has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Serves.
    Run,
    /// Answers what has begun and takes nothing new.
    Drain,
    /// Cuts what is left.
    Stop,
}

/// The process: its threads, its limits, its counts.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) workers: NonZeroUsize,
    pub(super) log: Sink,
    pub(super) connections: Count,
    pub(super) permits: Quota,
    /// What `maxconn` may be at most.
    hard_maxconn: AtomicU32,
    pub(super) started: Instant,
    pub(super) phase: watch::Sender<Phase>,
    /// The phase is [`Phase::Stop`]: for those who cannot take its lock.
    cut: AtomicBool,
    /// Another process has the sockets, too.
    handed_over: AtomicBool,
    /// When each worker lived last.
    pub(super) beats: Beats,
    /// One change of what there is at a time.
    changing: Mutex<()>,
    /// Requests whose lines have a number.
    pub(super) numbered: AtomicU64,
    pub(super) sessions: Sessions,
    pub(super) refusals: Refusals,
}

impl Shared {
    pub(super) fn new(workers: NonZeroUsize, maxconn: u32, log: Sink) -> Self {
        let started = Instant::now();
        Self {
            workers,
            log,
            connections: Count::default(),
            permits: Quota::new(Some(maxconn)),
            hard_maxconn: AtomicU32::new(maxconn),
            started,
            phase: watch::Sender::new(Phase::Run),
            cut: AtomicBool::new(false),
            handed_over: AtomicBool::new(false),
            beats: Beats::new(workers.get(), started),
            changing: Mutex::default(),
            numbered: AtomicU64::new(0),
            sessions: Sessions::default(),
            refusals: Refusals::default(),
        }
    }

    /// One change of what there is at a time.
    pub(super) fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `maxconn` may be at most.
    pub(super) fn hard_maxconn(&self) -> u32 {
        self.hard_maxconn.load(Ordering::Relaxed)
    }

    /// From now on it takes so many connections.
    pub(super) fn allow(&self, maxconn: u32) {
        self.hard_maxconn.store(maxconn, Ordering::Relaxed);
        self.permits.set(maxconn);
    }

    /// Begins to stop, as SIGTERM does.
    pub(super) fn stop(&self) {
        self.phase.send_replace(Phase::Drain);
    }

    /// Another process serves from now on: takes no more connections, and those there are go on until their next request.
    pub(super) fn hand_over(&self) {
        self.handed_over.store(true, Ordering::Relaxed);
        self.stop();
    }

    /// Does another process serve?
    pub(super) fn is_handed_over(&self) -> bool {
        self.handed_over.load(Ordering::Relaxed)
    }

    /// Ends all that is left, as SIGINT does.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
        self.phase.send_replace(Phase::Stop);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    /// Does it take no more connections?
    pub(super) fn is_stopping(&self) -> bool {
        *self.phase.borrow() != Phase::Run
    }
}
