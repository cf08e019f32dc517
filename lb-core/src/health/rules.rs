//! How often a server is checked, and how many results decide.

use std::time::Duration;

use super::Observe;

/// The rules of one server's checks, under HAProxy's names and with its
/// defaults.
///
/// ```
/// use std::time::Duration;
/// use lb_core::health::Rules;
///
/// let rules = Rules::new().rise(2).fall(3).interval(Duration::from_secs(1));
/// # let _ = rules;
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    pub(super) rise: u32,
    pub(super) fall: u32,
    pub(super) interval: Duration,
    pub(super) fast_interval: Option<Duration>,
    pub(super) down_interval: Option<Duration>,
    pub(super) timeout: Option<Duration>,
    pub(super) spread: u8,
    pub(super) slow_start: Option<Duration>,
    pub(super) observe: Observe,
    pub(super) error_limit: u32,
    pub(super) on_error: OnError,
    pub(super) init_state: InitState,
}

/// What many errors of a server's traffic in a row do (HAProxy's `on-error`).
/// Each of them also brings the next check forward to the fast interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnError {
    /// Nothing more.
    FastInterval,
    /// Counts as one failed check.
    #[default]
    FailCheck,
    /// Leaves the server one failed check away from DOWN; one that is there
    /// already goes DOWN.
    SuddenDeath,
    /// The server is DOWN at once.
    MarkDown,
}

/// What a server is before its first check has ended (HAProxy's `init-state`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum InitState {
    /// UP, but its first check decides: one failure takes it DOWN.
    #[default]
    Up,
    /// UP; only `fall` failures take it DOWN.
    FullyUp,
    /// DOWN, but one success brings it UP.
    Down,
    /// DOWN; only `rise` successes bring it UP.
    FullyDown,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            rise: 2,
            fall: 3,
            interval: Duration::from_secs(2),
            fast_interval: None,
            down_interval: None,
            timeout: None,
            spread: 0,
            slow_start: None,
            observe: Observe::Off,
            error_limit: 10,
            on_error: OnError::default(),
            init_state: InitState::default(),
        }
    }
}

impl Rules {
    /// Rise 2, fall 3, a check every 2 seconds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Successes in a row that bring a server UP; at least 1.
    #[must_use]
    pub fn rise(mut self, successes: u32) -> Self {
        self.rise = successes.max(1);
        self
    }

    /// Failures in a row that take a server DOWN; at least 1.
    #[must_use]
    pub fn fall(mut self, failures: u32) -> Self {
        self.fall = failures.max(1);
        self
    }

    /// From the end of one check to the start of the next, while the server is
    /// fully UP; at least a millisecond (`inter`).
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = at_least_a_millisecond(interval);
        self
    }

    /// The interval while the server is on its way UP or DOWN or has not been
    /// checked yet; without it, the usual one (`fastinter`).
    #[must_use]
    pub fn fast_interval(mut self, interval: Duration) -> Self {
        self.fast_interval = Some(at_least_a_millisecond(interval));
        self
    }

    /// The interval while the server is fully DOWN; without it, the usual one
    /// (`downinter`).
    #[must_use]
    pub fn down_interval(mut self, interval: Duration) -> Self {
        self.down_interval = Some(at_least_a_millisecond(interval));
        self
    }

    /// A check that takes longer has failed; without it, the usual interval is
    /// the limit (`timeout check`).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(at_least_a_millisecond(timeout));
        self
    }

    /// Makes each interval longer or shorter by a random part of it, up to this
    /// many percent and at most 50, so that checks do not come in bursts
    /// (`spread-checks`).
    #[must_use]
    pub fn spread(mut self, percent: u8) -> Self {
        self.spread = percent.min(50);
        self
    }

    /// After the server has come UP, its weight grows to the full one over this
    /// long; without it, as [`Server::slow_start`](crate::Server::slow_start)
    /// says (`slowstart`).
    #[must_use]
    pub fn slow_start(mut self, ramp: Duration) -> Self {
        self.slow_start = Some(ramp);
        self
    }

    /// Which results of the server's traffic count as errors (`observe`).
    #[must_use]
    pub fn observe(mut self, observe: Observe) -> Self {
        self.observe = observe;
        self
    }

    /// This many errors in a row of its traffic trigger
    /// [`on_error`](Self::on_error); at least 1 (`error-limit`).
    #[must_use]
    pub fn error_limit(mut self, errors: u32) -> Self {
        self.error_limit = errors.max(1);
        self
    }

    /// What those errors do (`on-error`).
    #[must_use]
    pub fn on_error(mut self, reaction: OnError) -> Self {
        self.on_error = reaction;
        self
    }

    /// What the server is before its first check has ended (`init-state`).
    #[must_use]
    pub fn init_state(mut self, state: InitState) -> Self {
        self.init_state = state;
        self
    }

    /// How long one check may take.
    pub(super) fn check_timeout(&self) -> Duration {
        self.timeout.unwrap_or(self.interval)
    }

    /// The counter of a server that is fully UP.
    pub(super) fn full(&self) -> u32 {
        self.rise.saturating_add(self.fall) - 1
    }

    pub(super) fn fast(&self) -> Duration {
        self.fast_interval.unwrap_or(self.interval)
    }

    pub(super) fn initial(&self) -> u32 {
        match self.init_state {
            InitState::Up => self.rise,
            InitState::FullyUp => self.full(),
            InitState::Down => self.rise - 1,
            InitState::FullyDown => 0,
        }
    }
}

fn at_least_a_millisecond(time: Duration) -> Duration {
    time.max(Duration::from_millis(1))
}
