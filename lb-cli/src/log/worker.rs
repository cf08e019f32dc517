//! A worker's own buffer of lines.

use std::{cell::RefCell, rc::Rc, time::Duration};

use tokio::sync::Notify;

use super::{Batch, Level, LocalClock, Sink};

/// A buffer of this size is handed over at once.
pub(super) const FULL: usize = 32 * 1024;

/// A line waits no longer than this.
const PATIENCE: Duration = Duration::from_millis(20);

struct Worker {
    sink: Sink,
    clock: LocalClock,
    buffer: Vec<u8>,
    lines: u64,
    begun: Rc<Notify>,
}

thread_local! {
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

/// Gives this thread a buffer.
pub fn attach(sink: Sink) {
    WORKER.set(Some(Worker {
        sink,
        clock: LocalClock::default(),
        buffer: Vec::with_capacity(FULL + 1024),
        lines: 0,
        begun: Rc::default(),
    }));
}

/// Writes one line of level `info` into this thread's buffer, if such lines go
/// anywhere.
pub fn line(write: impl FnOnce(&mut Vec<u8>, &mut LocalClock)) {
    WORKER.with_borrow_mut(|worker| {
        let Some(worker) = worker
            .as_mut()
            .filter(|worker| worker.sink.takes(Level::Info))
        else {
            return;
        };
        if worker.buffer.is_empty() {
            worker.begun.notify_one();
        }
        write(&mut worker.buffer, &mut worker.clock);
        worker.buffer.push(b'\n');
        worker.lines += 1;
        if worker.buffer.len() >= FULL {
            worker.flush();
        }
    });
}

impl Worker {
    fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        self.sink.send(Batch {
            level: Level::Info,
            bytes: std::mem::replace(&mut self.buffer, Vec::with_capacity(FULL + 1024)),
            lines: std::mem::take(&mut self.lines),
        });
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.flush();
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
                worker.flush();
            }
        });
    }
}

/// Hands over what is left and takes the buffer away.
pub fn detach() {
    WORKER.set(None);
}
