//! Time as a sequence: what makes yesterday's signature worthless today.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use crate::Interval;

/// Seconds since 1970 (32 bits), 1/65536 of a second (16) and a count within that (16). As one
/// number it grows with each message a sender signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::packet) struct Sequence(pub(super) u64);

impl Sequence {
    pub(super) fn at(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        // 2106 is the last year this form knows.
        let seconds = u64::from(u32::try_from(since.as_secs()).unwrap_or(u32::MAX));
        let fraction = (u64::from(since.subsec_nanos()) << 16) / 1_000_000_000;
        Self(seconds << 32 | fraction << 16)
    }

    /// How far two of them are apart.
    pub(super) fn distance(self, other: Self) -> Duration {
        let ticks = (self.0 >> 16).abs_diff(other.0 >> 16);
        Duration::from_secs(ticks >> 16)
            + Duration::from_nanos(((ticks & 0xffff) * 1_000_000_000) >> 16)
    }

    /// What a sender whose last was `self` signs with at `now`.
    ///
    /// A clock that was set back a little makes it count on from the last; one that was further
    /// ahead than the window was of no use to any receiver, and the sender follows it back. Without
    /// a window receivers know no time, and counting on is all they understand.
    pub(super) fn next(self, now: SystemTime, replay: AntiReplay) -> Self {
        let (next, now) = (Self(self.0.saturating_add(1)), Self::at(now));
        match replay {
            AntiReplay::Window(window) if next.distance(now) > window.0 => now,
            AntiReplay::Window(_) | AntiReplay::Monotonic => next.max(now),
        }
    }
}

/// How a receiver knows that it has not seen a message before (Keepalived's `anti_replay`). Either
/// way a sender's messages must be signed later than the last one received from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AntiReplay {
    /// The message was signed within this time of the receiver's clock, so clocks must agree so far.
    Window(Window),
    /// No clock is compared: after its start a receiver takes whatever was once signed.
    Monotonic,
}

impl AntiReplay {
    /// A window of three intervals, of 5 s at least and of 300 s at most: what Keepalived does.
    pub fn for_interval(interval: Interval) -> Self {
        let window = (interval.duration() * 3).clamp(Duration::from_secs(5), Window::MAX);
        Self::Window(Window(window))
    }
}

/// How far clocks may differ: 1 s to 300 s (Keepalived's `time_window`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window(Duration);

impl Window {
    /// The shortest.
    pub const MIN: Duration = Duration::from_secs(1);
    /// The longest.
    pub const MAX: Duration = Duration::from_secs(300);

    /// A window of `duration`.
    ///
    /// # Errors
    /// If it is shorter than [`MIN`](Self::MIN) or longer than [`MAX`](Self::MAX).
    pub fn new(duration: Duration) -> Result<Self, WindowError> {
        if (Self::MIN..=Self::MAX).contains(&duration) {
            Ok(Self(duration))
        } else {
            Err(WindowError(duration))
        }
    }

    /// Its length.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

/// A length of time that cannot be a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a window is 1 s to 300 s long, and not {0:?}")]
pub struct WindowError(Duration);

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    const FIVE: AntiReplay = AntiReplay::Window(Window(Duration::from_secs(5)));

    #[test]
    fn seconds_fraction_count() {
        let time = seconds(0x6800_0000) + Duration::from_millis(500);
        assert_eq!(Sequence::at(time).0, 0x6800_0000_8000_0000);
        let last = UNIX_EPOCH + Duration::from_nanos(999_999_999);
        assert_eq!(Sequence::at(last).0, 0xffff_0000);
        assert_eq!(Sequence::at(UNIX_EPOCH - Duration::from_secs(9)).0, 0);
        assert_eq!(Sequence::at(seconds(1 << 40)).0 >> 32, 0xffff_ffff);
    }

    #[test]
    fn a_distance_has_no_direction() {
        let (early, late) = (
            Sequence::at(seconds(100)),
            Sequence(102 << 32 | 0x4000_0007),
        );
        assert_eq!(early.distance(late), Duration::from_millis(2250));
        assert_eq!(late.distance(early), Duration::from_millis(2250));
    }

    #[test]
    fn each_is_later_than_the_last() {
        let first = Sequence::default().next(seconds(100), FIVE);
        assert_eq!(first, Sequence::at(seconds(100)));
        let again = first.next(seconds(100), FIVE);
        assert_eq!(again.0, first.0 + 1);
        // The count runs over into the fraction.
        let full = Sequence(first.0 | 0xffff);
        assert!(full.next(seconds(100), FIVE) > full);
    }

    #[test]
    fn a_clock_set_back_is_followed_only_beyond_the_window() {
        let last = Sequence::at(seconds(100));
        assert!(last.next(seconds(97), FIVE) > last);
        assert_eq!(last.next(seconds(94), FIVE), Sequence::at(seconds(94)));
        assert!(last.next(seconds(94), AntiReplay::Monotonic) > last);
        assert_eq!(last.next(seconds(900), FIVE), Sequence::at(seconds(900)));
    }

    #[test]
    fn windows() {
        assert!(Window::new(Duration::from_millis(999)).is_err());
        assert!(Window::new(Duration::from_secs(301)).is_err());
        let of = |centiseconds| {
            let interval = Interval::from_centiseconds(crate::Version::V2, centiseconds);
            AntiReplay::for_interval(interval.unwrap())
        };
        assert_eq!(of(100), FIVE);
        assert_eq!(of(400), AntiReplay::Window(Window(Duration::from_secs(12))));
        assert_eq!(of(25_500), AntiReplay::Window(Window(Window::MAX)));
    }
}
