//! One kind of check of one server, again and again.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use crate::{
    health::{Probe, probe::Stage},
    server::Server,
};

pin_project! {
    /// Waits until the check is due, sends the probe, and yields what came of
    /// it; then idles until it is scheduled again. Dropping the future of
    /// [`next`](Self::next) loses nothing.
    pub(super) struct Routine<S: Service<Probe<T>>, T> {
        service: S,
        server: Arc<Server<T>>,
        timeout: Duration,
        phase: Phase<T>,
        started: Instant,
        // When the check is due, or when its time is over.
        #[pin]
        timer: Sleep,
        #[pin]
        running: Option<S::Future>,
    }
}

enum Phase<T> {
    Idle,
    Scheduled,
    /// The service is not ready for the probe yet.
    Starting(Probe<T>),
    Running(Probe<T>),
}

/// What came of a probe.
pub(super) struct Finished<R, E> {
    pub(super) result: Result<R, Failed<E>>,
    pub(super) duration: Duration,
}

/// A check that has no answer.
pub(super) enum Failed<E> {
    TimedOut(Stage),
    Error(E),
}

impl<S: Service<Probe<T>>, T> Routine<S, T> {
    pub(super) fn new(service: S, server: Arc<Server<T>>, timeout: Duration) -> Self {
        let now = Instant::now();
        Self {
            service,
            server,
            timeout,
            phase: Phase::Idle,
            started: now,
            timer: sleep_until(now),
            running: None,
        }
    }

    /// The next probe is sent at `due`; one that is under way is given up.
    pub(super) fn schedule(self: Pin<&mut Self>, due: Instant) {
        let mut this = self.project();
        this.running.set(None);
        this.timer.reset(due);
        *this.phase = Phase::Scheduled;
    }

    /// The next probe is sent at `due` at the latest.
    pub(super) fn hasten(self: Pin<&mut Self>, due: Instant) {
        let this = self.project();
        if matches!(this.phase, Phase::Scheduled) && due < this.timer.deadline() {
            this.timer.reset(due);
        }
    }

    /// No probe is sent until the next [`schedule`](Self::schedule).
    pub(super) fn pause(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.running.set(None);
        *this.phase = Phase::Idle;
    }

    pub(super) fn poll_finished(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Finished<S::Response, S::Error>> {
        let mut this = self.project();
        let result = loop {
            match this.phase {
                Phase::Idle => return Poll::Pending,
                Phase::Scheduled => {
                    ready!(this.timer.as_mut().poll(cx));
                    *this.started = Instant::now();
                    this.timer.as_mut().reset(*this.started + *this.timeout);
                    let probe = Probe::new(Arc::clone(this.server), *this.timeout);
                    *this.phase = Phase::Starting(probe);
                }
                Phase::Starting(probe) => match this.service.poll_ready(cx) {
                    Poll::Ready(Ok(())) => {
                        this.running.set(Some(this.service.call(probe.clone())));
                        *this.phase = Phase::Running(probe.clone());
                    }
                    Poll::Ready(Err(error)) => break Err(Failed::Error(error)),
                    Poll::Pending => {
                        ready!(this.timer.as_mut().poll(cx));
                        break Err(Failed::TimedOut(Stage::Connect));
                    }
                },
                Phase::Running(probe) => {
                    let running = this.running.as_mut().as_pin_mut();
                    match running.expect("set with this phase").poll(cx) {
                        Poll::Ready(result) => break result.map_err(Failed::Error),
                        Poll::Pending => {
                            ready!(this.timer.as_mut().poll(cx));
                            break Err(Failed::TimedOut(probe.stage()));
                        }
                    }
                }
            }
        };
        this.running.set(None);
        *this.phase = Phase::Idle;
        Poll::Ready(Finished {
            result,
            duration: this.started.elapsed(),
        })
    }
}
