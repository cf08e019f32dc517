//! When a master announces its addresses: a schedule spread over seconds after a takeover, a
//! refresh if wanted, and at once when another host claims one.
//!
//! Keepalived sends five at once and five more after 5 s; whom the first five did not reach, or
//! whom another master's misled in between, it leaves at the wrong machine until then.

use std::time::{Duration, Instant};

/// Answers to claims are this far apart at first; each doubles it, so that two hosts that both
/// hold on to an address do not flood the network.
const DEFENCE_MIN: Duration = Duration::from_millis(20);
const DEFENCE_MAX: Duration = Duration::from_secs(1);
/// After this long without a claim the next is answered at once again.
const PEACE: Duration = Duration::from_secs(10);
/// The whole schedule is not begun anew more often than this.
const RESTART: Duration = Duration::from_millis(100);

/// The times of one master's announcements. Empty while not master.
#[derive(Debug, Default)]
pub(super) struct Announcements {
    /// When the schedule began, and how much of it is done.
    run: Option<Run>,
    /// A new run that is wanted, and from when it may begin.
    again: Option<Instant>,
    defence: Option<Defence>,
}

#[derive(Debug)]
struct Run {
    began: Instant,
    done: usize,
    last: Instant,
}

#[derive(Debug)]
struct Defence {
    last_claim: Instant,
    answered: Instant,
    spacing: Duration,
    due: Option<Instant>,
}

impl Announcements {
    /// Begins the schedule, now if the last run is not too young.
    pub(super) fn start(&mut self, now: Instant) {
        let earliest = self.run.as_ref().map_or(now, |run| run.began + RESTART);
        self.again = Some(now.max(earliest));
    }

    /// No more announcements: not master any more.
    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }

    /// Another host claimed an address: it is answered, at once the first time.
    pub(super) fn claimed(&mut self, now: Instant) {
        match &mut self.defence {
            Some(defence) if now < defence.last_claim + PEACE => {
                defence.last_claim = now;
                let earliest = defence.answered + defence.spacing;
                defence.due.get_or_insert(now.max(earliest));
            }
            defence => {
                *defence = Some(Defence {
                    last_claim: now,
                    answered: now,
                    spacing: DEFENCE_MIN / 2,
                    due: Some(now),
                });
            }
        }
    }

    /// When the next announcement is due.
    pub(super) fn next(&self, schedule: &[Duration], refresh: Option<Duration>) -> Option<Instant> {
        let scheduled = self
            .run
            .as_ref()
            .and_then(|run| match schedule.get(run.done) {
                Some(&offset) => Some(run.began + offset),
                None => refresh.map(|every| run.last + every),
            });
        let defence = self.defence.as_ref().and_then(|defence| defence.due);
        [scheduled, self.again, defence].into_iter().flatten().min()
    }

    /// Takes note that an announcement goes out now, if one is due.
    pub(super) fn take(
        &mut self,
        now: Instant,
        schedule: &[Duration],
        refresh: Option<Duration>,
    ) -> bool {
        if self.next(schedule, refresh).is_none_or(|due| now < due) {
            return false;
        }
        if self.again.is_some_and(|from| from <= now) {
            self.again = None;
            self.run = Some(Run {
                began: now,
                done: 0,
                last: now,
            });
        }
        if let Some(run) = &mut self.run {
            // One announcement does for all that are due: after a pause they are not caught up.
            let passed = |offset: &&Duration| run.began + **offset <= now;
            run.done = schedule.iter().take_while(passed).count();
            run.last = now;
        }
        if let Some(defence) = &mut self.defence
            && defence.due.is_some_and(|due| due <= now)
        {
            defence.due = None;
            defence.answered = now;
            defence.spacing = (defence.spacing * 2).min(DEFENCE_MAX);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// The times, in ms, at which `announcements` speaks until `end`.
    fn run(
        announcements: &mut Announcements,
        start: Instant,
        from: u64,
        end: u64,
        refresh: Option<Duration>,
    ) -> Vec<u64> {
        let schedule = [0, 20, 60, 150].map(ms);
        (from..end)
            .filter(|&at| announcements.take(start + ms(at), &schedule, refresh))
            .collect()
    }

    #[test]
    fn the_schedule_is_spoken_once_and_then_refreshed() {
        let start = tokio::time::Instant::now().into_std();
        let mut announcements = Announcements::default();
        announcements.start(start);
        assert_eq!(
            run(&mut announcements, start, 0, 400, Some(ms(100))),
            [0, 20, 60, 150, 250, 350]
        );
        announcements.stop();
        assert_eq!(run(&mut announcements, start, 400, 900, None), []);
    }

    #[test]
    fn a_new_run_waits_until_the_last_is_not_too_young() {
        let start = tokio::time::Instant::now().into_std();
        let mut announcements = Announcements::default();
        announcements.start(start);
        assert_eq!(run(&mut announcements, start, 0, 30, None), [0, 20]);
        announcements.start(start + ms(30));
        announcements.start(start + ms(31));
        assert_eq!(
            run(&mut announcements, start, 31, 500, None),
            [60, 100, 120, 160, 250]
        );
    }

    #[test]
    fn claims_are_answered_at_once_then_ever_more_rarely() {
        let start = tokio::time::Instant::now().into_std();
        let mut announcements = Announcements::default();
        let mut spoken = Vec::new();
        // A host that claims the address every millisecond for 3 s.
        for at in 0..3000 {
            announcements.claimed(start + ms(at));
            if announcements.take(start + ms(at), &[], None) {
                spoken.push(at);
            }
        }
        assert_eq!(spoken, [0, 20, 60, 140, 300, 620, 1260, 2260]);
        // The last claim is always answered.
        assert_eq!(announcements.next(&[], None), Some(start + ms(2260 + 1000)));
        // After peace the next is answered at once.
        assert!(announcements.take(start + ms(3260), &[], None));
        announcements.claimed(start + ms(14_000));
        assert!(announcements.take(start + ms(14_000), &[], None));
    }
}
