//! Since when a backend has been as it is, and how often it was down.

use std::time::Duration;

use tokio::time::Instant;

/// The past of a backend.
#[derive(Clone, Debug)]
pub struct History {
    up: bool,
    /// When that changed last, or when the process started.
    pub since: Instant,
    /// How often it went down.
    pub downs: u64,
    downtime: Duration,
}

impl History {
    pub(super) fn new(up: bool, now: Instant) -> Self {
        Self {
            up,
            since: now,
            downs: 0,
            downtime: Duration::ZERO,
        }
    }

    /// Has any server that can be used?
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// How long it was down in all, until `now`.
    pub fn downtime(&self, now: Instant) -> Duration {
        match self.up {
            true => self.downtime,
            false => self.downtime + now.saturating_duration_since(self.since),
        }
    }

    /// Forgets how often it went down.
    pub(super) fn reset(&mut self) {
        self.downs = 0;
    }

    /// It has, or has not, a usable server.
    pub(super) fn observe(&mut self, up: bool, now: Instant) {
        if up == self.up {
            return;
        }
        self.downtime = self.downtime(now);
        self.downs += u64::from(!up);
        self.up = up;
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_changes_count_and_only_time_spent_down_is_downtime() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut history = History::new(true, start);
        for (seconds, up) in [(5, true), (10, false), (12, false), (14, true), (20, false)] {
            history.observe(up, at(seconds));
        }
        assert_eq!((history.downs, history.since), (2, at(20)));
        assert_eq!(history.downtime(at(23)), Duration::from_secs(4 + 3));
    }
}
