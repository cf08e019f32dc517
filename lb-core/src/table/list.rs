//! Looking through a table, setting and clearing: `show table`, `set table`, `clear table`.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Table,
    data::{DataType, Stored},
    entry::Entry,
    filter::Filter,
    key::Key,
};

/// An entry as it is shown.
#[derive(Debug)]
pub struct Listed<'t> {
    table: &'t Table,
    entry: Arc<Entry>,
    /// After what time it is forgotten, if nobody tracks it until then; zero without `expire`.
    expires: Duration,
    now: Instant,
}

/// Why an entry stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Requests count in it.
    #[error("the entry is in use")]
    InUse,
    /// There is no such key.
    #[error("there is no such key")]
    Unknown,
    /// There is no room for a new key.
    #[error("the table is full")]
    Full,
    /// The table does not store this.
    #[error("the table does not store `{0}`")]
    NotStored(DataType),
}

impl Table {
    /// Calls `visit` with every entry that all `filters` take, in no order.
    pub fn list(&self, now: Instant, filters: &[Filter], mut visit: impl FnMut(Listed<'_>)) {
        self.entries.visit(now, |_, entry, idle| {
            if filters.iter().all(|filter| filter.takes(&entry, now)) {
                let left = |expire: Duration| expire.saturating_sub(idle);
                visit(Listed {
                    table: self,
                    entry,
                    expires: self.expire().map(left).unwrap_or_default(),
                    now,
                });
            }
        });
    }

    /// The entry of one key, as it is shown.
    #[must_use]
    pub fn listed(&self, now: Instant, key: &Key) -> Option<Listed<'_>> {
        let (entry, idle) = self.entries.peek_with_idle(now, key)?;
        let left = |expire: Duration| expire.saturating_sub(idle);
        Some(Listed {
            table: self,
            entry,
            expires: self.expire().map(left).unwrap_or_default(),
            now,
        })
    }

    /// What is shown of each entry: `gpc0`, `http_req_rate(10000)`, with periods in milliseconds.
    pub fn columns(&self) -> impl Iterator<Item = impl fmt::Display> {
        self.numbered().map(|(stored, index)| Column(stored, index))
    }

    fn numbered(&self) -> impl Iterator<Item = (Stored, u16)> {
        let all = self.stored().iter();
        all.flat_map(|stored| (0..stored.count).map(|index| (*stored, index)))
    }

    /// Sets data of a key, which is new if it must be (`set table`).
    ///
    /// # Errors
    /// The data is not stored, or there is no room.
    pub fn set(&self, now: Instant, key: &Key, values: &[(DataType, u64)]) -> Result<(), Refused> {
        if let Some((data, _)) = values.iter().find(|(data, _)| !self.stores(*data, 0)) {
            return Err(Refused::NotStored(*data));
        }
        let entry = self.entry(now, key).ok_or(Refused::Full)?;
        for (data, value) in values {
            entry.set(*data, 0, *value, now);
        }
        Ok(())
    }

    /// Forgets one key (`clear table … key`).
    ///
    /// # Errors
    /// It is in use, or not there.
    pub fn clear_key(&self, now: Instant, key: &Key) -> Result<(), Refused> {
        let entry = self.find(now, key).ok_or(Refused::Unknown)?;
        if entry.is_held() {
            return Err(Refused::InUse);
        }
        self.entries.forget(key);
        Ok(())
    }

    /// Forgets all entries that all `filters` take and that nobody uses; says how many (`clear table`).
    pub fn clear(&self, now: Instant, filters: &[Filter]) -> usize {
        self.entries.remove_if(now, |_, entry| {
            !entry.is_held() && filters.iter().all(|filter| filter.takes(entry, now))
        })
    }
}

impl Listed<'_> {
    /// What is stored of each [column](Table::columns), in their order.
    pub fn values(&self) -> impl Iterator<Item = u64> {
        self.table.numbered().map(|(stored, index)| {
            let value = self.entry.value(stored.data, index, self.now);
            value.unwrap_or_default()
        })
    }

    /// The key, for people.
    pub fn key(&self) -> impl fmt::Display {
        self.table.key_type().show(self.entry.key())
    }

    /// What is stored.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// After what time it is forgotten, if nobody tracks it until then; zero without `expire`.
    #[must_use]
    pub fn expires(&self) -> Duration {
        self.expires
    }
}

/// HAProxy's line without its pointer: `key=192.0.2.1 use=0 exp=29984 gpc0=0 http_req_rate(10000)=2`.
impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (uses, expires) = (self.entry.trackers(), self.expires.as_millis());
        write!(f, "key={} use={uses} exp={expires}", self.key())?;
        let mut columns = self.table.columns().zip(self.values());
        columns.try_for_each(|(column, value)| write!(f, " {column}={value}"))
    }
}

/// A column: `http_req_rate(10000)`; of an array `gpc2`, `gpc2_rate(10000)`.
struct Column(Stored, u16);

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(stored, index) = self;
        match stored.data {
            DataType::GpcRate => write!(f, "gpc{index}_rate")?,
            data if data.is_array() => write!(f, "{data}{index}")?,
            data => write!(f, "{data}")?,
        }
        match stored.period {
            Some(period) => write!(f, "({period})"),
            None => Ok(()),
        }
    }
}
