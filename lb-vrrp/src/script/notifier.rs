//! Tells programs of transitions, one at a time and in order.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Sleep;

use super::queue::Queue;
use super::run::{GRACE, Limit, Run, Stderr, Step, judge, words};
use super::{Notify, Program, State, Subject};

/// What a program gets of the process's last moments, as Keepalived's `notify_stop`; and what
/// those before it get, together.
const STOP: Limit = Limit {
    time: Duration::from_secs(1),
    grace: Duration::from_millis(200),
};

/// What became of a program, or of transitions that no program was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether all went well: worth a line of the log only in detail.
    pub ok: bool,
    /// In words: `notify /etc/lb/told of INSTANCE VI_1 MASTER: exit status 3`.
    pub reason: String,
}

/// Tells the programs of a [`Notify`] of the transitions of one instance or group.
///
/// Transitions are told in the order they happened, and a program has ended before the next is
/// started. One that hangs is ended after the time limit. While it does, up to 64 transitions
/// wait; of more, the oldest are left out, which is reported. Programs write to nobody: a daemon
/// they start may go on writing.
#[derive(Debug)]
pub struct Notifier {
    notify: Notify,
    subject: Subject,
    name: String,
    queue: Queue,
    /// Programs of the transition that is being told.
    jobs: VecDeque<Job>,
    running: Option<(Run, Job)>,
    stopping: Option<Stopping>,
    waker: Option<Waker>,
}

#[derive(Debug)]
struct Job {
    program: Program,
    /// Whether it is told by arguments what happened.
    any: bool,
    state: State,
    priority: u8,
    limit: Limit,
    /// The time after which it was ended.
    expired: Option<Duration>,
}

#[derive(Debug)]
enum Stopping {
    /// What happened before the stop may still be told.
    Earlier(Pin<Box<Sleep>>),
    /// Only the stop is left.
    Last,
}

impl Notifier {
    pub(super) fn new(notify: Notify, subject: Subject, name: String) -> Self {
        Self {
            notify,
            subject,
            name,
            queue: Queue::default(),
            jobs: VecDeque::new(),
            running: None,
            stopping: None,
            waker: None,
        }
    }

    /// Tells of a transition, as soon as those before it are told. After [`stop`](Self::stop)
    /// nothing is told any more.
    pub fn push(&mut self, state: State, priority: u8) {
        let told = self.notify.program(state).is_some() || self.notify.any.is_some();
        if self.stopping.is_none() && told {
            self.queue.push(state, priority);
            self.wake();
        }
    }

    /// Tells of the end: what is waiting has 1 s, then every program of the stop has 1 s. Poll
    /// until there is no more.
    pub fn stop(&mut self, priority: u8) {
        if self.stopping.is_none() {
            self.push(State::Stop, priority);
            let sleep = Box::pin(tokio::time::sleep(STOP.time));
            self.stopping = Some(Stopping::Earlier(sleep));
            self.wake();
        }
    }

    /// Waits for the next report; `None` after the stop is told. Nothing is lost if the future
    /// is dropped, but programs are started only while one is polled.
    pub async fn next(&mut self) -> Option<Report> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Starts and ends programs until there is something to report; `None` after the stop is
    /// told.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Report>> {
        loop {
            self.poll_stopping(cx);
            let left_out = self.queue.take_left_out();
            if left_out > 0 {
                return Poll::Ready(Some(self.left_out(left_out)));
            }
            if let Some((run, job)) = &mut self.running {
                match run.poll(cx) {
                    Poll::Ready(Step::Expired) => job.expired = Some(job.limit.time),
                    Poll::Ready(Step::Ended(status)) => {
                        let result = match job.expired {
                            Some(limit) => Err(format!("ended after {}", words(limit))),
                            None => judge(status),
                        };
                        let report = job.report(result, self.subject, &self.name);
                        self.running = None;
                        return Poll::Ready(Some(report));
                    }
                    Poll::Pending => break,
                }
            } else if let Some(job) = self.next_job() {
                match self.start(&job) {
                    Ok(run) => self.running = Some((run, job)),
                    Err(error) => {
                        let result = Err(format!("cannot run: {error}"));
                        return Poll::Ready(Some(job.report(result, self.subject, &self.name)));
                    }
                }
            } else if self.stopping.is_some() {
                return Poll::Ready(None);
            } else {
                break;
            }
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Ends what was before the stop, once its time is over.
    fn poll_stopping(&mut self, cx: &mut Context<'_>) {
        if let Some(Stopping::Earlier(sleep)) = &mut self.stopping
            && sleep.as_mut().poll(cx).is_ready()
        {
            if let Some((run, job)) = &mut self.running {
                run.expire(STOP.grace);
                job.expired.get_or_insert(STOP.time);
            }
            self.jobs.clear();
            self.queue.keep_only(State::Stop);
            self.stopping = Some(Stopping::Last);
        }
    }

    fn next_job(&mut self) -> Option<Job> {
        if self.jobs.is_empty() {
            let (state, priority) = self.queue.pop()?;
            let mut limit = Limit {
                time: self.notify.time_limit,
                grace: GRACE,
            };
            if state == State::Stop {
                limit = STOP;
                self.stopping = Some(Stopping::Last);
            }
            let own = self.notify.program(state).map(|program| (program, false));
            let any = self.notify.any.as_ref().map(|program| (program, true));
            let jobs = own.into_iter().chain(any).map(|(program, any)| Job {
                program: program.clone(),
                any,
                state,
                priority,
                limit,
                expired: None,
            });
            self.jobs.extend(jobs);
        }
        self.jobs.pop_front()
    }

    fn start(&self, job: &Job) -> io::Result<Run> {
        let priority = job.priority.to_string();
        let told = [
            self.subject.as_str(),
            &self.name,
            job.state.as_str(),
            &priority,
        ];
        let told = if job.any { &told[..] } else { &[] };
        let extra = told.iter().map(OsStr::new);
        Run::start(&job.program, extra, Stderr::Discard, job.limit)
    }

    fn left_out(&self, count: usize) -> Report {
        let subject = self.subject.as_str();
        let name = &self.name;
        let what = match count {
            1 => "1 transition was".to_owned(),
            _ => format!("{count} transitions were"),
        };
        Report {
            ok: false,
            reason: format!("notify of {subject} {name}: {what} not told in time"),
        }
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Job {
    fn report(&self, result: Result<(), String>, subject: Subject, name: &str) -> Report {
        let path = self.program.path().display();
        let subject = subject.as_str();
        let state = self.state.as_str();
        let ok = result.is_ok();
        let said = result.err().unwrap_or_else(|| "told".to_owned());
        Report {
            ok,
            reason: format!("notify {path} of {subject} {name} {state}: {said}"),
        }
    }
}

#[cfg(test)]
mod tests;
