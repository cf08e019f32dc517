//! A client that asks the virtual address every 10 ms and writes down who answered.

mod ask;
mod record;

use std::{
    net::SocketAddr,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{RigError, namespace::Namespace, place::Node, task::Task};
pub use record::{Outage, Record, Sample};

/// Between two questions.
pub const PERIOD: Duration = Duration::from_millis(10);

/// What a question is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// One datagram; an answer counts whenever it comes.
    Udp,
    /// A connection; given up after 100 ms. The answer does not name the node.
    Tcp,
    /// A connection and a GET on it; given up after 100 ms.
    Http,
}

impl Mode {
    /// Its name in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Http => "http",
        }
    }
}

/// A client at work; it stops when this is dropped.
#[derive(Debug)]
pub struct Probe {
    mode: Mode,
    shared: Arc<Shared>,
    task: Task,
}

#[derive(Debug, Default)]
struct Shared {
    samples: Mutex<Vec<Sample>>,
    changed: Condvar,
}

impl Shared {
    fn samples(&self) -> MutexGuard<'_, Vec<Sample>> {
        // The list is whole between any two statements.
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a question leaves now, and numbers it.
    fn asked(&self) -> usize {
        let mut samples = self.samples();
        samples.push(Sample {
            sent: Instant::now(),
            answer: None,
        });
        self.changed.notify_all();
        samples.len() - 1
    }

    /// Notes the first answer to a question.
    fn answered(&self, number: usize, node: &str) {
        let mut samples = self.samples();
        if let Some(sample) = samples.get_mut(number) {
            sample.answer.get_or_insert_with(|| node.to_owned());
            self.changed.notify_all();
        }
    }
}

impl Probe {
    pub(super) fn start(
        namespace: &Namespace,
        mode: Mode,
        target: SocketAddr,
    ) -> Result<Self, RigError> {
        let shared = Arc::new(Shared::default());
        let task = match mode {
            Mode::Udp => ask::datagrams(namespace, target, shared.clone())?,
            Mode::Tcp => ask::connections(namespace, target, shared.clone(), false)?,
            Mode::Http => ask::connections(namespace, target, shared.clone(), true)?,
        };
        Ok(Self { mode, shared, task })
    }

    /// Waits until a question of now or later is answered by `node`; by anyone where answers bear no name.
    ///
    /// # Errors
    /// If that does not happen within `patience`.
    pub fn until_answered_by(&self, node: Node, patience: Duration) -> Result<(), RigError> {
        let first = self.shared.samples().len();
        let by = |sample: &Sample| {
            let answer = sample.answer.as_deref();
            answer.is_some_and(|name| self.mode == Mode::Tcp || name == node.name())
        };
        let waiting = |samples: &mut Vec<Sample>| !samples[first..].iter().any(by);
        let wait = self
            .shared
            .changed
            .wait_timeout_while(self.shared.samples(), patience, waiting);
        let (samples, result) = wait.unwrap_or_else(PoisonError::into_inner);
        if !result.timed_out() {
            return Ok(());
        }
        Err(RigError::Late {
            until: format!("{node} answers"),
            patience,
            instead: Record::new(samples[first..].to_vec()).to_string(),
        })
    }

    /// Waits until `count` more questions have been asked, and gives back those.
    ///
    /// # Errors
    /// If that takes ten times as long as it should.
    pub fn more(&self, count: usize) -> Result<Record, RigError> {
        let patience = PERIOD * 10 * u32::try_from(count).unwrap_or(u32::MAX);
        let first = self.shared.samples().len();
        let waiting = |samples: &mut Vec<Sample>| samples.len() < first + count;
        let samples = self.shared.samples();
        let wait = self
            .shared
            .changed
            .wait_timeout_while(samples, patience, waiting);
        let (samples, result) = wait.unwrap_or_else(PoisonError::into_inner);
        let record = Record::new(samples[first..].to_vec());
        if !result.timed_out() {
            return Ok(record);
        }
        Err(RigError::Late {
            until: format!("{count} questions are asked"),
            patience,
            instead: record.to_string(),
        })
    }

    /// Ends it: what it has seen.
    pub fn stop(self) -> Record {
        drop(self.task);
        let samples = std::mem::take(&mut *self.shared.samples());
        Record::new(samples)
    }
}
