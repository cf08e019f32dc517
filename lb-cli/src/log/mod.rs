//! Log lines, and their way out.
//!
//! A worker formats each line into a buffer of its own thread. Full buffers, and
//! those that have waited for a few milliseconds, go through a bounded channel
//! to one writer thread. A slow target never delays a request: when the channel
//! is full, lines are dropped, counted, and the count is logged.

mod clock;
mod line;
mod target;
mod worker;

use std::{
    io::{self, Write as _},
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

use crate::config::model::LogTarget;

/// Buffers that may wait for the writer; with [`worker::FULL`] bytes each, some
/// megabytes at the most.
const WAITING: usize = 128;

/// One buffer of whole lines.
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
}

/// Where lines are handed over. Clones feed the same writer.
#[derive(Clone, Debug)]
pub struct Sink {
    sender: Option<SyncSender<Batch>>,
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
        if targets.is_empty() {
            return Ok(Self {
                sink: Sink {
                    sender: None,
                    dropped,
                    prefix,
                },
                thread: None,
            });
        }
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
                sender: Some(sender),
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
    /// Is there a target at all?
    pub fn is_on(&self) -> bool {
        self.sender.is_some()
    }

    /// Hands over one line of the process itself, such as a server's change of
    /// state. Without a target it goes to standard error.
    pub fn notice(&self, text: &str) {
        let node = &self.prefix;
        if self.is_on() {
            self.send(Batch {
                bytes: format!("{node}{text}\n").into_bytes(),
                lines: 1,
            });
        } else {
            // Where nobody reads it any more, `eprintln` would end the thread that has said it.
            let line = format!("{} {node}{text}\n", LocalClock::now_rfc3339());
            let _ = io::stderr().write_all(line.as_bytes());
        }
    }

    fn send(&self, batch: Batch) {
        let Some(sender) = &self.sender else {
            return;
        };
        if let Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) =
            sender.try_send(batch)
        {
            self.dropped.fetch_add(batch.lines, Ordering::Relaxed);
        }
    }
}

fn write_all(mut targets: Vec<Target>, batches: &Receiver<Batch>, dropped: &AtomicU64) {
    while let Ok(batch) = batches.recv() {
        for target in &mut targets {
            target.write(&batch.bytes);
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let note = format!("{lost} log lines dropped: the log target is too slow\n");
            for target in &mut targets {
                target.write(note.as_bytes());
            }
        }
    }
}
