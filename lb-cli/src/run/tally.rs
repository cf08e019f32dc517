//! What a worker counts of its requests, for the statistics.
//!
//! Each worker counts on its own cache lines and nobody else writes there, so
//! that a count is a load and a store. A reader adds up what all workers have;
//! a request under way may be seen in one count and not yet in another.

use std::{
    ops::AddAssign,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use lb_core::server::ServerUid;

use super::added::Added;

/// How many of the last requests an average is over, as in HAProxy.
const WINDOW: u64 = 1024;

/// What the buckets of a histogram reach to, each, in microseconds: from half a millisecond, near
/// what a proxy adds, to ten seconds, beyond which only time-outs are. One more takes the rest.
pub const BOUNDS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// How many buckets there are.
pub const BUCKETS: usize = BOUNDS.len() + 1;

/// A number that one thread writes and any may read.
#[derive(Debug, Default)]
pub(super) struct Tally(AtomicU64);

impl Tally {
    pub(super) fn add(&self, n: u64) {
        self.0.store(self.now().wrapping_add(n), Ordering::Relaxed);
    }

    /// Keeps the largest.
    pub(super) fn raise(&self, to: u64) {
        if to > self.now() {
            self.0.store(to, Ordering::Relaxed);
        }
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// What its thread adds at this very moment may be lost, or stay.
    fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// How long a phase of requests took: the average of the last ones, the longest, and how many
/// there were of each length.
#[derive(Debug, Default)]
pub(super) struct Phase {
    micros: Tally,
    requests: Tally,
    longest: Tally,
    /// Of all of them.
    sum: Tally,
    buckets: [Tally; BUCKETS],
}

/// A time that several phases count: what they need of it is found once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Took {
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
    pub(super) fn took(&self, time: impl Into<Took>) {
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
        self.micros
            .0
            .store(kept.saturating_add(micros), Ordering::Relaxed);
        self.requests
            .0
            .store((requests + 1).min(WINDOW), Ordering::Relaxed);
    }

    fn reset(&self) {
        let single = [&self.micros, &self.requests, &self.longest, &self.sum];
        for tally in single.into_iter().chain(&self.buckets) {
            tally.reset();
        }
    }
}

/// What is counted of a frontend, a backend or a server.
#[derive(Debug, Default)]
#[repr(align(128))] // Two cache lines, which processors fetch in pairs.
pub(super) struct Traffic {
    /// Requests.
    pub(super) requests: Tally,
    pub(super) bytes_in: Tally,
    pub(super) bytes_out: Tally,
    /// By the first digit of the status; 0 are all others.
    pub(super) responses: [Tally; 6],
    pub(super) client_aborts: Tally,
    pub(super) server_aborts: Tally,
    /// What was no request.
    pub(super) refused: Tally,
    /// Answered by this process itself: the statistics page, redirects, monitors.
    pub(super) intercepted: Tally,
    /// Requests that a rule forbade.
    pub(super) denied: Tally,
    /// Responses of servers, likewise.
    pub(super) denied_responses: Tally,
    /// No connection to a server; a backend's own are those without a server.
    pub(super) unserved: Tally,
    pub(super) in_flight_max: Tally,
    pub(super) queue_max: Tally,
    /// When the last request came, in milliseconds since the start and one.
    pub(super) last: Tally,
    pub(super) queued: Phase,
    pub(super) connecting: Phase,
    pub(super) responding: Phase,
    pub(super) whole: Phase,
}

impl Traffic {
    pub(super) fn answered(&self, status: u16) {
        let class = match status / 100 {
            class @ 1..=5 => usize::from(class),
            _ => 0,
        };
        self.responses[class].add(1);
    }

    /// Forgets the most there ever was, and with `averages` how long phases took
    /// (`clear counters`).
    pub(super) fn forget(&self, averages: bool) {
        self.in_flight_max.reset();
        self.queue_max.reset();
        for phase in self.phases() {
            match averages {
                true => phase.reset(),
                false => phase.longest.reset(),
            }
        }
    }

    /// Forgets all of it, while nobody counts here.
    pub(super) fn reset(&self) {
        self.forget(true);
        let single = [
            &self.requests,
            &self.bytes_in,
            &self.bytes_out,
            &self.client_aborts,
            &self.server_aborts,
            &self.refused,
            &self.intercepted,
            &self.denied,
            &self.denied_responses,
            &self.unserved,
            &self.last,
        ];
        single
            .into_iter()
            .chain(&self.responses)
            .for_each(Tally::reset);
    }

    fn phases(&self) -> [&Phase; 4] {
        [
            &self.queued,
            &self.connecting,
            &self.responding,
            &self.whole,
        ]
    }

    fn totals(&self) -> Totals {
        let phase = |phase: &Phase| Time {
            micros: phase.micros.now(),
            requests: phase.requests.now(),
            longest: phase.longest.now(),
            sum: phase.sum.now(),
            buckets: std::array::from_fn(|at| phase.buckets[at].now()),
        };
        Totals {
            requests: self.requests.now(),
            bytes_in: self.bytes_in.now(),
            bytes_out: self.bytes_out.now(),
            responses: std::array::from_fn(|class| self.responses[class].now()),
            client_aborts: self.client_aborts.now(),
            server_aborts: self.server_aborts.now(),
            refused: self.refused.now(),
            intercepted: self.intercepted.now(),
            denied: self.denied.now(),
            denied_responses: self.denied_responses.now(),
            unserved: self.unserved.now(),
            in_flight_max: self.in_flight_max.now(),
            queue_max: self.queue_max.now(),
            last: self.last.now(),
            queued: phase(&self.queued),
            connecting: phase(&self.connecting),
            responding: phase(&self.responding),
            whole: phase(&self.whole),
        }
    }
}

/// What one worker counts.
#[derive(Debug)]
pub(super) struct Tallies {
    frontends: Box<[Traffic]>,
    backends: Box<[OfBackend]>,
}

#[derive(Debug)]
pub(super) struct OfBackend {
    pub(super) traffic: Traffic,
    /// By their ids, which grow from one server to the next.
    servers: Box<[(ServerUid, Traffic)]>,
    /// Those that came later.
    pub(super) added: Added,
}

impl OfBackend {
    pub(super) fn server(&self, uid: ServerUid) -> Option<&Traffic> {
        let at = self.servers.binary_search_by_key(&uid, |(uid, _)| *uid);
        match at {
            Ok(at) => Some(&self.servers[at].1),
            Err(_) => self.added.find(uid),
        }
    }
}

impl Tallies {
    /// For so many frontends, and backends with these servers.
    pub(super) fn new(frontends: usize, backends: impl Iterator<Item = Vec<ServerUid>>) -> Self {
        Self {
            frontends: (0..frontends).map(|_| Traffic::default()).collect(),
            backends: backends
                .map(|mut servers| {
                    servers.sort_unstable();
                    let servers = servers.into_iter().map(|uid| (uid, Traffic::default()));
                    OfBackend {
                        traffic: Traffic::default(),
                        servers: servers.collect(),
                        added: Added::default(),
                    }
                })
                .collect(),
        }
    }

    pub(super) fn frontend(&self, at: usize) -> &Traffic {
        &self.frontends[at]
    }

    /// All of it.
    pub(super) fn all(&self) -> impl Iterator<Item = &Traffic> {
        let backends = self.backends.iter().flat_map(|backend| {
            let servers = backend.servers.iter().map(|(_, traffic)| traffic);
            servers.chain(backend.added.all()).chain([&backend.traffic])
        });
        self.frontends.iter().chain(backends)
    }

    pub(super) fn backend(&self, at: usize) -> &OfBackend {
        &self.backends[at]
    }
}

/// What all workers have counted.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "named as in `Traffic`")]
pub struct Totals {
    pub requests: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub responses: [u64; 6],
    pub client_aborts: u64,
    pub server_aborts: u64,
    pub refused: u64,
    pub intercepted: u64,
    pub denied: u64,
    pub denied_responses: u64,
    pub unserved: u64,
    pub in_flight_max: u64,
    pub queue_max: u64,
    /// Milliseconds after the start, and one; 0 is never.
    pub last: u64,
    pub queued: Time,
    pub connecting: Time,
    pub responding: Time,
    pub whole: Time,
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
}

impl Totals {
    pub(super) fn of<'a>(traffic: impl Iterator<Item = &'a Traffic>) -> Self {
        traffic.fold(Self::default(), |mut sum, each| {
            sum += each.totals();
            sum
        })
    }
}

impl Totals {
    /// What has come since `base`; maxima, averages and the last time are as they are.
    pub(super) fn since(mut self, base: &Self) -> Self {
        let sums = [
            (&mut self.requests, base.requests),
            (&mut self.bytes_in, base.bytes_in),
            (&mut self.bytes_out, base.bytes_out),
            (&mut self.client_aborts, base.client_aborts),
            (&mut self.server_aborts, base.server_aborts),
            (&mut self.refused, base.refused),
            (&mut self.intercepted, base.intercepted),
            (&mut self.denied, base.denied),
            (&mut self.denied_responses, base.denied_responses),
            (&mut self.unserved, base.unserved),
        ];
        let responses = self.responses.iter_mut().zip(base.responses);
        for (sum, base) in sums.into_iter().chain(responses) {
            *sum = sum.saturating_sub(base);
        }
        self
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        for (sum, each) in self.responses.iter_mut().zip(other.responses) {
            *sum += each;
        }
        self.client_aborts += other.client_aborts;
        self.server_aborts += other.server_aborts;
        self.refused += other.refused;
        self.intercepted += other.intercepted;
        self.denied += other.denied;
        self.denied_responses += other.denied_responses;
        self.unserved += other.unserved;
        self.in_flight_max = self.in_flight_max.max(other.in_flight_max);
        self.queue_max = self.queue_max.max(other.queue_max);
        self.last = self.last.max(other.last);
        self.queued += other.queued;
        self.connecting += other.connecting;
        self.responding += other.responding;
        self.whole += other.whole;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_forgets_what_is_long_ago() {
        let traffic = Traffic::default();
        for _ in 0..10 {
            traffic.whole.took(Duration::from_millis(30));
            traffic.whole.took(Duration::from_millis(10));
        }
        assert_eq!(traffic.totals().whole.average(), 20);
        assert_eq!(traffic.totals().whole.longest(), 30);
        for _ in 0..20 * WINDOW {
            traffic.whole.took(Duration::from_millis(5));
        }
        assert_eq!(traffic.totals().whole.average(), 5);
        assert_eq!(traffic.totals().whole.longest(), 30);
    }

    #[test]
    fn a_bucket_takes_what_is_as_long_as_its_bound() {
        let phase = Traffic::default();
        for micros in [0, 500, 501, 1_000, 10_000_000, 10_000_001, u64::MAX] {
            phase.whole.took(Duration::from_micros(micros));
        }
        let time = phase.totals().whole;
        let buckets = time.buckets();
        assert_eq!((buckets[0], buckets[1], time.count()), (2, 2, 7));
        assert_eq!((buckets[BUCKETS - 2], buckets[BUCKETS - 1]), (1, 2));
    }

    #[test]
    fn workers_add_up() {
        let (one, two) = (Traffic::default(), Traffic::default());
        for (worker, time) in [(&one, 10), (&two, 40)] {
            worker.answered(204);
            worker.answered(700);
            worker.in_flight_max.raise(time);
            worker.whole.took(Duration::from_millis(time));
        }
        let totals = Totals::of([&one, &two].into_iter());
        assert_eq!(totals.responses, [2, 0, 2, 0, 0, 0]);
        assert_eq!((totals.in_flight_max, totals.whole.average()), (40, 25));
        assert_eq!((totals.whole.sum(), totals.whole.count()), (50_000, 2));
    }
}
