//! Rates over sliding periods. The numbers of the first test were observed on HAProxy 2.6.12.

use proptest::prelude::*;

use super::World;
use crate::{
    sync::AtomicU64,
    table::{DataType, rate},
};

const RATE: &[&str] = &["http_req_rate(10s)"];

#[test]
fn a_burst_counts_in_full_for_its_period_and_less_and_less_in_the_next() {
    let mut world = World::new(RATE, |table| table);
    for _ in 0..10 {
        world.request(1);
    }
    let mut seen = Vec::new();
    for _ in 0..11 {
        seen.push(world.value(1, DataType::HttpReqRate).unwrap());
        world.after(2_000);
    }
    // At 18 s a tenth of 10 × 2 s is left, at 20 s nothing.
    assert_eq!(seen, [10, 10, 10, 10, 10, 10, 8, 6, 4, 2, 0]);
}

#[test]
fn a_single_event_stays_until_its_second_period_is_over() {
    let mut world = World::new(RATE, |table| table);
    world.request(1);
    world.after(19_999);
    assert_eq!(world.value(1, DataType::HttpReqRate), Some(1));
    world.after(1);
    assert_eq!(world.value(1, DataType::HttpReqRate), Some(0));
}

#[test]
fn after_a_pause_a_period_begins_with_its_first_event() {
    let mut world = World::new(RATE, |table| table);
    world.request(1);
    world.after(27_000);
    for _ in 0..20 {
        world.request(1);
    }
    // Fixed periods of 10 s would have passed on by now.
    world.after(9_999);
    assert_eq!(world.value(1, DataType::HttpReqRate), Some(20));
}

/// What HAProxy's formula says of the events at these times, as of the last time.
fn formula(events: &[(u32, u64)], period: u32, now: u32) -> (u64, u64) {
    let mut start = None;
    let (mut count, mut past) = (0, 0);
    for (at, n) in events {
        match start {
            Some(begun) if at - begun < period => {}
            Some(begun) if at - begun < 2 * period => {
                (start, past, count) = (Some(begun + period), count, 0);
            }
            _ => (start, past, count) = (Some(*at), 0, 0),
        }
        count += n;
    }
    let Some(start) = start else { return (0, 0) };
    let elapsed = u64::from(now - start);
    let period = u64::from(period);
    let share = |past: u64, left: u64| (past * left / period, (past * left).div_ceil(period));
    if elapsed < period {
        let (low, high) = share(past, period - elapsed);
        (count + low, count + high)
    } else if elapsed < 2 * period {
        share(count, 2 * period - elapsed)
    } else {
        (0, 0)
    }
}

proptest! {
    #[test]
    fn the_rate_is_within_the_bounds_of_the_formula(
        steps in prop::collection::vec((0_u32..3_000, 1_u64..50), 1..80),
        period in 1_u32..1_500,
        pause in 0_u32..3_500,
        since in any::<u32>(),
    ) {
        let words = [AtomicU64::new(0), AtomicU64::new(0)];
        let pair = [&words[0], &words[1]];
        // Whatever the clock says: it may even wrap.
        let clock = |at: u32| since.wrapping_add(at);
        // Words that are all zero are a period that began at 0 with nothing in it.
        rate::set(pair, clock(0).wrapping_sub(1 << 20), 0);
        let mut events = Vec::new();
        let mut at = 0;
        for (step, n) in steps {
            at += step;
            rate::add(pair, period, clock(at), n);
            events.push((at, n));
        }
        let now = at + pause;
        let (low, high) = formula(&events, period, now);
        let read = rate::read(pair, period, clock(now));
        prop_assert!((low..=high).contains(&read), "{read} is not in {low}..={high}");
        let all: u64 = events.iter().map(|(_, n)| n).sum();
        prop_assert!(read <= all);
    }

    #[test]
    fn idle_for_any_time_it_counts_on(idle in any::<u32>(), n in 1_u64..100) {
        let words = [AtomicU64::new(0), AtomicU64::new(0)];
        let pair = [&words[0], &words[1]];
        let start = 1 << 31;
        rate::add(pair, 1_000, start, 5);
        let later = start.wrapping_add(idle);
        rate::add(pair, 1_000, later, n);
        rate::add(pair, 1_000, later, n);
        let read = rate::read(pair, 1_000, later);
        prop_assert!((2 * n..=2 * n + 5).contains(&read), "{read}");
    }
}
