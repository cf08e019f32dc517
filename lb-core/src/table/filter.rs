//! Choosing among entries: `show table t data.http_req_rate gt 10`.

use std::str::FromStr;

use tokio::time::Instant;

use super::{data::DataType, entry::Entry};

/// What an entry must be like to be shown or cleared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Filter {
    data: DataType,
    comparison: Comparison,
    value: i64,
}

/// How two numbers are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// `eq`.
    Equal,
    /// `ne`.
    Unequal,
    /// `lt`.
    Less,
    /// `le`.
    LessOrEqual,
    /// `gt`.
    Greater,
    /// `ge`.
    GreaterOrEqual,
}

/// A word that compares nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected `eq`, `ne`, `lt`, `le`, `gt` or `ge`")]
pub struct InvalidComparison;

impl Filter {
    /// Entries whose `data` compares so with `value`; data that is not stored never does.
    #[must_use]
    pub fn new(data: DataType, comparison: Comparison, value: i64) -> Self {
        Self {
            data,
            comparison,
            value,
        }
    }

    /// What it looks at.
    #[must_use]
    pub fn data(&self) -> DataType {
        self.data
    }

    /// Does it take this entry?
    #[must_use]
    pub fn takes(&self, entry: &Entry, now: Instant) -> bool {
        let Some(stored) = entry.value(self.data, 0, now) else {
            return false;
        };
        let stored = i64::try_from(stored).unwrap_or(i64::MAX);
        match self.comparison {
            Comparison::Equal => stored == self.value,
            Comparison::Unequal => stored != self.value,
            Comparison::Less => stored < self.value,
            Comparison::LessOrEqual => stored <= self.value,
            Comparison::Greater => stored > self.value,
            Comparison::GreaterOrEqual => stored >= self.value,
        }
    }
}

impl FromStr for Comparison {
    type Err = InvalidComparison;

    fn from_str(word: &str) -> Result<Self, InvalidComparison> {
        Ok(match word {
            "eq" => Self::Equal,
            "ne" => Self::Unequal,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            _ => return Err(InvalidComparison),
        })
    }
}
