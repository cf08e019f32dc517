//! Rates under every schedule that loom can think of:
//! `RUSTFLAGS="--cfg loom" cargo test -p lb-core --release --lib loom`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use loom::thread;

use super::rate;
use crate::sync::AtomicU64;

const PERIOD: u32 = 100;

/// One event at 1,000,000 and, by two threads, one at each of these times; then `read` looks.
fn race(times: [u32; 2], now: u32, expected: std::ops::RangeInclusive<u64>) {
    loom::model(move || {
        let words = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let add = |words: &Arc<[AtomicU64; 2]>, at| {
            rate::add([&words[0], &words[1]], PERIOD, at, 1);
        };
        add(&words, 1_000_000);
        let other = {
            let words = Arc::clone(&words);
            thread::spawn(move || rate::add([&words[0], &words[1]], PERIOD, times[0], 1))
        };
        add(&words, times[1]);
        other.join().unwrap();
        let read = rate::read([&words[0], &words[1]], PERIOD, now);
        assert!(expected.contains(&read), "{read} at {now}");
    });
}

#[test]
fn loom_two_who_count_in_one_period_both_count() {
    race([1_000_010, 1_000_020], 1_000_050, 3..=3);
}

#[test]
fn loom_two_who_open_a_period_both_count_in_it() {
    // The first one's share in the second period: half of one, which is none.
    race([1_000_110, 1_000_120], 1_000_150, 2..=2);
}

#[test]
fn loom_who_is_late_for_a_period_is_not_lost() {
    // Two events in the first period and one in the second, or the other way round for who came late.
    race([1_000_090, 1_000_110], 1_000_110, 2..=3);
}
