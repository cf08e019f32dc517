//! From answers to a verdict, without a clock and without a socket.

use std::net::IpAddr;

/// A target is down after so many misses in a row: one lost packet says nothing.
const MISSES: u8 = 2;

/// Who answers, and whether that is enough.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    targets: Vec<Target>,
    min_up: usize,
}

#[derive(Clone, Debug)]
struct Target {
    address: IpAddr,
    /// It has answered, now or before its misses.
    answered: bool,
    misses: u8,
}

impl Target {
    const fn up(&self) -> bool {
        self.answered && self.misses < MISSES
    }

    const fn down(&self) -> bool {
        self.misses >= MISSES
    }
}

impl Tally {
    pub(super) fn new(targets: &[IpAddr], min_up: usize) -> Self {
        let target = |&address| Target {
            address,
            answered: false,
            misses: 0,
        };
        Self {
            targets: targets.iter().map(target).collect(),
            min_up,
        }
    }

    /// Adds what came of one question to the target numbered `at`.
    pub(super) fn record(&mut self, at: usize, answered: bool) {
        let target = &mut self.targets[at];
        if answered {
            target.answered = true;
            target.misses = 0;
        } else {
            target.misses = target.misses.saturating_add(1);
        }
    }

    /// Whether enough answer; `None` while targets that have neither answered nor missed often
    /// enough would decide it.
    pub(super) fn reachable(&self) -> Option<bool> {
        let up = self.targets.iter().filter(|target| target.up()).count();
        let down = self.targets.iter().filter(|target| target.down()).count();
        if up >= self.min_up {
            Some(true)
        } else if self.targets.len() - down < self.min_up {
            Some(false)
        } else {
            None
        }
    }

    /// Who answers and who does not, in words.
    pub(super) fn words(&self) -> String {
        let names = |up: bool| {
            let targets = self.targets.iter().filter(|target| target.up() == up);
            let names: Vec<_> = targets.map(|target| target.address.to_string()).collect();
            names.join(", ")
        };
        let (up, silent) = (names(true), names(false));
        match self.reachable() {
            Some(true) => format!("witness: answered by {up}"),
            _ if up.is_empty() => format!("witness: none of {silent} answers"),
            _ => format!(
                "witness: answered by {up} but not by {silent}, and {} must answer",
                self.min_up
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally(targets: u8, min_up: usize) -> Tally {
        let address = |n| IpAddr::from([192, 0, 2, n]);
        Tally::new(&(1..=targets).map(address).collect::<Vec<_>>(), min_up)
    }

    #[test]
    fn one_miss_says_nothing_and_two_say_down() {
        let mut tally = tally(1, 1);
        assert_eq!(tally.reachable(), None);
        tally.record(0, false);
        assert_eq!(tally.reachable(), None);
        tally.record(0, false);
        assert_eq!(tally.reachable(), Some(false));
        assert_eq!(tally.words(), "witness: none of 192.0.2.1 answers");
        tally.record(0, true);
        assert_eq!(tally.reachable(), Some(true));
        assert_eq!(tally.words(), "witness: answered by 192.0.2.1");
        tally.record(0, false);
        assert_eq!(tally.reachable(), Some(true));
        tally.record(0, true);
        tally.record(0, false);
        assert_eq!(tally.reachable(), Some(true));
        tally.record(0, false);
        assert_eq!(tally.reachable(), Some(false));
    }

    #[test]
    fn as_many_as_asked_for_must_answer() {
        let mut tally = tally(3, 2);
        tally.record(0, true);
        assert_eq!(tally.reachable(), None);
        for at in [1, 2, 1, 2] {
            tally.record(at, false);
        }
        assert_eq!(tally.reachable(), Some(false));
        let said =
            "witness: answered by 192.0.2.1 but not by 192.0.2.2, 192.0.2.3, and 2 must answer";
        assert_eq!(tally.words(), said);
        tally.record(2, true);
        assert_eq!(tally.reachable(), Some(true));
    }

    proptest! {
        /// Every target has an answer or two misses: the verdict is the count of those up.
        #[test]
        fn what_is_known_is_the_count(
            rounds in prop::collection::vec(prop::collection::vec(any::<bool>(), 4), 2..20),
            min_up in 1_usize..=4,
        ) {
            let mut tally = tally(4, min_up);
            for round in &rounds {
                for (at, &answered) in round.iter().enumerate() {
                    tally.record(at, answered);
                }
            }
            let up = (0..4).filter(|&at| {
                let recent: Vec<_> = rounds.iter().rev().take(2).map(|round| round[at]).collect();
                recent.contains(&true)
            });
            prop_assert_eq!(tally.reachable(), Some(up.count() >= min_up));
        }
    }
}
