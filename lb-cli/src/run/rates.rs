//! How much there was in the last second, and at most.
//!
//! Looked at once a second from the totals, so that nobody who serves has to
//! keep the time.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use lb_core::server::ServerUid;
use tokio::time::{MissedTickBehavior, interval};

use super::{Live, Totals};

const SECOND: Duration = Duration::from_secs(1);

/// How many seconds a span of a [`Trace`] has.
pub const SPAN: u64 = 5;

/// How many spans it keeps: five minutes.
pub(super) const SPANS: usize = 60;

/// What a look at the totals is for.
#[derive(Clone, Copy, Debug)]
enum Look {
    /// What there is already, such as from a process before this one, is of no second.
    Begin,
    /// A second is over.
    Second,
    /// A span is, too.
    Span,
}

/// Events of the last whole second.
#[derive(Debug, Default)]
pub struct Rate {
    seen: AtomicU64,
    now: AtomicU64,
    max: AtomicU64,
}

impl Rate {
    /// In the last whole second.
    pub fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// At most.
    pub fn max(&self) -> u64 {
        self.max.load(Ordering::Relaxed)
    }

    /// Forgets the most there was.
    pub(super) fn reset(&self) {
        self.max.store(0, Ordering::Relaxed);
    }

    fn look(&self, look: Look, total: u64) {
        match look {
            Look::Begin => self.seen.store(total, Ordering::Relaxed),
            _ => self.tick(total),
        }
    }

    /// A second is over, and so many there were since the start.
    pub(super) fn tick(&self, total: u64) {
        let rate = total.saturating_sub(self.seen.swap(total, Ordering::Relaxed));
        self.now.store(rate, Ordering::Relaxed);
        self.max.fetch_max(rate, Ordering::Relaxed);
    }
}

/// The last five minutes, in spans of five seconds: how many requests there were, and how long
/// they took.
#[derive(Debug)]
pub struct Trace {
    /// A span each, requests in the upper half, their average time in microseconds in the lower.
    spans: [AtomicU64; SPANS],
    /// Spans since the start; the last one stands before the place of this.
    ended: AtomicUsize,
    /// What there was at the end of the last one.
    requests: AtomicU64,
    micros: AtomicU64,
    timed: AtomicU64,
}

/// One span of a [`Trace`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Requests in it.
    pub requests: u32,
    /// What those that ended in it took on average, in microseconds; 0 if none did.
    pub micros: u32,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            spans: std::array::from_fn(|_| AtomicU64::new(0)),
            ended: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            micros: AtomicU64::new(0),
            timed: AtomicU64::new(0),
        }
    }
}

impl Trace {
    /// The spans that have ended, the oldest first.
    pub fn spans(&self) -> Vec<Span> {
        let ended = self.ended.load(Ordering::Acquire);
        let spans = (ended.saturating_sub(SPANS)..ended).map(|at| {
            let span = self.spans[at % SPANS].load(Ordering::Relaxed).to_be_bytes();
            let half = |at: usize| {
                u32::from_be_bytes([span[at], span[at + 1], span[at + 2], span[at + 3]])
            };
            Span {
                requests: half(0),
                micros: half(4),
            }
        });
        spans.collect()
    }

    /// A span is over, and so much there was since the start. For one caller.
    fn tick(&self, requests: u64, micros: u64, timed: u64) {
        let since =
            |seen: &AtomicU64, now: u64| now.saturating_sub(seen.swap(now, Ordering::Relaxed));
        let requests = since(&self.requests, requests);
        let (micros, timed) = (since(&self.micros, micros), since(&self.timed, timed));
        let average = micros.checked_div(timed).unwrap_or(0);
        let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let span = u64::from(narrow(requests)) << 32 | u64::from(narrow(average));
        let at = self.ended.load(Ordering::Relaxed);
        self.spans[at % SPANS].store(span, Ordering::Relaxed);
        self.ended.store(at + 1, Ordering::Release);
    }

    fn look(&self, look: Look, requests: u64, totals: &Totals) {
        let (micros, timed) = (totals.whole.sum(), totals.whole.count());
        match look {
            Look::Begin => {
                for (seen, now) in [
                    (&self.requests, requests),
                    (&self.micros, micros),
                    (&self.timed, timed),
                ] {
                    seen.store(now, Ordering::Relaxed);
                }
            }
            Look::Second => {}
            Look::Span => self.tick(requests, micros, timed),
        }
    }
}

/// The rates of a frontend.
#[derive(Debug, Default)]
pub struct FrontendRates {
    /// Connections.
    pub connections: Rate,
    /// Requests.
    pub requests: Rate,
    /// Its last minutes.
    pub trace: Trace,
}

/// The rates of a server.
#[derive(Debug, Default)]
pub struct ServerRates {
    /// Requests.
    pub requests: Rate,
    /// Its last minutes.
    pub trace: Trace,
}

/// The rates of a backend.
#[derive(Debug, Default)]
pub struct BackendRates {
    /// Requests.
    pub requests: Rate,
    /// Its last minutes.
    pub trace: Trace,
    /// Those of each server.
    servers: Mutex<HashMap<ServerUid, Arc<ServerRates>>>,
}

impl BackendRates {
    /// Those of a server.
    pub fn server(&self, uid: ServerUid) -> Arc<ServerRates> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(servers.entry(uid).or_default())
    }

    /// Forgets who is not among `servers`.
    fn retain(&self, servers: &[ServerUid]) {
        let mut rates = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if rates.len() > servers.len() {
            rates.retain(|uid, _| servers.contains(uid));
        }
    }
}

/// Looks at all totals once a second, for as long as the process runs.
pub(super) async fn run(live: &Live) {
    let mut seconds = interval(SECOND);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once.
    for second in 0_u64.. {
        seconds.tick().await;
        let system = live.system();
        let look = match second {
            0 => Look::Begin,
            _ if second.is_multiple_of(SPAN) => Look::Span,
            _ => Look::Second,
        };
        for (at, frontend) in system.frontends().iter().enumerate() {
            let rates = frontend.rates();
            let totals = system.frontend_totals(at);
            let requests = totals.requests + totals.refused;
            rates
                .connections
                .look(look, frontend.life.connections.total());
            rates.requests.look(look, requests);
            rates.trace.look(look, requests, &totals);
        }
        for (at, backend) in system.backends().iter().enumerate() {
            let rates = backend.rates();
            let totals = system.backend_totals(at);
            rates.requests.look(look, totals.requests);
            rates.trace.look(look, totals.requests, &totals);
            let snapshot = backend.pool.snapshot();
            let mut servers = Vec::with_capacity(snapshot.all().len());
            for server in snapshot.all() {
                let totals = system.server_totals(at, server.uid());
                let rates = rates.server(server.uid());
                rates.requests.look(look, totals.requests);
                rates.trace.look(look, totals.requests, &totals);
                servers.push(server.uid());
            }
            rates.retain(&servers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_came_since_the_last_look() {
        let rate = Rate::default();
        for (total, now, max) in [(5, 5, 5), (7, 2, 5), (7, 0, 5), (17, 10, 10)] {
            rate.tick(total);
            assert_eq!((rate.now(), rate.max()), (now, max));
        }
    }

    #[test]
    fn a_trace_has_the_last_minutes_and_no_more() {
        let trace = Trace::default();
        assert_eq!(trace.spans(), []);
        trace.tick(10, 4_000, 2);
        trace.tick(10, 4_000, 2);
        trace.tick(13, 4_900, 5);
        let span = |requests, micros| Span { requests, micros };
        assert_eq!(trace.spans(), [span(10, 2_000), span(0, 0), span(3, 300)]);
        for more in 0..SPANS as u64 {
            trace.tick(14 + more, 4_900, 5);
        }
        assert_eq!(trace.spans(), [span(1, 0); SPANS]);
        trace.tick(u64::MAX, u64::MAX, 6);
        assert_eq!(trace.spans()[SPANS - 1], span(u32::MAX, u32::MAX));
    }
}
