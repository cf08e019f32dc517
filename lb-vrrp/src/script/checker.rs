//! Runs a script again and again.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use super::run::{GRACE, Limit, Run, Stderr, Step, judge, words};
use super::{Counter, Script, Verdict};

/// A verdict that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is known now.
    pub verdict: Verdict,
    /// The result that made it so, in words: `script web: exit status 22: not found`.
    pub reason: String,
}

/// A [`Script`] under check. It starts with its first poll and ends when it is dropped; a run
/// under way is then killed.
#[derive(Debug)]
pub struct Checker {
    script: Script,
    counter: Counter,
    /// When the run that is next or under way was due; `None` before the first poll.
    due: Option<Instant>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Waiting(Option<Pin<Box<Sleep>>>),
    /// `counted`: it was too late and has failed already.
    Running {
        run: Box<Run>,
        counted: bool,
    },
}

impl Checker {
    pub(super) fn new(script: Script) -> Self {
        Self {
            counter: script.counter(),
            script,
            due: None,
            phase: Phase::Waiting(None),
        }
    }

    /// The script it runs.
    pub const fn script(&self) -> &Script {
        &self.script
    }

    /// What is known now.
    pub const fn verdict(&self) -> Verdict {
        self.counter.verdict()
    }

    /// Waits for the verdict to change. Nothing is lost if the future is dropped, but runs make
    /// progress only while one is polled.
    pub async fn next(&mut self) -> Change {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Drives the script until the verdict changes. Runs are due at multiples of the interval,
    /// and those that fall into a run under way are left out.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Change> {
        loop {
            let result = match &mut self.phase {
                Phase::Waiting(sleep) => {
                    if let Some(sleep) = sleep {
                        ready!(sleep.as_mut().poll(cx));
                    }
                    self.start()
                }
                Phase::Running { run, counted } => match ready!(run.poll(cx)) {
                    Step::Expired => {
                        *counted = true;
                        let limit = words(self.script.timeout());
                        Some(Err(format!("no answer within {limit}")))
                    }
                    Step::Ended(status) => {
                        let result = judge(status).map_err(|reason| match run.last_line() {
                            Some(line) => format!("{reason}: {line}"),
                            None => reason,
                        });
                        let new = !*counted;
                        self.wait();
                        new.then_some(result)
                    }
                },
            };
            if let Some(change) = result.and_then(|result| self.count(result)) {
                return Poll::Ready(change);
            }
        }
    }

    /// Starts a run; what cannot be started is a result at once.
    fn start(&mut self) -> Option<Result<(), String>> {
        self.due.get_or_insert_with(Instant::now);
        let script = &self.script;
        let limit = Limit {
            time: script.timeout(),
            grace: GRACE,
        };
        match Run::start(script.program(), [], Stderr::KeepLastLine, limit) {
            Ok(run) => {
                self.phase = Phase::Running {
                    run: Box::new(run),
                    counted: false,
                };
                None
            }
            Err(error) => {
                self.wait();
                Some(Err(format!("cannot run: {error}")))
            }
        }
    }

    fn wait(&mut self) {
        let now = Instant::now();
        let next = next_due(self.due.unwrap_or(now), now, self.script.interval());
        self.due = Some(next);
        self.phase = Phase::Waiting(Some(Box::pin(tokio::time::sleep_until(next))));
    }

    fn count(&mut self, result: Result<(), String>) -> Option<Change> {
        let before = self.counter.verdict();
        let verdict = self.counter.record(result.is_ok());
        let said = result.err().unwrap_or_else(|| "succeeded".to_owned());
        (verdict != before).then(|| Change {
            verdict,
            reason: format!("script {}: {said}", self.script.name()),
        })
    }
}

/// The first time after `now` that is a multiple of `interval` after `due`, and is not `due`.
fn next_due(due: Instant, now: Instant, interval: Duration) -> Instant {
    let passed = now.saturating_duration_since(due).as_nanos() / interval.as_nanos();
    let skipped = u32::try_from(passed).unwrap_or(u32::MAX - 1);
    // So far away that it cannot be told: a day.
    (interval.checked_mul(skipped + 1))
        .and_then(|after| due.checked_add(after))
        .unwrap_or_else(|| now + Duration::from_secs(86_400))
}

#[cfg(test)]
mod tests;
