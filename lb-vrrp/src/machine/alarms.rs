//! What an operator is told, so seldom that a forger of packets cannot fill the log.

use std::time::{Duration, Instant};

use super::{Action, Alarm, Machine};

/// The same alarm is not raised again within this time.
const ALARM_AGAIN: Duration = Duration::from_secs(60);
/// More kinds of alarm than this at once are a forger's work; old ones are forgotten.
pub(super) const ALARMS: usize = 64;

impl Machine {
    pub(super) fn alarm(&mut self, now: Instant, alarm: Alarm) {
        let recent = |at: &Instant| now < *at + ALARM_AGAIN;
        if self.alarms.get(&alarm).is_some_and(recent) {
            return;
        }
        if self.alarms.len() >= ALARMS {
            self.alarms.retain(|_, at| recent(at));
        }
        // What no packet can raise is never crowded out.
        let own = matches!(
            alarm,
            Alarm::Isolated | Alarm::NoSuccessor | Alarm::AddressLost { .. }
        );
        if own || self.alarms.len() < ALARMS {
            self.alarms.insert(alarm.clone(), now);
            self.actions.push_back(Action::Alarm(alarm));
        }
    }
}
