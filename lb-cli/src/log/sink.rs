//! Where lines are handed over, and the threads that write them.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use arc_swap::ArcSwap;

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
    now: ArcSwap<Outlets>,
    /// Every thread that writes has a clone.
    running: Sender<()>,
}

/// The targets there are, opened. They are used from [`Sink::follow`] on; dropped before, they are closed again.
#[derive(Debug)]
pub struct Outlets {
    /// By number, as the plan has them.
    all: Vec<Arc<Outlet>>,
    /// Those of messages of the process.
    messages: Vec<Arc<Outlet>>,
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
        let global: Vec<_> = (0..targets.len()).collect();
        Self::start_with(targets, &global, node)
    }

    /// The same where only the targets of the numbers `global` get messages of the process.
    ///
    /// # Errors
    ///
    /// As [`Writer::start`].
    pub fn start_with(
        targets: &[LogTarget],
        global: &[usize],
        node: Option<&str>,
    ) -> io::Result<Self> {
        let (running, ended) = mpsc::channel();
        let none = Outlets {
            all: Vec::new(),
            messages: Vec::new(),
            stamped: false,
            prefix: String::new(),
        };
        let sink = Sink(Arc::new(Shared {
            now: ArcSwap::from_pointee(none),
            running,
        }));
        sink.follow(sink.open(targets, global, node)?);
        Ok(Self { sink, ended })
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
    /// Opens the targets that are not open: all, but the first ones, which are those there were. Nothing goes to them
    /// yet.
    ///
    /// # Errors
    ///
    /// The file that cannot be opened.
    pub fn open(
        &self,
        targets: &[LogTarget],
        global: &[usize],
        node: Option<&str>,
    ) -> io::Result<Outlets> {
        let mut all = self.0.now.load().all.clone();
        for target in &targets[all.len()..] {
            all.push(self.start(target)?);
        }
        let mut messages: Vec<_> = global.iter().map(|at| Arc::clone(&all[*at])).collect();
        let stamped = messages.is_empty();
        if stamped {
            // Messages of the process have a reader even without a target; lines of requests do not.
            messages.push(self.start(&LogTarget {
                level: Level::Notice,
                ..LogTarget::new(LogTo::Stderr)
            })?);
        }
        Ok(Outlets {
            all,
            messages,
            stamped,
            prefix: node.map(|node| format!("{node} ")).unwrap_or_default(),
        })
    }

    /// Uses these targets from now on.
    pub fn follow(&self, outlets: Outlets) {
        self.0.now.store(Arc::new(outlets));
    }

    /// Starts the thread of a target.
    fn start(&self, target: &LogTarget) -> io::Result<Arc<Outlet>> {
        let opened = Target::open(target)?;
        let (sender, batches) = mpsc::sync_channel(WAITING);
        let losses: Arc<Losses> = Arc::default();
        let outlet = Outlet::new(target, opened.address(), sender, Arc::clone(&losses));
        let outlet = Arc::new(outlet);
        let running = self.0.running.clone();
        // What the thread holds keeps no thread running.
        let (this, others) = (Arc::downgrade(&outlet), Arc::downgrade(&self.0));
        let report = move |why: &str| {
            if let (Some(this), Some(others)) = (this.upgrade(), others.upgrade()) {
                let outlets = others.now.load();
                outlets.report(&this, &format!("loses lines: {why}"));
            }
        };
        thread::Builder::new().name("log".into()).spawn(move || {
            outlet::run(opened, &batches, &losses, report);
            drop(running);
        })?;
        Ok(outlet)
    }

    /// Hands over one line of the process itself that needs nobody's care.
    pub fn notice(&self, text: &str) {
        self.say(Level::Notice, text);
    }

    /// Hands over one line of the process itself, such as a server's change of
    /// state. Without a target it goes to standard error, with the time.
    pub fn say(&self, level: Level, text: &str) {
        let outlets = self.0.now.load();
        for outlet in &outlets.messages {
            if level <= outlet.level {
                outlets.send(outlet, outlets.message(outlet, level, text));
            }
        }
    }

    /// Lines that were lost so far: some target was too slow or not there.
    pub fn dropped(&self) -> u64 {
        let outlets = self.0.now.load();
        let all = outlets.all.iter();
        let own = outlets.messages.iter().filter(|_| outlets.stamped);
        all.chain(own).map(|outlet| outlet.dropped()).sum()
    }

    pub(super) fn outlets(&self) -> Arc<Outlets> {
        self.0.now.load_full()
    }
}

impl Outlets {
    /// By number.
    pub(super) fn all(&self) -> &[Arc<Outlet>] {
        &self.all
    }

    /// Hands lines over to a target; tells the others when it begins to lose them.
    pub(super) fn send(&self, outlet: &Arc<Outlet>, batch: Batch) {
        if outlet.offer(batch) {
            self.report(outlet, "is too slow: lines are dropped");
        }
    }

    /// Tells the others what is wrong with a target.
    fn report(&self, of: &Arc<Outlet>, what: &str) {
        let text = format!("log target {} {what}", of.name);
        let mut others = self.messages.iter();
        while let Some(other) = others.find(|other| !Arc::ptr_eq(other, of)) {
            if Level::Warning <= other.level {
                other.offer(self.message(other, Level::Warning, &text));
            }
        }
    }

    fn message(&self, outlet: &Outlet, level: Level, text: &str) -> Batch {
        let prefix = &self.prefix;
        let mut batch = Batch::default();
        batch.push(level, |out| {
            if outlet.json {
                return json::message(out, level, &format!("{prefix}{text}"));
            }
            if self.stamped {
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
        while dropped.dropped() < 2 {
            std::thread::yield_now();
        }
        let lost = dropped.dropped();
        drop(dropped);
        let _ = ended.recv_timeout(FAREWELL);
        assert_eq!(lost, 2);
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

    #[test]
    fn targets_that_come_later_join_those_there_are() {
        let path = |name: &str| {
            let name = format!("lb-sink-{name}-{}", std::process::id());
            std::env::temp_dir().join(name)
        };
        let (first, second) = (path("first"), path("second"));
        let targets = [&first, &second].map(|path| LogTarget::new(LogTo::File(path.clone())));
        let writer = Writer::start_with(&targets[..1], &[0], None).unwrap();
        let sink = writer.sink();
        sink.notice("before");
        let nowhere = LogTarget::new(LogTo::File("/nonexistent/log".into()));
        let refused = sink.open(&[targets[0].clone(), nowhere], &[1], None);
        assert!(refused.is_err());
        sink.notice("still");
        let outlets = sink.open(&targets, &[1], Some("n1")).unwrap();
        sink.notice("last");
        sink.follow(outlets);
        sink.notice("after");
        drop(sink);
        writer.finish();
        let text = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
        assert_eq!(text(&first), "before\nstill\nlast\n");
        assert_eq!(text(&second), "n1 after\n");
        for path in [first, second] {
            std::fs::remove_file(path).unwrap();
        }
    }
}
