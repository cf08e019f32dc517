//! Where lines are handed over, and the threads that write them.

use std::{
    io,
    sync::{
        Arc, OnceLock, Weak,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use super::{
    Batch, Level, LocalClock, json,
    outlet::{self, Losses, Outlet},
    target::Target,
};
use crate::config::model::{LogTarget, LogTo};

/// Buffers that may wait for a target; with [`worker::FULL`](super::worker::FULL) bytes each, some megabytes at the
/// most.
const WAITING: usize = 128;

/// A target that does not take its last lines in this time loses them.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where lines are handed over. Clones feed the same threads.
#[derive(Clone, Debug)]
pub struct Sink(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// By number, as the plan has them.
    outlets: Vec<Outlet>,
    /// Those of messages of the process.
    messages: Vec<usize>,
    /// Messages bear their time: nothing else adds it.
    stamped: bool,
    /// Ahead of every message: the node's name and a blank, if it was given one.
    prefix: String,
}

/// The threads that write, one for each target: none waits for another.
#[derive(Debug)]
pub struct Writer {
    sink: Sink,
    /// Disconnected when all have ended.
    ended: Receiver<()>,
}

impl Writer {
    /// Opens targets for messages of the process and lines of requests, and starts their threads. Messages go to
    /// standard error if there are none; they bear the name of `node`. Lines of requests have HAProxy's fields and no
    /// place for it.
    ///
    /// # Errors
    ///
    /// The file that cannot be opened.
    pub fn start(targets: &[LogTarget], node: Option<&str>) -> io::Result<Self> {
        Self::start_with(targets, targets.len(), node)
    }

    /// The same where only the first `global` targets get messages of the process.
    ///
    /// # Errors
    ///
    /// As [`Writer::start`].
    pub fn start_with(
        targets: &[LogTarget],
        global: usize,
        node: Option<&str>,
    ) -> io::Result<Self> {
        // Messages of the process have a reader even without a target; lines of requests do not.
        let default = LogTarget {
            level: Level::Notice,
            ..LogTarget::new(LogTo::Stderr)
        };
        let stamped = global == 0;
        let (still_running, ended) = mpsc::channel();
        let mut outlets = Vec::new();
        // For threads that have something to tell; what they hold keeps none of them running.
        let others: Arc<OnceLock<Weak<Shared>>> = Arc::default();
        for target in targets.iter().chain(stamped.then_some(&default)) {
            let opened = Target::open(target)?;
            let (sender, batches) = mpsc::sync_channel(WAITING);
            let losses: Arc<Losses> = Arc::default();
            outlets.push(Outlet::new(target, sender, Arc::clone(&losses)));
            let still_running = still_running.clone();
            let (at, others) = (outlets.len() - 1, Arc::clone(&others));
            let report = move |why: &str| {
                if let Some(shared) = others.get().and_then(Weak::upgrade) {
                    Sink(shared).report(at, &format!("loses lines: {why}"));
                }
            };
            thread::Builder::new().name("log".into()).spawn(move || {
                outlet::run(opened, &batches, &losses, report);
                drop(still_running);
            })?;
        }
        let messages = match stamped {
            true => vec![targets.len()],
            false => (0..global).collect(),
        };
        let prefix = node.map(|node| format!("{node} ")).unwrap_or_default();
        let shared = Arc::new(Shared {
            outlets,
            messages,
            stamped,
            prefix,
        });
        let _ = others.set(Arc::downgrade(&shared));
        Ok(Self {
            sink: Sink(shared),
            ended,
        })
    }

    /// Where to hand lines over.
    pub fn sink(&self) -> Sink {
        self.sink.clone()
    }

    /// Writes what has been handed over, and ends. Every other [`Sink`] must be gone. A target that does not read is
    /// not waited for.
    pub fn finish(self) {
        let Self { sink, ended } = self;
        drop(sink);
        // Nobody sends: this waits for the end of the threads.
        let _ = ended.recv_timeout(FAREWELL);
    }
}

impl Sink {
    /// Hands over one line of the process itself that needs nobody's care.
    pub fn notice(&self, text: &str) {
        self.say(Level::Notice, text);
    }

    /// Hands over one line of the process itself, such as a server's change of
    /// state. Without a target it goes to standard error, with the time.
    pub fn say(&self, level: Level, text: &str) {
        for at in &self.0.messages {
            self.tell(*at, level, text);
        }
    }

    /// Lines that were lost so far, by target, as the configuration names them: it was too slow or not there.
    pub fn dropped(&self) -> impl Iterator<Item = (&str, u64)> {
        let outlets = self.0.outlets.iter();
        outlets.map(|outlet| (outlet.name.as_str(), outlet.dropped()))
    }

    pub(super) fn outlets(&self) -> &[Outlet] {
        &self.0.outlets
    }

    /// Hands lines over to a target; tells the others when it begins to lose them.
    pub(super) fn send(&self, at: usize, batch: Batch) {
        if self.0.outlets[at].offer(batch) {
            self.report(at, "is too slow: lines are dropped");
        }
    }

    /// Tells the others what is wrong with a target.
    fn report(&self, at: usize, what: &str) {
        let text = format!("log target {} {what}", self.0.outlets[at].name);
        for other in self.0.messages.iter().filter(|other| **other != at) {
            let other = &self.0.outlets[*other];
            if Level::Warning <= other.level {
                other.offer(self.message(other, Level::Warning, &text));
            }
        }
    }

    fn tell(&self, at: usize, level: Level, text: &str) {
        let outlet = &self.0.outlets[at];
        if level <= outlet.level {
            self.send(at, self.message(outlet, level, text));
        }
    }

    fn message(&self, outlet: &Outlet, level: Level, text: &str) -> Batch {
        let prefix = &self.0.prefix;
        let mut batch = Batch::default();
        batch.push(level, |out| {
            if outlet.json {
                return json::message(out, level, &format!("{prefix}{text}"));
            }
            if self.0.stamped {
                out.extend_from_slice(LocalClock::now_rfc3339().as_bytes());
                out.push(b' ');
            }
            out.extend_from_slice(prefix.as_bytes());
            out.extend_from_slice(text.as_bytes());
        });
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_counted_and_told_to_others() {
        let path = std::env::temp_dir().join(format!("lb-sink-{}", std::process::id()));
        let (full, file) = (LogTo::File("/dev/full".into()), LogTo::File(path.clone()));
        let targets = [full, file].map(LogTarget::new);
        let writer = Writer::start(&targets, Some("n1")).unwrap();
        let sink = writer.sink();
        sink.say(Level::Alert, "one");
        sink.notice("two");
        drop(sink);
        let Writer { sink, ended } = writer;
        let dropped = Sink::clone(&sink);
        drop(sink);
        // The count is read before the last of the senders goes.
        while dropped.dropped().next().unwrap().1 < 2 {
            std::thread::yield_now();
        }
        let counts: Vec<_> = dropped
            .dropped()
            .map(|(name, lost)| (name.to_owned(), lost))
            .collect();
        drop(dropped);
        let _ = ended.recv_timeout(FAREWELL);
        let named = format!("file://{}", path.display());
        assert_eq!(counts, [("file:///dev/full".to_owned(), 2), (named, 0)]);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "n1 log target file:///dev/full loses lines: No space left on device (os error 28)",
                "n1 one",
                "n1 two",
            ]
        );
        std::fs::remove_file(path).unwrap();
    }
}
