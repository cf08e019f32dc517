//! The state of one server's health: no clock, no socket.
//!
//! HAProxy's rule: one counter from 0 to `rise + fall - 1`; the server is UP
//! while it is at least `rise`. A failure takes one off, and all of it if that
//! leaves less than `rise`; a success adds one, and fills it if that makes at
//! least `rise`. So one success makes up for every failure before it, and one
//! failure undoes a rise that has begun.

use std::{fmt, time::Duration};

use rand::RngExt as _;
use tokio::time::Instant;

use super::{
    Grade, OnError, Outcome, Rules, Verdict,
    agent::{Answer, Said},
};
use crate::server::Operational;

/// The health of one server.
#[derive(Clone, Debug)]
pub struct Health {
    rules: Rules,
    /// 0 to `rules.full()`; UP from `rules.rise`.
    level: u32,
    /// Has a check ended since the start or the last maintenance?
    checked: bool,
    /// The last success asked for no new clients.
    stopping: bool,
    /// The agent's last word was a word for DOWN.
    agent_down: bool,
    /// When the server came UP, if it ramps.
    ramp: Option<Instant>,
}

/// A change of the state that checks decide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transition {
    /// Before.
    pub from: Operational,
    /// From now on.
    pub to: Operational,
}

impl Health {
    /// A server that has not been checked yet.
    pub fn new(rules: Rules) -> Self {
        Self {
            level: rules.initial(),
            rules,
            checked: false,
            stopping: false,
            agent_down: false,
            ramp: None,
        }
    }

    /// A server whose health is known from before, under other rules perhaps:
    /// what was fully UP or DOWN still is.
    pub(super) fn resumed(rules: Rules, label: Label) -> Self {
        let mut health = Self::new(rules);
        let rules = &health.rules;
        health.level = match label.state {
            Operational::Down => label.level.min(rules.rise - 1),
            _ if label.level == label.of => rules.full(),
            _ => (rules.rise + label.level - 1).min(rules.full()),
        };
        health.checked = true;
        health.stopping = label.state == Operational::Stopping;
        health.agent_down = label.by_agent;
        health
    }

    /// The rules it was made with.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// UP, DOWN, or NOLB.
    pub fn operational(&self) -> Operational {
        if self.agent_down || self.level < self.rules.rise {
            Operational::Down
        } else if self.stopping {
            Operational::Stopping
        } else {
            Operational::Up
        }
    }

    /// A check has ended.
    pub fn on_result(&mut self, now: Instant, verdict: &Verdict) -> Option<Transition> {
        self.step(now, |health| {
            let was_up = health.level >= health.rules.rise;
            match verdict.grade() {
                Grade::Passed => health.pass(false),
                // A server that is DOWN does not come back by asking for no clients.
                Grade::Conditional if was_up => health.pass(true),
                Grade::Conditional | Grade::Failed => health.fail(),
                Grade::Neutral => return,
            }
            health.checked = true;
        })
    }

    /// [`Rules::error_limit`] outcomes in a row were errors, the last one this.
    /// The next check is now due after the [`fast`](Self::fast_check) interval.
    pub fn on_traffic(&mut self, now: Instant, last: Outcome) -> Option<Transition> {
        debug_assert_ne!(self.rules.observe.judge(last), Some(true));
        let rise = self.rules.rise;
        self.step(now, |health| match health.rules.on_error {
            OnError::FastInterval => {}
            OnError::FailCheck => health.fail(),
            OnError::SuddenDeath => {
                health.level = health.level.min(rise + 1);
                health.fail();
            }
            OnError::MarkDown => {
                health.level = health.level.min(rise);
                health.fail();
            }
        })
    }

    /// The agent has answered. Weight, limit and administrative state are for
    /// the caller to apply.
    pub fn on_agent(&mut self, now: Instant, answer: &Answer) -> Option<Transition> {
        self.step(now, |health| match answer.health {
            Some(Said::Up) => health.agent_down = false,
            Some(Said::Down { .. }) => health.agent_down = true,
            None => {}
        })
    }

    /// A maintenance has ended. What was known before is stale: the server
    /// stays what it was, and its first check decides.
    pub fn on_ready(&mut self, now: Instant) {
        self.checked = false;
        self.level = match self.level >= self.rules.rise {
            true => self.rules.rise,
            false => self.rules.rise - 1,
        };
        self.begin_ramp(now);
    }

    /// An operator decides instead of the checks, until the next of them
    /// (`set server … health`).
    pub fn force(&mut self, now: Instant, state: Operational) -> Option<Transition> {
        self.step(now, |health| {
            health.stopping = state == Operational::Stopping;
            health.level = match state {
                Operational::Down => 0,
                _ => health.rules.full(),
            };
        })
    }

    /// An operator decides instead of the agent, until it speaks next
    /// (`set server … agent`).
    pub fn force_agent(&mut self, now: Instant, up: bool) -> Option<Transition> {
        self.step(now, |health| health.agent_down = !up)
    }

    /// When the first of `peers` servers' checks is due: at once, but 1,000
    /// servers are spread over 100 ms, so that they are not all connected to in
    /// one instant.
    pub fn first_check(&self, now: Instant, peers: usize, rng: &mut dyn rand::Rng) -> Instant {
        let apart = Duration::from_micros(100);
        let peers = u32::try_from(peers).unwrap_or(u32::MAX);
        let window = apart
            .saturating_mul(peers.saturating_sub(1))
            .min(self.rules.interval);
        now + window.mul_f64(rng.random())
    }

    /// When the check after the one that has just ended is due.
    pub fn next_check(&self, now: Instant, rng: &mut dyn rand::Rng) -> Instant {
        let spread = f64::from(self.rules.spread) / 100.0;
        let factor = 1.0 + spread * rng.random_range(-1.0..=1.0);
        now + self.interval().mul_f64(factor)
    }

    /// When a check is due at the latest, now that traffic has shown trouble.
    pub fn fast_check(&self, now: Instant) -> Instant {
        now + self.rules.fast()
    }

    fn interval(&self) -> Duration {
        if self.checked && self.level == self.rules.full() {
            self.rules.interval
        } else if self.checked && self.level == 0 {
            self.rules.down_interval.unwrap_or(self.rules.interval)
        } else {
            self.rules.fast()
        }
    }

    /// The part of its weight that the server may have now, 0 to 1.
    pub fn ramp(&self, now: Instant) -> f64 {
        let Some(since) = self.ramp else {
            return 1.0;
        };
        let elapsed = now.saturating_duration_since(since).as_secs_f64();
        (elapsed / self.slow_start().as_secs_f64()).min(1.0)
    }

    /// When [`ramp`](Self::ramp) is to be applied next: every second, or every
    /// 20th of the slow start if that is longer; `None` once it is over.
    pub fn next_ramp(&self, now: Instant) -> Option<Instant> {
        let end = self.ramp? + self.slow_start();
        let step = (self.slow_start() / 20).max(Duration::from_secs(1));
        (now < end).then(|| end.min(now + step))
    }

    fn slow_start(&self) -> Duration {
        self.rules.slow_start.unwrap_or_default()
    }

    fn begin_ramp(&mut self, now: Instant) {
        let ramps = self.operational() == Operational::Up && !self.slow_start().is_zero();
        self.ramp = ramps.then_some(now);
    }

    /// The state with the counter, as HAProxy prints it.
    pub fn label(&self) -> Label {
        let rules = &self.rules;
        let state = self.operational();
        let (level, of) = match self.level >= rules.rise {
            true => (self.level - rules.rise + 1, rules.fall),
            false => (self.level, rules.rise),
        };
        Label {
            state,
            level,
            of,
            by_agent: self.agent_down,
        }
    }

    fn pass(&mut self, stopping: bool) {
        self.level = (self.level + 1).min(self.rules.full());
        if self.level >= self.rules.rise {
            self.level = self.rules.full();
        }
        self.stopping = stopping;
    }

    fn fail(&mut self) {
        self.level = self.level.saturating_sub(1);
        if self.level < self.rules.rise {
            self.level = 0;
            self.stopping = false;
        }
    }

    fn step(&mut self, now: Instant, step: impl FnOnce(&mut Self)) -> Option<Transition> {
        let from = self.operational();
        step(self);
        let to = self.operational();
        if from == to {
            return None;
        }
        self.begin_ramp(now);
        Some(Transition { from, to })
    }
}

/// A state with its counter; displays as `UP`, `UP 2/3`, `DOWN`, `DOWN 1/2`,
/// `DOWN (agent)`, `NOLB`, `NOLB 1/3`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label {
    /// The state.
    pub state: Operational,
    /// While UP, the failed checks it can take; while DOWN, the successes that
    /// it has had.
    pub level: u32,
    /// What `level` is counted against: fall while UP, rise while DOWN.
    pub of: u32,
    /// DOWN because the agent says so. `level` then still counts the checks.
    pub by_agent: bool,
}

impl Label {
    /// The counter and then UP or DOWN, `2/3 UP`, as in the log line of a check.
    pub fn progress(self) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            let state = match self.state {
                Operational::Stopping => Operational::Up,
                state => state,
            };
            write!(f, "{}/{} {state}", self.level, self.of)
        })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settled = match self.state {
            Operational::Down => self.level == 0,
            _ => self.level == self.of,
        };
        match (self.by_agent, settled) {
            (true, _) => write!(f, "{} (agent)", self.state),
            (false, true) => write!(f, "{}", self.state),
            (false, false) => write!(f, "{} {}/{}", self.state, self.level, self.of),
        }
    }
}
