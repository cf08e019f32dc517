//! `sample` of a log target: some of the lines.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use crate::config::{
    print::{ToToml, quoted},
    types::FromValue,
    value::Value,
};

/// Of each `size` lines in a row, those at some places: `"1:10"`, `"2-3,5:10"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSample {
    places: Vec<RangeInclusive<u32>>,
    size: u32,
}

/// Why a text is no sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogSampleError {
    /// It has no `:`.
    #[error("it has no `:` and number of lines behind")]
    NoSize,
    /// A place or the size is no number from 1 on.
    #[error("`{0}` is not a number from 1 on")]
    NotANumber(String),
    /// A range ends before it begins.
    #[error("`{0}` ends before it begins")]
    Backwards(String),
    /// A place is beyond the size.
    #[error("`{0}` is beyond the {1} lines")]
    Beyond(String, u32),
    /// A place is named twice.
    #[error("`{0}` is named twice")]
    Twice(String),
}

impl LogSample {
    /// Is line number `line`, counted from 0, one of them?
    pub fn takes(&self, line: u64) -> bool {
        let place = line % u64::from(self.size) + 1;
        let has = |range: &RangeInclusive<u32>| {
            (u64::from(*range.start())..=u64::from(*range.end())).contains(&place)
        };
        self.places.iter().any(has)
    }
}

impl FromStr for LogSample {
    type Err = LogSampleError;

    fn from_str(text: &str) -> Result<Self, LogSampleError> {
        let number = |text: &str| {
            let number = text.parse().ok().filter(|number| *number > 0);
            number.ok_or_else(|| LogSampleError::NotANumber(text.to_owned()))
        };
        let (list, size) = text.split_once(':').ok_or(LogSampleError::NoSize)?;
        let size = number(size)?;
        let mut places: Vec<RangeInclusive<u32>> = Vec::new();
        for part in list.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return Err(LogSampleError::Backwards(part.to_owned()));
            }
            if last > size {
                return Err(LogSampleError::Beyond(part.to_owned(), size));
            }
            let meets =
                |range: &RangeInclusive<u32>| first <= *range.end() && *range.start() <= last;
            if places.iter().any(meets) {
                return Err(LogSampleError::Twice(part.to_owned()));
            }
            places.push(first..=last);
        }
        Ok(Self { places, size })
    }
}

impl fmt::Display for LogSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.places.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}-{last}")?,
            }
        }
        write!(f, ":{}", self.size)
    }
}

impl FromValue for LogSample {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.parse(str::parse)
    }
}

impl ToToml for LogSample {
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_places_of_every_row_are_taken() {
        let sample: LogSample = "1-2,4:5".parse().unwrap();
        let taken: Vec<u64> = (0..11).filter(|line| sample.takes(*line)).collect();
        assert_eq!(taken, [0, 1, 3, 5, 6, 8, 10]);
        assert_eq!(sample.to_string(), "1-2,4:5");
    }

    #[test]
    fn what_is_no_sample_says_why() {
        let error = |text: &str| text.parse::<LogSample>().unwrap_err().to_string();
        assert_eq!(error("1"), "it has no `:` and number of lines behind");
        assert_eq!(error("0:3"), "`0` is not a number from 1 on");
        assert_eq!(error("1:x"), "`x` is not a number from 1 on");
        assert_eq!(error("3-2:5"), "`3-2` ends before it begins");
        assert_eq!(error("2-6:5"), "`2-6` is beyond the 5 lines");
        assert_eq!(error("1-3,3:5"), "`3` is named twice");
    }
}
