//! A worker's own buffers of lines.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::{Batch, Level, LocalClock, Outlets, Sink, syslog::Direct};

/// A buffer of this size is handed over at once.
pub(super) const FULL: usize = 32 * 1024;

/// So many lines are sent at once where that can be done without waiting: few, for a request may come meanwhile.
const SOON: u64 = 16;

/// A line waits no longer than this.
const PATIENCE: Duration = Duration::from_millis(20);

struct Worker {
    outlets: Arc<Outlets>,
    clock: LocalClock,
    /// Of each target.
    buffers: Vec<Batch>,
    /// For those that take lines at once.
    direct: Vec<Option<Direct>>,
    begun: Rc<Notify>,
}

thread_local! {
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

/// Gives this thread buffers for the targets there are now; what is in those that it has stays.
pub fn attach(sink: &Sink) {
    let outlets = sink.outlets();
    let targets = outlets.all().len();
    WORKER.with_borrow_mut(|worker| {
        match worker {
            Some(worker) => worker.outlets = outlets,
            None => {
                *worker = Some(Worker {
                    outlets,
                    buffers: Vec::new(),
                    direct: Vec::new(),
                    clock: LocalClock::default(),
                    begun: Rc::default(),
                });
            }
        }
        if let Some(worker) = worker {
            worker.buffers.resize_with(targets, Batch::default);
            let new = &worker.outlets.all()[worker.direct.len()..];
            worker
                .direct
                .extend(new.iter().map(|outlet| outlet.direct()));
        }
    });
}

/// Writes one line into this thread's buffers of those `targets` that take it; not at all if none does.
pub fn line(targets: &[usize], level: Level, write: impl FnOnce(&mut Vec<u8>, &mut LocalClock)) {
    WORKER.with_borrow_mut(|worker| {
        if let Some(worker) = worker {
            worker.line(targets, level, write);
        }
    });
}

impl Worker {
    fn line(
        &mut self,
        targets: &[usize],
        level: Level,
        write: impl FnOnce(&mut Vec<u8>, &mut LocalClock),
    ) {
        let outlets = self.outlets.all();
        let mut taking = (targets.iter().copied()).filter(|at| outlets[*at].takes(level));
        let Some(first) = taking.next() else {
            return;
        };
        let mut buffer = std::mem::take(&mut self.buffers[first]);
        if buffer.is_empty() {
            if buffer.capacity() == 0 {
                buffer = Batch::with_capacity(FULL + 1024);
            }
            self.begun.notify_one();
        }
        let line = buffer.push(level, |out| write(out, &mut self.clock));
        for other in taking {
            self.buffers[other].copy(level, line);
        }
        self.buffers[first] = buffer;
        for at in targets {
            let full = match self.direct[*at] {
                Some(_) => self.buffers[*at].count() >= SOON,
                None => self.buffers[*at].bytes().len() >= FULL,
            };
            if full {
                self.flush(*at);
            }
        }
    }

    fn flush(&mut self, at: usize) {
        if let Some(direct) = &mut self.direct[at] {
            direct.send(&mut self.buffers[at]);
        }
        // What it did not take is for a thread that may wait.
        if !self.buffers[at].is_empty() {
            let batch = std::mem::take(&mut self.buffers[at]);
            self.outlets.send(&self.outlets.all()[at], batch);
        }
    }

    fn flush_all(&mut self) {
        for at in 0..self.buffers.len() {
            self.flush(at);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.flush_all();
    }
}

/// Hands lines over that have waited; runs as long as the worker does, on its
/// thread.
pub async fn run_flusher() {
    let Some(begun) = WORKER.with_borrow(|worker| worker.as_ref().map(|w| Rc::clone(&w.begun)))
    else {
        return;
    };
    loop {
        begun.notified().await;
        tokio::time::sleep(PATIENCE).await;
        WORKER.with_borrow_mut(|worker| {
            if let Some(worker) = worker {
                worker.flush_all();
            }
        });
    }
}

/// Hands over what is left and takes the buffers away.
pub fn detach() {
    WORKER.set(None);
}
