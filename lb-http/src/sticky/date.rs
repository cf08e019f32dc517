//! The dates that an inserted cookie carries for `max_idle` and `max_life`:
//! `SRV=c1|<last use>|<first use>`.
//!
//! A date is Unix time in steps of four seconds, rounded up, in 30 bits, as five
//! base64 characters, most significant first. It lasts until the year 2106.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A clock may be wrong by this much; a date further ahead is not believed.
const TOLERANCE: u64 = 24 * 3600;

/// Writes a time in seconds since 1970.
pub fn encode(unix: u64) -> [u8; 5] {
    let steps = unix.saturating_add(3) / 4;
    // The index is below 64.
    [24, 18, 12, 6, 0].map(|shift| ALPHABET[(steps >> shift) as usize & 63])
}

/// Reads a date in seconds since 1970, a multiple of four; what follows the five
/// characters does not count. `None` for what is no date, and for 0.
pub fn decode(text: &[u8]) -> Option<u64> {
    let steps = text.get(..5)?.iter().try_fold(0, |steps, &byte| {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        Some(steps << 6 | u64::from(digit))
    })?;
    (steps != 0).then_some(steps * 4)
}

/// The dates of one cookie, in seconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dates {
    /// When it was last given to the client.
    pub last: Option<u64>,
    /// When the client came first.
    pub first: Option<u64>,
}

impl Dates {
    /// Reads what follows the first `|` of a value: `<last>`, or
    /// `<last>|<first>`.
    pub fn parse(text: &[u8]) -> Self {
        let mut dates = text.split(|&byte| byte == b'|').map(decode);
        Self {
            last: dates.next().flatten(),
            first: dates.next().flatten(),
        }
    }
}

/// How long a cookie is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// Seconds since its last use (`maxidle`).
    pub max_idle: Option<u64>,
    /// Seconds since its first use (`maxlife`).
    pub max_life: Option<u64>,
}

/// Is a cookie still good?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Age {
    /// Yes. A cookie without a date is.
    Good,
    /// Not used for too long.
    Idle,
    /// In use for too long.
    Old,
}

impl Limits {
    /// Judges a cookie at the time `now`, which is asked for only if it matters.
    /// A date too far in the future counts as expired.
    pub fn judge(self, dates: Dates, now: impl Fn() -> u64) -> Age {
        let past = |date: Option<u64>, limit: Option<u64>| match (date, limit) {
            (Some(date), Some(limit)) => {
                let now = now();
                date.saturating_add(limit) < now || date > now + TOLERANCE
            }
            _ => false,
        };
        if past(dates.first, self.max_life) {
            Age::Old
        } else if past(dates.last, self.max_idle) {
            Age::Idle
        } else {
            Age::Good
        }
    }

    /// Must a good cookie be written again: is its date of last use in the past,
    /// or does it lack a date that these limits need or carry one that they do
    /// not?
    pub fn wants_refresh(self, dates: Dates, now: impl Fn() -> u64) -> bool {
        dates.last.is_some_and(|last| last < now())
            || self.max_idle.is_some() && dates.last.is_none()
            || self.max_life.is_some() != dates.first.is_some()
    }

    /// What follows the value of a cookie written at `now` for a client that
    /// came first at `first`: nothing, `|<last>` or `|<last>|<first>`.
    pub fn suffix(self, first: Option<u64>, now: u64, buffer: &mut Vec<u8>) {
        if self.max_idle.is_some() || self.max_life.is_some() {
            buffer.push(b'|');
            buffer.extend_from_slice(&encode(now));
        }
        if self.max_life.is_some() {
            buffer.push(b'|');
            buffer.extend_from_slice(&encode(first.unwrap_or(now)));
        }
    }

    /// Are there any?
    pub fn any(self) -> bool {
        self.max_idle.is_some() || self.max_life.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The time of the cookie `SRV=c1|awAFT|awAFT`, seen from HAProxy 2.6.12.
    const NOW: u64 = 1_795_163_468;

    const HOUR: Limits = Limits {
        max_idle: Some(3600),
        max_life: None,
    };

    #[test]
    fn writes_what_haproxy_writes() {
        assert_eq!(&encode(NOW), b"awAFT");
        assert_eq!(&encode(NOW - 3), b"awAFT");
        assert_eq!(&encode(NOW - 4), b"awAFS");
        assert_eq!(decode(b"awAFT"), Some(NOW));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "awAF", "aw|FT", "!!!!!", "AAAAA"] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
        let both = Dates::parse(b"awAFTjunk|awAFS|x");
        assert_eq!((both.last, both.first), (Some(NOW), Some(NOW - 4)));
        assert_eq!(Dates::parse(b"|awAFS").first, Some(NOW - 4));
    }

    #[test]
    fn expires_after_the_limit_and_not_at_it() {
        let last = |last| Dates {
            last: Some(last),
            first: None,
        };
        assert_eq!(HOUR.judge(last(NOW - 3600), || NOW), Age::Good);
        assert_eq!(HOUR.judge(last(NOW - 3604), || NOW), Age::Idle);
        assert_eq!(HOUR.judge(last(NOW + TOLERANCE), || NOW), Age::Good);
        assert_eq!(HOUR.judge(last(NOW + TOLERANCE + 4), || NOW), Age::Idle);
        assert_eq!(HOUR.judge(Dates::default(), || NOW), Age::Good);
        assert_eq!(Limits::default().judge(last(4), || NOW), Age::Good);
    }

    #[test]
    fn the_first_use_weighs_more_than_the_last() {
        let limits = Limits {
            max_idle: Some(60),
            max_life: Some(300),
        };
        let dates = |last, first| Dates {
            last: Some(NOW - last),
            first: Some(NOW - first),
        };
        assert_eq!(limits.judge(dates(120, 400), || NOW), Age::Old);
        assert_eq!(limits.judge(dates(120, 120), || NOW), Age::Idle);
        assert_eq!(limits.judge(dates(0, 120), || NOW), Age::Good);
    }

    #[test]
    fn refreshes_once_a_step_and_when_a_date_is_missing_or_too_many() {
        let dates = |last, first| Dates { last, first };
        assert!(!HOUR.wants_refresh(dates(Some(NOW), None), || NOW));
        assert!(HOUR.wants_refresh(dates(Some(NOW), None), || NOW + 1));
        assert!(HOUR.wants_refresh(dates(None, None), || NOW));
        assert!(HOUR.wants_refresh(dates(Some(NOW), Some(NOW)), || NOW));
        assert!(!Limits::default().wants_refresh(dates(None, None), || NOW));
    }

    proptest! {
        #[test]
        fn a_date_is_read_as_it_was_written_rounded_up(unix in 1u64..(1 << 32) - 3) {
            prop_assert_eq!(decode(&encode(unix)), Some(unix.div_ceil(4) * 4));
        }

        #[test]
        fn no_text_panics(text in prop::collection::vec(any::<u8>(), 0..20), now in any::<u32>()) {
            let dates = Dates::parse(&text);
            HOUR.judge(dates, || u64::from(now));
        }
    }
}
