//! The way to one target: a bounded queue, and the thread at its end.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TryRecvError, TrySendError},
    },
};

use super::{Batch, Level, syslog::Direct, target::Target};
use crate::config::model::{LogFormat, LogSample, LogTarget};

/// Where lines for one target are handed over.
#[derive(Debug)]
pub(super) struct Outlet {
    sender: SyncSender<Batch>,
    /// The target, as the configuration names it.
    pub(super) name: String,
    /// The least severe lines that it takes.
    pub(super) level: Level,
    /// Messages of the process are objects, too.
    pub(super) json: bool,
    sample: Option<(LogSample, AtomicU64)>,
    losses: Arc<Losses>,
    /// Where a worker may send lines itself.
    direct: Option<(LogTarget, SocketAddr)>,
}

/// Lines that never came to a target.
#[derive(Debug, Default)]
pub(super) struct Losses {
    all: AtomicU64,
    /// Those that it has not been told of.
    untold: AtomicU64,
    /// The queue was full, and has not been empty since.
    full: AtomicBool,
}

impl Outlet {
    /// `address` is that of a target which takes datagrams of UDP.
    pub(super) fn new(
        target: &LogTarget,
        address: Option<SocketAddr>,
        sender: SyncSender<Batch>,
        losses: Arc<Losses>,
    ) -> Self {
        Self {
            sender,
            name: target.to.to_string(),
            level: target.level,
            json: target.format == Some(LogFormat::Json),
            sample: target
                .sample
                .clone()
                .map(|sample| (sample, AtomicU64::new(0))),
            losses,
            direct: address.map(|to| (target.clone(), to)),
        }
    }

    /// A way for one thread that must not wait; `None` where every target has to be waited for.
    pub(super) fn direct(&self) -> Option<Direct> {
        let (target, to) = self.direct.as_ref()?;
        Direct::open(target, *to).ok()
    }

    /// Does a line of a request of this level go there? Asked once for each.
    pub(super) fn takes(&self, level: Level) -> bool {
        level <= self.level
            && self
                .sample
                .as_ref()
                .is_none_or(|(sample, lines)| sample.takes(lines.fetch_add(1, Ordering::Relaxed)))
    }

    /// Lines that were lost so far.
    pub(super) fn dropped(&self) -> u64 {
        self.losses.all.load(Ordering::Relaxed)
    }

    /// Hands lines over and never waits. Says whether they are the first of a row that are lost.
    pub(super) fn offer(&self, batch: Batch) -> bool {
        match self.sender.try_send(batch) {
            Ok(()) => false,
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                self.losses.lost(batch.count());
                self.losses
                    .untold
                    .fetch_add(batch.count(), Ordering::Relaxed);
                !self.losses.full.swap(true, Ordering::Relaxed)
            }
        }
    }
}

impl Losses {
    fn lost(&self, lines: u64) {
        self.all.fetch_add(lines, Ordering::Relaxed);
    }
}

/// Writes what is handed over; ends with the last [`Outlet`]. `report` hears why lines are lost, once in a row.
pub(super) fn run(
    mut target: Target,
    batches: &Receiver<Batch>,
    losses: &Losses,
    report: impl Fn(&str),
) {
    let mut failing = false;
    while let Some(batch) = next(batches, losses) {
        let written = target.write(&batch);
        if let Err(loss) = &written {
            losses.lost(loss.lines);
            if !failing {
                report(&loss.why);
            }
        }
        failing = written.is_err();
        let lost = losses.untold.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let note = format!("{lost} log lines dropped: the log target is too slow");
            // It is worth no second one.
            let _ = target.write(&Batch::of(Level::Warning, &note));
        }
    }
}

/// What comes next; an empty queue ends a row of losses, so that a slow target is not told of with every line.
fn next(batches: &Receiver<Batch>, losses: &Losses) -> Option<Batch> {
    match batches.try_recv() {
        Err(TryRecvError::Empty) => {
            losses.full.store(false, Ordering::Relaxed);
            batches.recv().ok()
        }
        received => received.ok(),
    }
}
