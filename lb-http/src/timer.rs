//! A time-out that costs nothing to push back.
//!
//! Most time-outs never fire: they are moved with every request and every piece
//! of body. [`Timer`] only notes the new deadline; the runtime's timer stays
//! where it was set, and when it fires too early it is set anew.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// One deadline, moved often.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    deadline: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Fires at `deadline`.
    pub(crate) fn set(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
        if let Some(sleep) = &mut self.sleep
            && sleep.deadline() > deadline
        {
            sleep.as_mut().reset(deadline);
        }
    }

    /// Fires `timeout` from now.
    pub(crate) fn start(&mut self, timeout: Duration) {
        self.set(Instant::now() + timeout);
    }

    /// Fires no more.
    pub(crate) fn stop(&mut self) {
        self.deadline = None;
    }

    /// Ready once the deadline has passed; pending while there is none.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= deadline {
                self.deadline = None;
                self.sleep = None;
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn fires_at_the_last_deadline_set() {
        let begin = Instant::now();
        let mut timer = Timer::default();
        timer.start(Duration::from_secs(1));
        assert!(poll_fn(|cx| Poll::Ready(timer.poll(cx))).await.is_pending());
        timer.start(Duration::from_secs(5));
        poll_fn(|cx| timer.poll(cx)).await;
        assert_eq!(begin.elapsed().as_secs(), 5);

        timer.start(Duration::from_secs(9));
        assert!(poll_fn(|cx| Poll::Ready(timer.poll(cx))).await.is_pending());
        timer.start(Duration::from_secs(2));
        poll_fn(|cx| timer.poll(cx)).await;
        assert_eq!(begin.elapsed().as_secs(), 7);
    }
}
