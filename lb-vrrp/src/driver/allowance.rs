//! How much of a flood is read.

use std::time::{Duration, Instant};

/// So many packets a second are looked at, on each interface; the kernel drops the rest. At
/// three microseconds each that is a twentieth of a core.
const RATE: u32 = 20_000;
/// As many may come at once.
const BURST: u32 = 2000;
/// After a flood it reads again this much later.
const PAUSE: Duration = Duration::from_millis(5);

/// A bucket of tokens, one for each packet that is read.
#[derive(Debug)]
pub(super) struct Allowance {
    tokens: u32,
    filled: Instant,
}

impl Allowance {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            tokens: BURST,
            filled: now,
        }
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.tokens == 0 {
            let since = now.saturating_duration_since(self.filled);
            if since < PAUSE {
                return false;
            }
            let earned = since.as_micros() * u128::from(RATE) / 1_000_000;
            self.tokens = u32::try_from(earned).unwrap_or(BURST).min(BURST);
            self.filled = now;
        }
        self.tokens -= 1;
        true
    }

    /// Gives one back that was not needed.
    pub(super) const fn give_back(&mut self) {
        self.tokens += 1;
    }

    /// When it is worth to ask again; `None` while there are tokens.
    pub(super) fn resume(&self) -> Option<Instant> {
        (self.tokens == 0).then(|| self.filled + PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_read_at_a_bounded_rate() {
        let start = tokio::time::Instant::now().into_std();
        let mut allowance = Allowance::new(start);
        let mut read = 0;
        // Two million packets in two seconds.
        for n in 0..2_000_000 {
            let now = start + Duration::from_micros(n);
            read += u32::from(allowance.take(now));
            if allowance.resume().is_some_and(|at| at > now + PAUSE) {
                panic!("it pauses no longer than told");
            }
        }
        assert!((35_000..=45_000).contains(&read), "{read}");
    }
}
