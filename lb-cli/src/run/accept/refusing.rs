//! Sockets that cannot accept, told to virtual routers that track their frontend.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::run::running::FrontendLife;

/// A socket that goes on failing is said again after this.
const SAY_AGAIN: Duration = Duration::from_secs(10);

/// A socket that has failed for so long does not accept. A moment without descriptors is no
/// reason to move an address to another node, where the load goes with it.
const PERSISTENT: Duration = Duration::from_secs(1);

/// One socket's share in what a virtual router that tracks the frontend is told. A socket that is gone accepts nothing
/// either.
pub(super) struct Refusing {
    pub(super) life: Arc<FrontendLife>,
    /// Since when nothing but failures came.
    since: Option<Instant>,
    said: Option<Instant>,
    now: bool,
    left: bool,
}

impl Refusing {
    pub(super) fn new(life: &Arc<FrontendLife>) -> Self {
        Self {
            life: Arc::clone(life),
            since: None,
            said: None,
            now: false,
            left: false,
        }
    }

    pub(super) fn works(&mut self) {
        self.since = None;
        self.set(false);
    }

    /// Whether it is to be said: not ten times a second.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        if now.duration_since(since) >= PERSISTENT {
            self.set(true);
        }
        let news = self
            .said
            .is_none_or(|said| now.duration_since(said) >= SAY_AGAIN);
        if news {
            self.said = Some(now);
        }
        news
    }

    /// It is none of the frontend's sockets any more.
    pub(super) fn leave(mut self) {
        self.set(false);
        self.left = true;
    }

    pub(super) fn set(&mut self, now: bool) {
        if self.now != now {
            self.now = now;
            self.life.refusing.send_modify(|count| {
                *count = if now { *count + 1 } else { *count - 1 };
            });
        }
    }
}

impl Drop for Refusing {
    fn drop(&mut self) {
        if !self.left {
            self.set(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_goes_on_failing_refuses() {
        let life = Arc::new(FrontendLife::new(None));
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut refusing = Refusing::new(&life);
        let said = [0, 100, 900].map(|millis| refusing.failed(after(millis)));
        assert_eq!(said, [true, false, false]);
        assert_eq!(*life.refusing.borrow(), 0);
        refusing.works();
        refusing.failed(after(1000));
        assert_eq!(*life.refusing.borrow(), 0, "it worked in between");
        refusing.failed(after(2000));
        refusing.failed(after(2100));
        assert_eq!(*life.refusing.borrow(), 1);
        refusing.works();
        assert_eq!(*life.refusing.borrow(), 0);
        drop(refusing);
        assert_eq!(
            *life.refusing.borrow(),
            1,
            "a socket that is gone accepts nothing"
        );
    }
}
