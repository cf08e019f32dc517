//! Durations and sizes as they are written: `"1500ms"`, `"16KiB"`.

use std::{fmt, time::Duration};

/// The largest duration a file may state. Longer ones are typing errors, and the clock could not add them.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// In milliseconds.
const TIME_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// In bytes.
const SIZE_UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_in_units(f, self.0, &SIZE_UNITS)
    }
}

/// A duration as it is written in a file: a whole number of the largest unit that fits.
pub(crate) struct Written(pub(crate) Duration);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Durations come from files, in milliseconds, and are at most a year.
        write_in_units(
            f,
            u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX),
            &TIME_UNITS,
        )
    }
}

/// `"500ms"`, `"5s"`, `"1m"`, `"2h"`, `"1d"`.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    const USAGE: &str =
        "a duration is a whole number and a unit: \"500ms\", \"5s\", \"1m\", \"2h\" or \"1d\"";
    let millis = in_units(text, &TIME_UNITS).ok_or(USAGE)?;
    let duration = Duration::from_millis(millis);
    if duration > LONGEST {
        Err("a duration is at most \"365d\"")
    } else {
        Ok(duration)
    }
}

/// `"512B"`, `"16KiB"`, `"1MiB"`, `"1GiB"`.
pub(crate) fn byte_size(text: &str) -> Result<ByteSize, &'static str> {
    in_units(text, &SIZE_UNITS)
        .map(ByteSize)
        .ok_or("a size is a whole number and a unit: \"512B\", \"16KiB\", \"1MiB\" or \"1GiB\"")
}

fn in_units(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}

fn write_in_units(f: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)]) -> fmt::Result {
    let smallest = units[units.len() - 1];
    let fits = |(_, scale): &&(&str, u64)| value.is_multiple_of(*scale) && value > 0;
    // "0s" reads better than "0d": nothing divides into everything.
    let (name, scale) = units.iter().find(fits).unwrap_or(&smallest);
    write!(f, "{}{name}", value / scale)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_required_and_whole() {
        assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("1d"), Ok(Duration::from_secs(86_400)));
        assert_eq!(byte_size("16KiB"), Ok(ByteSize(16_384)));
        for wrong in [
            "",
            "5",
            "s",
            "1.5s",
            "-1s",
            "5 s",
            "5S",
            "366d",
            "99999999999999999999s",
            "5us",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        for wrong in ["16", "16k", "16KB", "99999999999GiB"] {
            assert!(byte_size(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in 0..31_536_000_000_u64, bytes in 0..u64::MAX) {
            let time = Duration::from_millis(millis);
            prop_assert_eq!(duration(&Written(time).to_string()), Ok(time));
            prop_assert_eq!(byte_size(&ByteSize(bytes).to_string()), Ok(ByteSize(bytes)));
        }
    }
}
