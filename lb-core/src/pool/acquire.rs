//! The future over the three outcomes of a pick.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::time::{Sleep, sleep};

use super::{
    Lease, Picked, Pool, Want,
    queue::{Ticket, Verdict},
};
use crate::{policy::Policy, server::Server};

/// Why no server could be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// None takes new clients.
    #[error("no server is available")]
    NoServer,
    /// None came free in time.
    #[error("no server came free within the queue time-out")]
    QueueTimeout,
}

/// Waits for a [`Lease`]; dropping it leaves the queue and costs nothing.
#[must_use = "futures do nothing unless polled"]
pub struct Acquire<T, P: Policy> {
    pool: Pool<T, P>,
    want: Want<T>,
    waiting: Option<Waiting<T>>,
    server_queue: u32,
    pool_queue: u32,
}

struct Waiting<T> {
    ticket: Ticket<T>,
    deadline: Pin<Box<Sleep>>,
}

impl<T, P: Policy> Acquire<T, P> {
    pub(super) fn new(pool: Pool<T, P>, want: Want<T>) -> Self {
        Self {
            pool,
            want,
            waiting: None,
            server_queue: 0,
            pool_queue: 0,
        }
    }

    /// Its place in the queue of its server, and in that of the pool, when it
    /// joined: 1 for the first, 0 if it never did (`%sq`, `%bq`).
    pub fn queues(&self) -> (u32, u32) {
        (self.server_queue, self.pool_queue)
    }

    /// Is it in a queue?
    pub fn is_queued(&self) -> bool {
        self.waiting.is_some()
    }

    fn start_waiting(&mut self, ticket: Ticket<T>) {
        match ticket.server() {
            Some(_) => self.server_queue = ticket.ahead() + 1,
            None => self.pool_queue = ticket.ahead() + 1,
        }
        match &mut self.waiting {
            // Sent back to pick again: the time-out goes on.
            Some(waiting) => waiting.ticket = ticket,
            none => {
                *none = Some(Waiting {
                    ticket,
                    deadline: Box::pin(sleep(self.pool.queue_timeout())),
                });
            }
        }
    }

    /// The server it waited for cannot be used any more. Who wants it even when
    /// it is DOWN goes on waiting for it, unless it is no member any more.
    fn unbind(&mut self) {
        let snapshot = self.pool.shared.snapshot.load();
        let keep = |server: &Arc<Server<T>>| snapshot.by_uid(server.uid()).is_some();
        if !(self.want.even_if_down && self.want.server.as_ref().is_some_and(keep)) {
            self.want.server = None;
        }
    }

    fn leave_queue(&mut self) {
        let Some(waiting) = self.waiting.take() else {
            return;
        };
        self.pool.shared.leave(&waiting.ticket);
    }
}

impl<T, P: Policy> Future for Acquire<T, P> {
    type Output = Result<Lease<T, P>, Unavailable>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            if let Some(waiting) = &mut this.waiting {
                match waiting.ticket.poll(cx) {
                    Poll::Ready(Verdict::Granted(server)) => {
                        this.waiting = None;
                        if !this.want.is_bound_to(&server) {
                            server.counters().selected();
                        }
                        return Poll::Ready(Ok(Lease::new(this.pool.clone(), server)));
                    }
                    Poll::Ready(Verdict::PickAgain) => this.unbind(),
                    Poll::Pending => {
                        if waiting.deadline.as_mut().poll(cx).is_pending() {
                            return Poll::Pending;
                        }
                        if let Some(server) = waiting.ticket.server() {
                            server.counters().queue_timeouts();
                        }
                        this.leave_queue();
                        return Poll::Ready(Err(Unavailable::QueueTimeout));
                    }
                }
            }
            match this.pool.pick(&this.want) {
                Picked::Lease(lease) => {
                    this.waiting = None;
                    return Poll::Ready(Ok(lease));
                }
                Picked::NoServer => {
                    this.waiting = None;
                    return Poll::Ready(Err(Unavailable::NoServer));
                }
                Picked::Wait(ticket) => this.start_waiting(ticket),
            }
        }
    }
}

impl<T, P: Policy> Drop for Acquire<T, P> {
    fn drop(&mut self) {
        self.leave_queue();
    }
}

impl<T, P: Policy> fmt::Debug for Acquire<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire")
            .field("pool", &self.pool.name())
            .field("queued", &self.is_queued())
            .finish_non_exhaustive()
    }
}
