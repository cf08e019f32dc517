//! The advertisement interval, in the unit and range of each version.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::Version;

/// The time between two advertisements, in centiseconds: 1 to 4095 in version 3, whole seconds
/// from 1 to 255 in version 2 (RFC 9568 §5.2.7, RFC 3768 §5.3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Interval(u16);

impl Interval {
    /// One second, the default of both versions.
    pub const DEFAULT: Self = Self(100);

    /// The interval of `duration`.
    ///
    /// # Errors
    /// What `version` cannot carry: no rounding is done.
    pub fn new(version: Version, duration: Duration) -> Result<Self, IntervalError> {
        let error = IntervalError { version, duration };
        let centiseconds = u16::try_from(duration.as_millis() / 10).map_err(|_| error)?;
        if Duration::from_millis(u64::from(centiseconds) * 10) != duration {
            return Err(error);
        }
        Self::from_centiseconds(version, centiseconds).ok_or(error)
    }

    /// `None` where `version` cannot carry it.
    pub const fn from_centiseconds(version: Version, centiseconds: u16) -> Option<Self> {
        let fits = match version {
            Version::V2 => {
                centiseconds.is_multiple_of(100) && centiseconds >= 100 && centiseconds <= 25_500
            }
            Version::V3 => centiseconds >= 1 && centiseconds <= 4095,
        };
        if fits { Some(Self(centiseconds)) } else { None }
    }

    /// In the unit of version 3.
    pub const fn centiseconds(self) -> u16 {
        self.0
    }

    /// In the unit of version 2, rounded down.
    pub const fn seconds(self) -> u8 {
        (self.0 / 100) as u8
    }

    /// As a length of time.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0 as u64 * 10)
    }
}

impl Default for Interval {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.duration())
    }
}

/// An interval that the version cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{duration:?} cannot be carried: {}", range(*.version))]
pub struct IntervalError {
    version: Version,
    duration: Duration,
}

fn range(version: Version) -> &'static str {
    match version {
        Version::V2 => "version 2 counts whole seconds, 1 to 255",
        Version::V3 => "version 3 counts centiseconds, 10 ms to 40.95 s",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_carries_only_its_own_unit_and_range() {
        let ms = Duration::from_millis;
        assert!(Interval::new(Version::V2, ms(500)).is_err());
        assert!(Interval::new(Version::V2, ms(0)).is_err());
        assert!(Interval::new(Version::V2, ms(256_000)).is_err());
        assert!(Interval::new(Version::V3, ms(15)).is_err());
        assert!(Interval::new(Version::V3, ms(40_960)).is_err());
        assert_eq!(
            Interval::new(Version::V2, ms(255_000)).unwrap().seconds(),
            255
        );
        assert_eq!(
            Interval::new(Version::V3, ms(10)).unwrap().centiseconds(),
            1
        );
        assert_eq!(
            Interval::new(Version::V2, ms(1500))
                .unwrap_err()
                .to_string(),
            "1.5s cannot be carried: version 2 counts whole seconds, 1 to 255"
        );
    }
}
