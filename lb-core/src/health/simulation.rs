//! The laws of [`Health`], and a seeded simulation that checks them after each
//! of many random steps.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng as _, rngs::StdRng};
use tokio::time::Instant;

use super::{Answer, Health, InitState, Observe, OnError, Outcome, Rules, Status, Verdict};
use crate::server::Operational::{self, Down, Stopping, Up};

fn pass() -> Verdict {
    Verdict::new(Status::L7Ok)
}

fn stop() -> Verdict {
    Verdict::new(Status::L7OkConditional)
}

fn fail() -> Verdict {
    Verdict::new(Status::L4Connection)
}

fn health(rules: Rules) -> (Health, Instant) {
    (Health::new(rules), Instant::now())
}

#[test]
fn labels_are_what_haproxy_shows_on_the_same_way() {
    let (mut health, now) = health(Rules::new());
    let mut seen = vec![health.label().to_string()];
    let fails = [fail(), fail(), fail(), fail()];
    let passes = [pass(), pass(), pass()];
    for verdict in [pass()].iter().chain(&fails).chain(&passes) {
        health.on_result(now, verdict);
        seen.push(health.label().to_string());
    }
    assert_eq!(
        seen,
        [
            "UP 1/3", "UP", "UP 2/3", "UP 1/3", "DOWN", "DOWN", "DOWN 1/2", "UP", "UP"
        ]
    );
}

#[test]
fn the_first_check_decides() {
    let after = |state, verdict: &Verdict| {
        let (mut health, now) = health(Rules::new().init_state(state));
        let before = health.operational();
        health.on_result(now, verdict);
        (before, health.operational(), health.label().to_string())
    };
    assert_eq!(after(InitState::Up, &fail()), (Up, Down, "DOWN".into()));
    assert_eq!(
        after(InitState::FullyUp, &fail()),
        (Up, Up, "UP 2/3".into())
    );
    assert_eq!(after(InitState::Down, &pass()), (Down, Up, "UP".into()));
    assert_eq!(
        after(InitState::FullyDown, &pass()),
        (Down, Down, "DOWN 1/2".into())
    );
}

#[test]
fn a_404_stops_only_a_server_that_is_up() {
    let (mut health, now) = health(Rules::new());
    health.on_result(now, &stop());
    assert_eq!(health.label().to_string(), "NOLB");
    health.on_result(now, &fail());
    assert_eq!(health.label().to_string(), "NOLB 2/3");
    health.on_result(now, &stop());
    assert_eq!(health.operational(), Stopping);
    health.on_result(now, &pass());
    assert_eq!(health.operational(), Up);

    for verdict in [fail(), fail(), fail(), stop(), stop(), stop()] {
        health.on_result(now, &verdict);
    }
    assert_eq!(health.label().to_string(), "DOWN", "a 404 is no recovery");
    health.on_result(now, &pass());
    health.on_result(now, &stop());
    assert_eq!(health.label().to_string(), "DOWN");
}

#[test]
fn only_the_agent_ends_what_the_agent_began() {
    let (mut health, now) = health(Rules::new());
    health.on_result(now, &pass());
    health.on_agent(now, &Answer::parse(b"down#disk"));
    assert_eq!(health.label().to_string(), "DOWN (agent)");
    for _ in 0..9 {
        assert_eq!(health.on_result(now, &pass()), None);
    }
    health.on_agent(now, &Answer::parse(b"75%"));
    assert_eq!(health.operational(), Down, "a weight is no `up`");
    health.on_agent(now, &Answer::parse(b"up"));
    assert_eq!(health.operational(), Up);
    for _ in 0..3 {
        health.on_result(now, &fail());
    }
    health.on_agent(now, &Answer::parse(b"up"));
    assert_eq!(health.operational(), Down, "nor does it undo the checks");
}

#[test]
fn errors_of_the_traffic_do_what_on_error_says() {
    let after = |on_error, times| {
        let rules = Rules::new().observe(Observe::Layer7).on_error(on_error);
        let (mut health, now) = health(rules);
        health.on_result(now, &pass());
        for _ in 0..times {
            health.on_traffic(now, Outcome::Closed);
        }
        health.label().to_string()
    };
    assert_eq!(after(OnError::FastInterval, 9), "UP");
    assert_eq!(after(OnError::FailCheck, 1), "UP 2/3");
    assert_eq!(after(OnError::FailCheck, 3), "DOWN");
    assert_eq!(after(OnError::SuddenDeath, 1), "UP 1/3");
    assert_eq!(after(OnError::SuddenDeath, 2), "DOWN");
    assert_eq!(after(OnError::MarkDown, 1), "DOWN");
}

#[test]
fn the_interval_goes_with_the_state() {
    let seconds = Duration::from_secs;
    let rules = Rules::new()
        .interval(seconds(10))
        .fast_interval(seconds(1))
        .down_interval(seconds(60));
    let (mut health, now) = health(rules);
    let mut rng = StdRng::seed_from_u64(1);
    let mut next = |health: &Health| (health.next_check(now, &mut rng) - now).as_secs();
    assert_eq!(next(&health), 1, "unchecked");
    health.on_result(now, &pass());
    assert_eq!(next(&health), 10, "fully UP");
    health.on_result(now, &fail());
    assert_eq!(next(&health), 1, "on its way DOWN");
    health.on_result(now, &fail());
    health.on_result(now, &fail());
    assert_eq!(next(&health), 60, "fully DOWN");
    health.on_result(now, &pass());
    assert_eq!(next(&health), 1, "on its way UP");
    health.on_result(now, &pass());
    assert_eq!(next(&health), 10, "fully UP again");
    health.on_ready(now);
    assert_eq!(next(&health), 1, "unchecked since the maintenance");
}

#[test]
fn first_checks_are_at_once_and_yet_apart() {
    let (health, now) = health(Rules::new());
    let mut rng = StdRng::seed_from_u64(1);
    assert_eq!(health.first_check(now, 1, &mut rng), now);
    let mut in_one_ms = [0; 101];
    for _ in 0..1000 {
        let offset = health.first_check(now, 1000, &mut rng) - now;
        assert!(offset <= Duration::from_millis(100));
        in_one_ms[usize::try_from(offset.as_millis()).unwrap()] += 1;
    }
    assert!(in_one_ms.iter().all(|checks| *checks < 40), "{in_one_ms:?}");
}

#[test]
fn slow_start_ramps_after_a_recovery_and_not_at_the_start() {
    let rules = Rules::new()
        .slow_start(Duration::from_secs(60))
        .rise(1)
        .fall(1);
    let (mut health, start) = health(rules);
    health.on_result(start, &pass());
    assert_eq!(health.ramp(start), 1.0);
    assert_eq!(health.next_ramp(start), None);
    health.on_result(start, &fail());
    health.on_result(start, &pass());
    assert_eq!(health.ramp(start), 0.0);
    let mut now = start;
    let mut steps = 0;
    while let Some(next) = health.next_ramp(now) {
        assert_eq!(next - now, Duration::from_secs(3), "a 20th of the time");
        assert!(health.ramp(next) > health.ramp(now));
        now = next;
        steps += 1;
    }
    assert_eq!((steps, now - start), (20, Duration::from_secs(60)));
    assert_eq!(health.ramp(now), 1.0);
}

#[test]
fn after_a_maintenance_the_first_check_decides() {
    let (mut health, now) = health(Rules::new());
    health.on_result(now, &pass());
    health.on_ready(now);
    assert_eq!(health.label().to_string(), "UP 1/3");
    health.on_result(now, &fail());
    assert_eq!(health.label().to_string(), "DOWN");
    health.on_ready(now);
    assert_eq!(health.label().to_string(), "DOWN 1/2");
    health.on_result(now, &pass());
    assert_eq!(health.label().to_string(), "UP");
}

#[test]
fn a_checker_that_takes_over_keeps_what_was_known() {
    let (mut health, now) = health(Rules::new());
    for verdict in [pass(), fail(), fail()] {
        health.on_result(now, &verdict);
    }
    let again = Health::resumed(Rules::new(), health.label());
    assert_eq!(again.label(), health.label());
    let longer = Health::resumed(Rules::new().fall(9), health.label());
    assert_eq!(longer.label().to_string(), "UP 1/9");
    health.on_result(now, &fail());
    let other = Health::resumed(Rules::new().rise(1), health.label());
    assert_eq!(other.label().to_string(), "DOWN");
}

fn rules() -> impl Strategy<Value = Rules> {
    (1..6u32, 1..6u32, 0..=50u8).prop_map(|(rise, fall, spread)| {
        let rules = Rules::new().rise(rise).fall(fall).spread(spread);
        rules.init_state(InitState::FullyUp)
    })
}

proptest! {
    #[test]
    fn down_at_just_the_fall_th_failure_and_up_at_the_rise_th_success(rules in rules()) {
        let (fall, rise) = (rules.fall, rules.rise);
        let (mut health, now) = health(rules);
        for n in 1..=fall + 2 {
            let transition = health.on_result(now, &fail());
            prop_assert_eq!(transition.is_some(), n == fall);
            prop_assert_eq!(health.operational() == Down, n >= fall);
        }
        for n in 1..=rise + 2 {
            let transition = health.on_result(now, &pass());
            prop_assert_eq!(transition.is_some(), n == rise);
            prop_assert_eq!(health.operational() == Up, n >= rise);
        }
    }

    #[test]
    fn one_success_makes_up_for_any_failure_short_of_down(rules in rules(), failures in 0..5u32) {
        let failures = failures % rules.fall;
        let (mut health, now) = health(rules);
        let settled = health.label();
        for _ in 0..failures {
            health.on_result(now, &fail());
        }
        health.on_result(now, &pass());
        prop_assert_eq!(health.label(), settled);
    }

    #[test]
    fn one_failure_undoes_a_rise(rules in rules(), successes in 0..5u32) {
        let successes = successes % rules.rise;
        let (mut health, now) = health(rules.init_state(InitState::FullyDown));
        let settled = health.label();
        for _ in 0..successes {
            health.on_result(now, &pass());
        }
        health.on_result(now, &fail());
        prop_assert_eq!(health.label(), settled);
    }

    #[test]
    fn checks_spread_within_their_percentage(rules in rules(), seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let spread = f64::from(rules.spread) / 100.0;
        let interval = rules.interval.as_secs_f64();
        let (health, now) = health(rules);
        let wait = (health.next_check(now, &mut rng) - now).as_secs_f64();
        prop_assert!(wait >= interval * (1.0 - spread) - 1e-6);
        prop_assert!(wait <= interval * (1.0 + spread) + 1e-6);
    }
}

/// HAProxy's counter, written down a second time, and the agent's word.
struct Model {
    rise: u32,
    fall: u32,
    health: u32,
    nolb: bool,
    agent_down: bool,
}

impl Model {
    fn result(&mut self, good: bool, nolb: bool) {
        if good {
            self.health += 1;
            if self.health >= self.rise {
                self.health = self.rise + self.fall - 1;
            }
            self.nolb = nolb;
        } else if self.health > self.rise {
            self.health -= 1;
        } else {
            self.health = 0;
            self.nolb = false;
        }
    }

    fn state(&self) -> Operational {
        match (self.agent_down || self.health < self.rise, self.nolb) {
            (true, _) => Down,
            (false, true) => Stopping,
            (false, false) => Up,
        }
    }
}

#[test]
fn any_history_keeps_the_invariants() {
    for seed in 0..300 {
        simulate(seed);
    }
}

fn simulate(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let rules = Rules::new()
        .rise(rng.random_range(1..5))
        .fall(rng.random_range(1..5))
        .slow_start(Duration::from_secs(rng.random_range(0..90)))
        .observe(Observe::Layer7)
        .down_interval(Duration::from_secs(30))
        .fast_interval(Duration::from_millis(300));
    let mut model = Model {
        rise: rules.rise,
        fall: rules.fall,
        health: rules.rise,
        nolb: false,
        agent_down: false,
    };
    let mut health = Health::new(rules.clone());
    let start = Instant::now();
    let mut now = start;
    // Good and bad spells, as servers have them.
    let mut badness = 0.1;
    for step in 0..400 {
        if rng.random_bool(0.05) {
            badness = rng.random_range(0.0..1.0);
        }
        now += Duration::from_millis(rng.random_range(1..4000));
        let (before, ramp) = (health.operational(), health.ramp(now));
        let transition = match rng.random_range(0..20) {
            0 => {
                model.agent_down = rng.random_bool(badness);
                let word: &[u8] = if model.agent_down { b"fail" } else { b"up" };
                health.on_agent(now, &Answer::parse(word))
            }
            1 => health.on_agent(now, &Answer::parse(b"50% ready")),
            2 if model.health >= model.rise && rng.random_bool(badness) => {
                model.result(false, false);
                health.on_traffic(now, Outcome::Response(500))
            }
            3 if model.health >= model.rise => {
                model.result(true, true);
                health.on_result(now, &stop())
            }
            _ => {
                let good = !rng.random_bool(badness);
                model.result(good, false);
                let verdict = if good { pass() } else { fail() };
                health.on_result(now, &verdict)
            }
        };
        let context = format!("seed {seed}, step {step}");
        let state = health.operational();
        assert_eq!(state, model.state(), "{context}");
        match transition {
            None => assert_eq!(before, state, "{context}: silent change"),
            Some(told) => {
                assert_eq!((told.from, told.to), (before, state), "{context}");
                assert_ne!(before, state, "{context}: told of no change");
            }
        }
        check_invariants(&health, &rules, now, ramp, transition.is_some(), &context);
        let settled = health.label().to_string();
        let wait = health.next_check(now, &mut rng) - now;
        let expected = match (model.health, model.health == model.rise + model.fall - 1) {
            _ if settled.contains("agent") => continue,
            (_, true) => rules.interval,
            (0, _) => Duration::from_secs(30),
            _ => Duration::from_millis(300),
        };
        assert!(
            wait == expected || step < 3,
            "{context}: {settled} in {wait:?}"
        );
    }
}

fn check_invariants(
    health: &Health,
    rules: &Rules,
    now: Instant,
    ramp_before: f64,
    changed: bool,
    context: &str,
) {
    let label = health.label();
    assert_eq!(label.state, health.operational(), "{context}");
    assert!(label.level <= label.of, "{context}: {label:?}");
    assert!(
        label.of == rules.rise || label.of == rules.fall,
        "{context}"
    );
    if label.state != Down {
        assert!(label.level >= 1, "{context}: UP without a life left");
    }
    let ramp = health.ramp(now);
    assert!((0.0..=1.0).contains(&ramp), "{context}: ramp {ramp}");
    if !changed {
        assert!(ramp >= ramp_before, "{context}: the ramp went back");
    }
    if let Some(next) = health.next_ramp(now) {
        assert_eq!(label.state, Up, "{context}: only what is UP ramps");
        assert!(next > now && health.ramp(next) > ramp, "{context}");
    } else {
        assert_eq!(ramp, 1.0, "{context}: stuck below its weight");
    }
}
