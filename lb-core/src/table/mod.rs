//! Tables of keys and what is counted of each: HAProxy's `stick-table`.
//!
//! A [`Table`] holds at most so many keys (addresses, numbers, texts) and of each what it was told to store: totals,
//! rates over a sliding period, tags and counters of rules, the server a client stays on. A look-up and a count take no
//! lock; a new key does, for the queue by which the table stays as small as it was declared. Who tracks a key
//! ([`Tracked`]) keeps its entry from expiring.
//!
//! ```
//! use std::sync::Arc;
//! use lb_core::{condition::Sample, table::{DataType, Event, KeyType, Table}};
//! use tokio::time::{Duration, Instant};
//!
//! let now = Instant::now();
//! let table = Table::builder("rate", KeyType::Ip)
//!     .size(1_000_000)
//!     .expire(Duration::from_secs(60))
//!     .store("http_req_rate(10s)".parse()?)
//!     .build(now);
//! let table = Arc::new(table);
//!
//! let client = table.key(&Sample::Ip([192, 0, 2, 1].into())).expect("an address");
//! let tracked = table.track(now, &client).expect("there is room");
//! tracked.entry().count(Event::Request, now);
//! assert_eq!(tracked.entry().value(DataType::HttpReqRate, 0, now), Some(1));
//! assert_eq!(tracked.entry().value(DataType::ConnCnt, 0, now), None, "not stored");
//! # Ok::<(), lb_core::table::StoreError>(())
//! ```

mod builder;
mod data;
mod entry;
mod filter;
mod key;
mod layout;
mod list;
mod rate;
mod tracked;

#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

use self::layout::Layout;
pub use self::{
    builder::Builder,
    data::{DataType, StoreError, Stored},
    entry::{Entry, Event, general},
    filter::{Comparison, Filter, InvalidComparison},
    key::{InvalidKeyType, Key, KeyType},
    list::{Listed, Refused},
    tracked::Tracked,
};
use crate::{condition::Sample, sticky};

/// A bounded table of keys and what is stored of them.
pub struct Table {
    name: Box<str>,
    key_type: KeyType,
    layout: Arc<Layout>,
    /// It holds who is where, and forgets.
    entries: sticky::Table<Key, Arc<Entry>>,
}

impl Table {
    /// A table to declare.
    pub fn builder(name: impl Into<Box<str>>, key_type: KeyType) -> Builder {
        Builder::new(name.into(), key_type)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its keys are.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// Keys it has room for.
    #[must_use]
    pub fn size(&self) -> usize {
        self.entries.size()
    }

    /// After what time without use a key is forgotten.
    #[must_use]
    pub fn expire(&self) -> Option<Duration> {
        self.entries.expire()
    }

    /// Keys in it, expired ones that nobody has met yet included (`table_cnt`).
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What it stores of each key, in the order it is shown in.
    #[must_use]
    pub fn stored(&self) -> &[Stored] {
        self.layout.stored()
    }

    /// Does it store number `index` of this?
    #[must_use]
    pub fn stores(&self, data: DataType, index: u16) -> bool {
        self.layout.find(data, index).is_some()
    }

    /// The key that a sample is in this table.
    #[must_use]
    pub fn key(&self, sample: &Sample<'_>) -> Option<Key> {
        self.key_type.key(sample)
    }

    /// Begins to count for `key`, which is new if it must be. `None` if there is no room: all are at work, or must
    /// stay (`nopurge`).
    pub fn track(self: &Arc<Self>, now: Instant, key: &Key) -> Option<Tracked> {
        let entry = self.entry(now, key)?;
        let tracked = Tracked::new(Arc::clone(self), entry);
        tracked.entry().count(Event::Connection, now);
        Some(tracked)
    }

    /// The entry of `key`, new if it must be; it expires later for it. `None` if there is no room.
    pub fn entry(&self, now: Instant, key: &Key) -> Option<Arc<Entry>> {
        self.entries.find_or_learn(now, key, || {
            Arc::new(Entry::new(key.clone(), Arc::clone(&self.layout)))
        })
    }

    /// The entry of `key`, if it is known; it expires as if nobody had asked (`table_…`, `src_…`).
    #[must_use]
    pub fn find(&self, now: Instant, key: &Key) -> Option<Arc<Entry>> {
        self.entries.peek(now, key)
    }

    /// The number of the server that `key` stays on; asking keeps it from expiring (`stick match`).
    #[must_use]
    pub fn server(&self, now: Instant, key: &Key) -> Option<u32> {
        let entry = self.entries.find(now, key)?;
        let id = entry.value(DataType::ServerId, 0, now)?;
        u32::try_from(id).ok().filter(|id| *id != 0)
    }

    /// Remembers that `key` stays on the server of this number (`stick store-request`). False if there is no room.
    pub fn bind(&self, now: Instant, key: &Key, server: u32) -> bool {
        let entry = self.entry(now, key);
        entry.is_some_and(|entry| entry.set(DataType::ServerId, 0, server.into(), now))
    }

    fn touch(&self, now: Instant, key: &Key) {
        self.entries.find(now, key);
    }
}

/// A table is equal to itself.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Table {}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.name)
            .field("key_type", &self.key_type)
            .field("entries", &self.entries)
            .finish_non_exhaustive()
    }
}
