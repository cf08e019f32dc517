//! One run of a program, with a limit to its time.
//!
//! The program leads a process group of its own. At the limit the group gets SIGTERM, and after
//! a grace SIGKILL; what an ended leader leaves behind then goes with it. A program that ends by
//! itself may leave children: a notify program may have started a daemon. Dropping a run kills
//! its group, and tokio reaps the leader.

use std::ffi::OsStr;
use std::future::Future;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::pin::{Pin, pin};
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::process::{Child, ChildStderr};
use tokio::time::{Instant, Sleep};

use super::Program;
use super::last_line::LastLine;

/// From SIGTERM to SIGKILL, as Keepalived has it.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// A program that writes without end must not keep its reader busy without end.
const READS_AT_ONCE: usize = 32;

/// What becomes of the program's standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stderr {
    /// Nobody reads it.
    Discard,
    /// Its last line is kept. Children that outlive the program can write to it no more.
    KeepLastLine,
}

/// How long a run may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// Until SIGTERM.
    pub(super) time: Duration,
    /// From there until SIGKILL.
    pub(super) grace: Duration,
}

/// Something that happened to a run.
#[derive(Debug)]
pub(super) enum Step {
    /// The limit is reached; it has been asked to end.
    Expired,
    /// It is gone. Not to be polled again.
    Ended(io::Result<ExitStatus>),
}

/// A process and its time limit.
#[derive(Debug)]
pub(super) struct Run {
    child: Child,
    /// `None` once its leader is reaped: the number may then be another's.
    group: Option<Pid>,
    stderr: Option<ChildStderr>,
    last_line: LastLine,
    timer: Pin<Box<Sleep>>,
    grace: Duration,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    Terminated,
    Killed,
}

impl Run {
    /// Starts `program` with `extra` arguments at its end.
    pub(super) fn start<'a>(
        program: &Program,
        extra: impl IntoIterator<Item = &'a OsStr>,
        stderr: Stderr,
        limit: Limit,
    ) -> io::Result<Self> {
        let mut command = program.command(extra);
        if stderr == Stderr::KeepLastLine {
            command.stderr(Stdio::piped());
        }
        let mut child = command.spawn()?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        Ok(Self {
            group: pid.and_then(Pid::from_raw),
            stderr: child.stderr.take(),
            child,
            last_line: LastLine::default(),
            timer: Box::pin(tokio::time::sleep(limit.time)),
            grace: limit.grace,
            stage: Stage::Running,
        })
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        self.poll_stderr(cx);
        let waited = pin!(self.child.wait()).poll(cx);
        if let Poll::Ready(result) = waited {
            self.poll_stderr(cx);
            if self.stage != Stage::Running {
                self.signal(Signal::KILL);
            }
            self.group = None;
            return Poll::Ready(Step::Ended(result));
        }
        while self.stage != Stage::Killed && self.timer.as_mut().poll(cx).is_ready() {
            if self.stage == Stage::Running {
                self.expire(self.grace);
                return Poll::Ready(Step::Expired);
            }
            self.signal(Signal::KILL);
            self.stage = Stage::Killed;
        }
        Poll::Pending
    }

    /// Asks it to end now; after `grace` it is killed, or sooner if it was asked before.
    pub(super) fn expire(&mut self, grace: Duration) {
        if self.stage == Stage::Running {
            self.signal(Signal::TERM);
            self.stage = Stage::Terminated;
        } else if self.timer.deadline() <= Instant::now() + grace {
            return;
        }
        self.timer.as_mut().reset(Instant::now() + grace);
    }

    /// The last line of its standard error, where that is kept.
    pub(super) fn last_line(&mut self) -> Option<String> {
        self.last_line.take()
    }

    fn poll_stderr(&mut self, cx: &mut Context<'_>) {
        let mut space = [0; 4096];
        for _ in 0..READS_AT_ONCE {
            let Some(stderr) = &mut self.stderr else {
                return;
            };
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(stderr).poll_read(cx, &mut buffer) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.last_line.push(buffer.filled());
                }
                Poll::Ready(_) => self.stderr = None,
            }
        }
        cx.waker().wake_by_ref();
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // No such group: all of it has ended already.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// What an ended program's status means, in words; `Ok` for exit status 0.
pub(super) fn judge(ended: io::Result<ExitStatus>) -> Result<(), String> {
    let status = ended.map_err(|error| format!("lost: {error}"))?;
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(format!("exit status {code}")),
        (None, Some(signal)) => Err(format!("killed by signal {signal}")),
        (None, None) => Err(status.to_string()),
    }
}

/// A length of time as a person writes it: `1 s`, `1.5 s`, `250 ms`.
pub(crate) fn words(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_secs_f64() * 1000.0)
    } else {
        format!("{} s", duration.as_secs_f64())
    }
}
