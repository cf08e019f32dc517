//! A rate over a period that slides: HAProxy's, without a lock.
//!
//! Events are counted in periods, the first of which begins with the first event; after a time without any the next one
//! begins a period of its own, as in HAProxy. The rate is the count of the current period and of the previous one the
//! share that the sliding window still covers.
//!
//! A rate is two words, each a period's start and count in one atomic. The one that started later is the current one; a
//! new period takes the place of the other. So there is nothing to move between them, and a count is never lost: who
//! wants to count in a period that is over by then, counts in it all the same, or begins anew.

use std::time::Duration;

use crate::sync::{AtomicU64, Ordering};

/// How far the clock of another thread may be ahead, in milliseconds.
const AHEAD: u32 = 10_000;

/// A period: when it began, on a clock of 2³² milliseconds, and what was counted in it.
#[derive(Clone, Copy)]
struct Period {
    start: u32,
    count: u32,
}

/// The time on that clock. It begins where words that are all zero are long over.
pub(super) fn clock(since: Duration) -> u32 {
    // The wrapping is meant: only differences count.
    (since.as_millis() as u32).wrapping_add(1 << 31)
}

/// Counts `n` events.
pub(super) fn add(words: [&AtomicU64; 2], period: u32, now: u32, n: u64) {
    let n = u32::try_from(n).unwrap_or(u32::MAX);
    if n == 0 {
        return;
    }
    loop {
        let (raw, at) = current(words, now);
        let read = Period::from(raw[at]);
        let elapsed = read.elapsed(now);
        let (place, next) = if elapsed < period {
            let count = read.count.saturating_add(n);
            (at, Period { count, ..read })
        } else {
            let start = match elapsed < 2 * period {
                true => read.start.wrapping_add(period),
                false => now,
            };
            (1 - at, Period { start, count: n })
        };
        let swapped = words[place].compare_exchange(
            raw[place],
            next.into(),
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if swapped.is_ok() {
            return;
        }
    }
}

/// Events in the last `period`, as far as that can be told.
pub(super) fn read(words: [&AtomicU64; 2], period: u32, now: u32) -> u64 {
    let (raw, at) = current(words, now);
    let (last, before) = (Period::from(raw[at]), Period::from(raw[1 - at]));
    let elapsed = last.elapsed(now);
    let (count, past, left) = if elapsed < period {
        let follows = before.start.wrapping_add(period) == last.start;
        let past = if follows { before.count } else { 0 };
        (last.count, past, period - elapsed)
    } else if elapsed < 2 * period {
        (0, last.count, 2 * period - elapsed)
    } else {
        return 0;
    };
    let (count, past, left) = (u64::from(count), u64::from(past), u64::from(left));
    // Observed: a single event stays until its second period is over.
    if count == 0 && past <= 1 {
        return past;
    }
    count + past * left / u64::from(period)
}

/// Sets it to `n` events in a period that begins now.
pub(super) fn set(words: [&AtomicU64; 2], now: u32, n: u64) {
    let count = u32::try_from(n).unwrap_or(u32::MAX);
    words[1].store(0, Ordering::Release);
    words[0].store(Period { start: now, count }.into(), Ordering::Release);
}

/// Both words, and which of them is the current one.
fn current(words: [&AtomicU64; 2], now: u32) -> ([u64; 2], usize) {
    let raw = words.map(|word| word.load(Ordering::Acquire));
    let [first, second] = raw.map(|raw| Period::from(raw).since(now));
    (raw, usize::from(second < first))
}

impl Period {
    /// Since its start and `AHEAD`, which never wraps in use.
    fn since(self, now: u32) -> u32 {
        now.wrapping_add(AHEAD).wrapping_sub(self.start)
    }

    fn elapsed(self, now: u32) -> u32 {
        self.since(now).saturating_sub(AHEAD)
    }
}

impl From<u64> for Period {
    fn from(word: u64) -> Self {
        Self {
            start: (word >> 32) as u32,
            count: word as u32,
        }
    }
}

impl From<Period> for u64 {
    fn from(period: Period) -> Self {
        (Self::from(period.start) << 32) | Self::from(period.count)
    }
}
