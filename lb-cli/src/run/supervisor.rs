//! What systemd is told: that clients are served, that the process stops, and that it lives (`sd_notify(3)`).
//!
//! Without `NOTIFY_SOCKET` nothing is said. The watchdog is fed only while every worker goes round its loop: a
//! process whose data path hangs is ended and started anew.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use sd_notify::NotifyState;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::shared::Shared;
use crate::log::Level;

/// How often a worker says that it lives.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// When each worker was alive last.
#[derive(Debug)]
pub(super) struct Beats {
    started: Instant,
    /// Milliseconds after `started`.
    workers: Box<[AtomicU64]>,
}

impl Beats {
    pub(super) fn new(workers: usize, started: Instant) -> Self {
        Self {
            started,
            workers: (0..workers).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// A worker lives at `now`.
    pub(super) fn beat(&self, worker: usize, now: Instant) {
        self.workers[worker].store(self.millis(now), Ordering::Relaxed);
    }

    /// A worker that has not lived for longer than `patience`.
    fn silent(&self, now: Instant, patience: Duration) -> Option<usize> {
        let now = self.millis(now);
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let silent = |beat: &AtomicU64| now.saturating_sub(beat.load(Ordering::Relaxed)) > patience;
        self.workers.iter().position(silent)
    }

    /// For how long a worker has not lived, in milliseconds.
    pub(super) fn silence(&self, worker: usize, now: Instant) -> u64 {
        let beat = self.workers[worker].load(Ordering::Relaxed);
        self.millis(now).saturating_sub(beat)
    }

    fn millis(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.started);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Clients are served.
pub(super) fn ready() {
    let _ = sd_notify::notify(&[NotifyState::Ready]);
}

/// The process changes its configuration; [`ready`] ends it.
pub(super) fn reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        let _ = sd_notify::notify(&[NotifyState::Reloading, now]);
    }
}

/// Another process serves in place of this one.
pub(super) fn is_now(pid: u32) {
    let _ = sd_notify::notify(&[NotifyState::MainPid(pid)]);
}

/// The process stops.
pub(super) fn stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}

/// Feeds the watchdog, if systemd has one for this process.
pub(super) async fn watch(shared: &Shared) {
    let Some(patience) = sd_notify::watchdog_enabled().filter(|time| !time.is_zero()) else {
        return;
    };
    let mut ticks = interval(patience / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = None;
    loop {
        let now = ticks.tick().await;
        // A worker that drains waits for its connections, and no more.
        let silent = match shared.is_stopping() {
            true => None,
            false => shared.beats.silent(now, patience.max(3 * BEAT)),
        };
        if silent.is_none() {
            let _ = sd_notify::notify(&[NotifyState::Watchdog]);
        } else if said != silent {
            let text = "a worker does not go round its loop: the watchdog is not fed";
            shared.log.say(Level::Alert, text);
        }
        said = silent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_hangs_is_found() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let beats = Beats::new(2, start);
        for second in 1..10 {
            beats.beat(0, at(second));
            if second < 5 {
                beats.beat(1, at(second));
            }
        }
        let patience = Duration::from_secs(3);
        assert_eq!(beats.silent(at(5), patience), None);
        assert_eq!(beats.silent(at(8), patience), Some(1));
    }
}
