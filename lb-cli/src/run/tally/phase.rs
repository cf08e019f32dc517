//! How long phases of requests take.

use std::{ops::AddAssign, time::Duration};

use super::Tally;

/// How many of the last requests an average is over, as in HAProxy.
pub(super) const WINDOW: u64 = 1024;

/// What the buckets of a histogram reach to, each, in microseconds: from half a millisecond, near
/// what a proxy adds, to ten seconds, beyond which only time-outs are. One more takes the rest.
pub const BOUNDS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// How many buckets there are.
pub const BUCKETS: usize = BOUNDS.len() + 1;

/// How long a phase of requests took: the average of the last ones, the longest, and how many
/// there were of each length.
#[derive(Debug, Default)]
pub(in crate::run) struct Phase {
    micros: Tally,
    requests: Tally,
    longest: Tally,
    /// Of all of them.
    sum: Tally,
    buckets: [Tally; BUCKETS],
}

/// A time that several phases count: what they need of it is found once.
#[derive(Debug, Clone, Copy)]
pub(in crate::run) struct Took {
    micros: u64,
    /// Its place in a histogram.
    bucket: usize,
}

impl From<Duration> for Took {
    fn from(time: Duration) -> Self {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            micros,
            bucket: BOUNDS.partition_point(|bound| *bound < micros),
        }
    }
}

impl Phase {
    pub(in crate::run) fn took(&self, time: impl Into<Took>) {
        let Took { micros, bucket } = time.into();
        self.longest.raise(micros);
        self.sum.add(micros);
        self.buckets[bucket].add(1);
        let (requests, sum) = (self.requests.now(), self.micros.now());
        // The sum of the last `WINDOW`, of which one average one falls out.
        let kept = match requests {
            WINDOW.. => sum - sum / WINDOW,
            _ => sum,
        };
        self.micros.set(kept.saturating_add(micros));
        self.requests.set((requests + 1).min(WINDOW));
    }

    pub(super) fn time(&self) -> Time {
        Time {
            micros: self.micros.now(),
            requests: self.requests.now(),
            longest: self.longest.now(),
            sum: self.sum.now(),
            buckets: std::array::from_fn(|at| self.buckets[at].now()),
        }
    }

    pub(super) fn become_all(&self, time: &Time) {
        let single = [
            (&self.micros, time.micros),
            (&self.requests, time.requests),
            (&self.longest, time.longest),
            (&self.sum, time.sum),
        ];
        let buckets = self.buckets.iter().zip(time.buckets);
        for (tally, total) in single.into_iter().chain(buckets) {
            tally.set(total);
        }
    }

    /// Forgets the longest, and with `averages` all of it.
    pub(super) fn forget(&self, averages: bool) {
        match averages {
            true => self.become_all(&Time::default()),
            false => self.longest.reset(),
        }
    }
}

/// How long a phase took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Time {
    micros: u64,
    requests: u64,
    longest: u64,
    sum: u64,
    buckets: [u64; BUCKETS],
}

impl Time {
    /// The average of the last requests, in milliseconds.
    pub fn average(&self) -> u64 {
        self.micros.checked_div(self.requests).unwrap_or(0) / 1000
    }

    /// The longest, in milliseconds.
    pub fn longest(&self) -> u64 {
        self.longest / 1000
    }

    /// All of them together, in microseconds.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// How many there were of each length: up to each of [`BOUNDS`] and above the one before it,
    /// and the longer ones.
    pub fn buckets(&self) -> &[u64; BUCKETS] {
        &self.buckets
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Each number with the end of its name.
    pub(super) fn each(&mut self, mut visit: impl FnMut(&str, &mut u64)) {
        visit("micros", &mut self.micros);
        visit("requests", &mut self.requests);
        visit("longest", &mut self.longest);
        visit("sum", &mut self.sum);
        let bounds = BOUNDS.into_iter().chain([u64::MAX]);
        for (value, bound) in self.buckets.iter_mut().zip(bounds) {
            visit(&format!("to.{bound}"), value);
        }
    }
}

impl AddAssign for Time {
    fn add_assign(&mut self, other: Self) {
        self.micros = self.micros.saturating_add(other.micros);
        self.requests += other.requests;
        self.longest = self.longest.max(other.longest);
        self.sum = self.sum.wrapping_add(other.sum);
        for (sum, each) in self.buckets.iter_mut().zip(other.buckets) {
            *sum += each;
        }
    }
}
