//! What a worker counts of its requests, for the statistics.
//!
//! Each worker counts on its own cache lines and nobody else writes there, so
//! that a count is a load and a store. A reader adds up what all workers have;
//! a request under way may be seen in one count and not yet in another.

mod phase;
mod traffic;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use lb_core::server::ServerUid;

use super::added::Added;

pub use phase::{BOUNDS, BUCKETS, Time};
pub(super) use phase::{Phase, Took};
pub use traffic::Totals;
pub(super) use traffic::Traffic;

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{phase::WINDOW, *};

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
        assert_eq!(seen, 13 + 6 + 3 + 4 * (4 + BUCKETS as u64));
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
