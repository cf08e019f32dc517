//! From results to a verdict: Keepalived's `rise`, `fall` and `init_fail`.
//!
//! A counter runs from 0 to `rise + fall - 1`, and from `rise` on the script is OK. Only results
//! in a row count: a success while OK puts it at its top, a failure while failed at 0. The first
//! result of all decides by itself, whatever `rise` and `fall` are.

use std::num::NonZeroU32;

/// What is known of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It has not answered yet.
    Pending,
    /// It succeeds.
    Ok,
    /// It fails.
    Failed,
}

/// Counts results.
///
/// ```
/// use std::num::NonZeroU32;
/// use lb_vrrp::script::{Counter, Verdict};
///
/// let twice = NonZeroU32::new(2).unwrap();
/// let mut counter = Counter::new(NonZeroU32::MIN, twice, false);
/// assert_eq!(counter.record(true), Verdict::Ok);
/// assert_eq!(counter.record(false), Verdict::Ok);
/// assert_eq!(counter.record(false), Verdict::Failed);
/// ```
#[derive(Clone, Debug)]
pub struct Counter {
    rise: u64,
    top: u64,
    /// `None` before the first result.
    count: Option<u64>,
}

impl Counter {
    /// `rise` successes in a row make it OK, `fall` failures in a row failed. With `init_fail` it
    /// starts failed, and needs `rise` successes even at first.
    pub fn new(rise: NonZeroU32, fall: NonZeroU32, init_fail: bool) -> Self {
        let rise = u64::from(rise.get());
        Self {
            rise,
            top: rise + u64::from(fall.get()) - 1,
            count: init_fail.then_some(0),
        }
    }

    /// Adds a result; gives the verdict that follows.
    pub fn record(&mut self, success: bool) -> Verdict {
        self.count = Some(match (self.count, success) {
            (None, true) => self.top,
            (None, false) => 0,
            (Some(count), true) if count + 1 >= self.rise => self.top,
            (Some(count), true) => count + 1,
            (Some(count), false) if count > self.rise => count - 1,
            (Some(_), false) => 0,
        });
        self.verdict()
    }

    /// What is known now.
    pub const fn verdict(&self) -> Verdict {
        match self.count {
            None => Verdict::Pending,
            Some(count) if count >= self.rise => Verdict::Ok,
            Some(_) => Verdict::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counter(rise: u32, fall: u32, init_fail: bool) -> Counter {
        let number = |n| NonZeroU32::new(n).unwrap();
        Counter::new(number(rise), number(fall), init_fail)
    }

    /// `S` and `F` in, `+` for OK and `-` for failed out.
    fn verdicts(mut counter: Counter, results: &str) -> String {
        let record = |result| match counter.record(result == 'S') {
            Verdict::Ok => '+',
            Verdict::Failed => '-',
            Verdict::Pending => '?',
        };
        results.chars().map(record).collect()
    }

    #[test]
    fn the_first_result_decides_alone() {
        assert_eq!(counter(3, 3, false).verdict(), Verdict::Pending);
        assert_eq!(verdicts(counter(3, 3, false), "S"), "+");
        assert_eq!(verdicts(counter(3, 3, false), "F"), "-");
    }

    #[test]
    fn init_fail_starts_failed_and_needs_every_success() {
        assert_eq!(counter(3, 1, true).verdict(), Verdict::Failed);
        assert_eq!(verdicts(counter(3, 1, true), "SSS"), "--+");
    }

    /// Keepalived 2.2.7, rise 3 and fall 3, went down at the 7th result and up at the 13th.
    #[test]
    fn a_row_counts_as_keepalived_counts_it() {
        let seen = verdicts(counter(3, 3, false), "SFFSFFFSSFSSSS");
        assert_eq!(seen, "++++++------++");
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let mut counter = counter(u32::MAX, u32::MAX, false);
        assert_eq!(counter.record(true), Verdict::Ok);
        assert_eq!(counter.record(true), Verdict::Ok);
    }

    proptest! {
        /// The verdict is the one of the last row that was long enough.
        #[test]
        fn only_rows_change_the_verdict(
            rise in 1_u32..6,
            fall in 1_u32..6,
            init_fail: bool,
            results in prop::collection::vec(any::<bool>(), 1..60),
        ) {
            let mut counter = counter(rise, fall, init_fail);
            let mut ok = if init_fail { false } else { results[0] };
            let mut row = 0;
            let mut last = None;
            for &result in &results {
                row = if last == Some(result) { row + 1 } else { 1 };
                last = Some(result);
                if row >= if result { rise } else { fall } {
                    ok = result;
                }
                let expected = if ok { Verdict::Ok } else { Verdict::Failed };
                prop_assert_eq!(counter.record(result), expected);
            }
        }
    }
}
