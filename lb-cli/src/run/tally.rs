//! What a worker counts of its requests, for the statistics.
//!
//! Each worker counts on its own cache lines and nobody else writes there, so
//! that a count is a load and a store. A reader adds up what all workers have;
//! a request under way may be seen in one count and not yet in another.

use std::{
    ops::AddAssign,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
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

    fn set(&self, to: u64) {
        self.0.store(to, Ordering::Relaxed);
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

impl Phase {
    pub(super) fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.longest.raise(micros);
        self.sum.add(micros);
        self.buckets[BOUNDS.partition_point(|bound| *bound < micros)].add(1);
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
    /// Responses that were none, or broke off.
    pub(super) response_errors: Tally,
    /// No connection to a server; a backend's own are those without a server.
    pub(super) unserved: Tally,
    /// Of responses that were compressed: octets before and after, and how many there were.
    pub(super) compressed: [Tally; 3],
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
            &self.response_errors,
            &self.unserved,
            &self.last,
        ];
        single
            .into_iter()
            .chain(&self.responses)
            .chain(&self.compressed)
            .for_each(Tally::reset);
    }

    /// Is all of `totals` from now on. For the one thread that counts here.
    pub(super) fn become_all(&self, totals: &Totals) {
        let single = [
            (&self.requests, totals.requests),
            (&self.bytes_in, totals.bytes_in),
            (&self.bytes_out, totals.bytes_out),
            (&self.client_aborts, totals.client_aborts),
            (&self.server_aborts, totals.server_aborts),
            (&self.refused, totals.refused),
            (&self.intercepted, totals.intercepted),
            (&self.denied, totals.denied),
            (&self.denied_responses, totals.denied_responses),
            (&self.response_errors, totals.response_errors),
            (&self.unserved, totals.unserved),
            (&self.in_flight_max, totals.in_flight_max),
            (&self.queue_max, totals.queue_max),
            (&self.last, totals.last),
        ];
        let responses = self.responses.iter().zip(totals.responses);
        let compressed = self.compressed.iter().zip(totals.compressed);
        for (tally, total) in single.into_iter().chain(responses).chain(compressed) {
            tally.set(total);
        }
        let times = [
            totals.queued,
            totals.connecting,
            totals.responding,
            totals.whole,
        ];
        for (phase, time) in self.phases().into_iter().zip(times) {
            let single = [
                (&phase.micros, time.micros),
                (&phase.requests, time.requests),
                (&phase.longest, time.longest),
                (&phase.sum, time.sum),
            ];
            let buckets = phase.buckets.iter().zip(time.buckets);
            for (tally, total) in single.into_iter().chain(buckets) {
                tally.set(total);
            }
        }
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
            response_errors: self.response_errors.now(),
            unserved: self.unserved.now(),
            compressed: std::array::from_fn(|at| self.compressed[at].now()),
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

/// What one worker counts by one configuration. The next one goes on where it has the same names.
#[derive(Debug)]
pub(super) struct Tallies {
    frontends: Box<[Arc<Traffic>]>,
    backends: Box<[OfBackend]>,
}

#[derive(Debug)]
pub(super) struct OfBackend {
    pub(super) traffic: Arc<Traffic>,
    /// By their ids, which grow from one server to the next.
    servers: Box<[(ServerUid, Arc<Traffic>)]>,
    /// Those that came later.
    pub(super) added: Added,
}

impl OfBackend {
    /// For these servers, going on with what `before` has counted.
    pub(super) fn new(before: Option<&Self>, mut servers: Vec<ServerUid>) -> Self {
        servers.sort_unstable();
        let counted = |uid| {
            before
                .and_then(|before| before.shared(uid))
                .unwrap_or_default()
        };
        let servers = servers.into_iter().map(|uid| (uid, counted(uid)));
        Self {
            servers: servers.collect(),
            traffic: before
                .map(|before| Arc::clone(&before.traffic))
                .unwrap_or_default(),
            added: Added::default(),
        }
    }

    pub(super) fn server(&self, uid: ServerUid) -> Option<&Traffic> {
        match self.place(uid) {
            Some(at) => Some(&self.servers[at].1),
            None => self.added.find(uid).map(Arc::as_ref),
        }
    }

    fn shared(&self, uid: ServerUid) -> Option<Arc<Traffic>> {
        let found = match self.place(uid) {
            Some(at) => &self.servers[at].1,
            None => self.added.find(uid)?,
        };
        Some(Arc::clone(found))
    }

    fn place(&self, uid: ServerUid) -> Option<usize> {
        self.servers
            .binary_search_by_key(&uid, |(uid, _)| *uid)
            .ok()
    }
}

impl Tallies {
    /// For these frontends and backends.
    pub(super) fn new(
        frontends: impl Iterator<Item = Arc<Traffic>>,
        backends: impl Iterator<Item = OfBackend>,
    ) -> Self {
        Self {
            frontends: frontends.collect(),
            backends: backends.collect(),
        }
    }

    pub(super) fn frontend(&self, at: usize) -> &Arc<Traffic> {
        &self.frontends[at]
    }

    /// All of it.
    pub(super) fn all(&self) -> impl Iterator<Item = &Traffic> {
        let backends = self.backends.iter().flat_map(|backend| {
            let servers = backend.servers.iter().map(|(_, traffic)| &**traffic);
            let added = backend.added.all().map(|traffic| &**traffic);
            servers.chain(added).chain([&*backend.traffic])
        });
        self.frontends
            .iter()
            .map(|traffic| &**traffic)
            .chain(backends)
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
    pub response_errors: u64,
    pub unserved: u64,
    pub compressed: [u64; 3],
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
            (&mut self.response_errors, base.response_errors),
            (&mut self.unserved, base.unserved),
        ];
        let responses = self.responses.iter_mut().zip(base.responses);
        let compressed = self.compressed.iter_mut().zip(base.compressed);
        for (sum, base) in sums.into_iter().chain(responses).chain(compressed) {
            *sum = sum.saturating_sub(base);
        }
        self
    }
}

impl Totals {
    /// Each number with its name, to read or to write.
    pub(super) fn each(&mut self, mut visit: impl FnMut(&str, &mut u64)) {
        let single = [
            ("requests", &mut self.requests),
            ("bytes_in", &mut self.bytes_in),
            ("bytes_out", &mut self.bytes_out),
            ("client_aborts", &mut self.client_aborts),
            ("server_aborts", &mut self.server_aborts),
            ("refused", &mut self.refused),
            ("intercepted", &mut self.intercepted),
            ("denied", &mut self.denied),
            ("denied_responses", &mut self.denied_responses),
            ("response_errors", &mut self.response_errors),
            ("unserved", &mut self.unserved),
            ("in_flight_max", &mut self.in_flight_max),
            ("queue_max", &mut self.queue_max),
            ("last", &mut self.last),
        ];
        for (name, value) in single {
            visit(name, value);
        }
        for (class, value) in self.responses.iter_mut().enumerate() {
            visit(&format!("responses.{class}"), value);
        }
        let compressed = ["bytes_in", "bytes_out", "responses"];
        for (name, value) in compressed.into_iter().zip(&mut self.compressed) {
            visit(&format!("compressed.{name}"), value);
        }
        let phases = [
            ("queued", &mut self.queued),
            ("connecting", &mut self.connecting),
            ("responding", &mut self.responding),
            ("whole", &mut self.whole),
        ];
        for (name, phase) in phases {
            let single = [
                ("micros", &mut phase.micros),
                ("requests", &mut phase.requests),
                ("longest", &mut phase.longest),
                ("sum", &mut phase.sum),
            ];
            for (of, value) in single {
                visit(&format!("{name}.{of}"), value);
            }
            for (value, bound) in phase
                .buckets
                .iter_mut()
                .zip(BOUNDS.into_iter().chain([u64::MAX]))
            {
                visit(&format!("{name}.to.{bound}"), value);
            }
        }
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
        self.response_errors += other.response_errors;
        self.unserved += other.unserved;
        for (sum, each) in self.compressed.iter_mut().zip(other.compressed) {
            *sum += each;
        }
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
    fn numbers_find_their_places_by_their_names() {
        let traffic = Traffic::default();
        let mut next = 0;
        let mut numbered = Totals::default();
        numbered.each(|_, value| {
            next += 1;
            *value = next;
        });
        traffic.become_all(&numbered);
        let (mut seen, mut names) = (0, Vec::new());
        traffic.totals().each(|name, value| {
            seen += 1;
            assert_eq!(*value, seen, "{name}");
            names.push(name.to_owned());
        });
        assert_eq!(seen, 14 + 6 + 3 + 4 * (4 + BUCKETS as u64));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len() as u64, seen);
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
