//! Log lines, and their way out.
//!
//! A worker formats each line into a buffer of its own thread. Full buffers, and
//! those that have waited for a few milliseconds, go through a bounded channel
//! to one writer thread. A slow target never delays a request: when the channel
//! is full, lines are dropped, counted, and the count is logged.
//!
//! Every line has a level of syslog: those of requests are `info`, those of the
//! process what HAProxy gives them. Each target takes the levels it asks for.

mod clock;
mod line;
mod syslog;
mod target;
mod worker;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender, TrySendError},
    },
    thread::{self, JoinHandle},
};

pub use clock::LocalClock;
pub use line::{Connections, Line, Refusal, Termination};
pub use worker::{attach, detach, line, run_flusher};

use target::Target;

pub use crate::config::model::Level;
use crate::config::model::{LogTarget, LogTo};

/// Buffers that may wait for the writer; with [`worker::FULL`] bytes each, some
/// megabytes at the most.
const WAITING: usize = 128;

/// One buffer of whole lines of one level.
struct Batch {
    level: Level,
    bytes: Vec<u8>,
    lines: u64,
}

/// Where lines are handed over. Clones feed the same writer.
#[derive(Clone, Debug)]
pub struct Sink {
    sender: SyncSender<Batch>,
    /// The least severe lines that any target takes.
    level: Level,
    /// Messages bear their time: nothing else adds it.
    stamped: bool,
    dropped: Arc<AtomicU64>,
    /// Ahead of every message: the node's name and a blank, if it was given one.
    prefix: Arc<str>,
}

/// The thread that writes.
#[derive(Debug)]
pub struct Writer {
    sink: Sink,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Opens the targets and starts the thread. Messages of the process bear the
    /// name of `node`; lines of requests have HAProxy's fields and no place for it.
    ///
    /// # Errors
    ///
    /// The file that cannot be opened.
    pub fn start(targets: &[LogTarget], node: Option<&str>) -> io::Result<Self> {
        let dropped = Arc::new(AtomicU64::new(0));
        let prefix: Arc<str> = node
            .map(|node| format!("{node} "))
            .unwrap_or_default()
            .into();
        // Messages of the process have a reader even without a target; lines of requests do not.
        let default = [LogTarget {
            level: Level::Notice,
            ..LogTarget::new(LogTo::Stderr)
        }];
        let stamped = targets.is_empty();
        let targets = if stamped { &default } else { targets };
        let level = targets.iter().map(|target| target.level).max();
        let targets = targets
            .iter()
            .map(Target::open)
            .collect::<io::Result<Vec<_>>>()?;
        let (sender, receiver) = mpsc::sync_channel(WAITING);
        let counter = Arc::clone(&dropped);
        let thread = thread::Builder::new()
            .name("log".into())
            .spawn(move || write_all(targets, &receiver, &counter))?;
        Ok(Self {
            sink: Sink {
                sender,
                level: level.unwrap_or_default(),
                stamped,
                dropped,
                prefix,
            },
            thread: Some(thread),
        })
    }

    /// Where to hand lines over.
    pub fn sink(&self) -> Sink {
        self.sink.clone()
    }

    /// Writes what has been handed over, and ends. Every other [`Sink`] must be
    /// gone.
    pub fn finish(self) {
        let Self { sink, thread } = self;
        drop(sink);
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Sink {
    /// Is there a target for lines of this level?
    pub fn takes(&self, level: Level) -> bool {
        level <= self.level
    }

    /// Hands over one line of the process itself that needs nobody's care.
    pub fn notice(&self, text: &str) {
        self.say(Level::Notice, text);
    }

    /// Hands over one line of the process itself, such as a server's change of
    /// state. Without a target it goes to standard error, with the time.
    pub fn say(&self, level: Level, text: &str) {
        let node = &self.prefix;
        if self.takes(level) {
            let line = if self.stamped {
                format!("{} {node}{text}\n", LocalClock::now_rfc3339())
            } else {
                format!("{node}{text}\n")
            };
            self.send(Batch {
                level,
                bytes: line.into_bytes(),
                lines: 1,
            });
        }
    }

    fn send(&self, batch: Batch) {
        if let Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) =
            self.sender.try_send(batch)
        {
            self.dropped.fetch_add(batch.lines, Ordering::Relaxed);
        }
    }
}

fn write_all(mut targets: Vec<Target>, batches: &Receiver<Batch>, dropped: &AtomicU64) {
    while let Ok(batch) = batches.recv() {
        for target in &mut targets {
            target.write(&batch);
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let note = format!("{lost} log lines dropped: the log target is too slow\n");
            let batch = Batch {
                level: Level::Warning,
                bytes: note.into_bytes(),
                lines: 1,
            };
            for target in &mut targets {
                target.write(&batch);
            }
        }
    }
}
