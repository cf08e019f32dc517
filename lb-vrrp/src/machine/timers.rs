//! The formulas of RFC 9568 §6.1 and RFC 3768 §6.1: how long a backup waits.

use std::time::Duration;

use crate::{Interval, Priority, Version};

/// `Skew_Time`: the lower the priority, the longer, so that the best backup is first.
///
/// In version 2 a fraction of a second whatever the interval, in version 3 of the interval:
/// `(256 - priority) / 256`.
pub fn skew(version: Version, priority: Priority, interval: Interval) -> Duration {
    let whole = match version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => interval.duration(),
    };
    whole * (256 - u32::from(priority.0)) / 256
}

/// `Active_Down_Interval`, in version 2 `Master_Down_Interval`: after this long without an
/// advertisement the master is gone. `missed` is 3 in the RFCs (Keepalived's
/// `down_timer_adverts`).
pub fn master_down(
    version: Version,
    priority: Priority,
    interval: Interval,
    missed: u8,
) -> Duration {
    interval.duration() * u32::from(missed) + skew(version, priority, interval)
}

/// How long a master that says it stops may have to wait for its successor: the skew of the
/// lowest priority, and a moment for the packets and a busy machine.
pub(super) fn succession(version: Version, interval: Interval) -> Duration {
    const MOMENT: Duration = Duration::from_millis(200);
    skew(version, Priority(1), interval) + MOMENT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of examples every operator's guide has.
    #[test]
    fn the_formulas_give_the_known_examples() {
        let cs = |n| Interval::from_centiseconds(Version::V3, n).unwrap();
        let second = Interval::DEFAULT;
        let micros = |version, priority, interval| {
            master_down(version, Priority(priority), interval, 3).as_micros()
        };
        assert_eq!(micros(Version::V2, 100, second), 3_609_375);
        assert_eq!(micros(Version::V2, 254, second), 3_007_812);
        assert_eq!(micros(Version::V3, 100, second), 3_609_375);
        assert_eq!(micros(Version::V3, 100, cs(10)), 360_937);
        assert_eq!(micros(Version::V3, 100, cs(1)), 36_093);
        let two = Interval::from_centiseconds(Version::V2, 200).unwrap();
        assert_eq!(
            skew(Version::V2, Priority(128), two),
            Duration::from_millis(500)
        );
        assert_eq!(
            skew(Version::V3, Priority(128), two),
            Duration::from_secs(1)
        );
    }
}
