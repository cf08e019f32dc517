//! Declaring a table.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Table,
    data::{DataType, Stored},
    entry::Entry,
    key::KeyType,
    layout::Layout,
};
use crate::sticky;

/// A table in the making.
#[derive(Clone, Debug)]
pub struct Builder {
    name: Box<str>,
    key_type: KeyType,
    size: usize,
    expire: Option<Duration>,
    keeps_all: bool,
    stored: Vec<Stored>,
}

impl Builder {
    pub(super) fn new(name: Box<str>, key_type: KeyType) -> Self {
        Self {
            name,
            key_type,
            size: 100_000,
            expire: None,
            keeps_all: false,
            stored: Vec::new(),
        }
    }

    /// Keys it has room for, at least one; 100,000 unless given. Memory is taken as they come.
    #[must_use]
    pub fn size(mut self, size: usize) -> Self {
        self.size = size;
        self
    }

    /// Forgets a key that nobody has tracked for so long; never, unless given.
    #[must_use]
    pub fn expire(mut self, expire: Duration) -> Self {
        self.expire = Some(expire);
        self
    }

    /// A full table takes no new key until one expires (`nopurge`); else the one that was not used for longest makes
    /// room.
    #[must_use]
    pub fn no_purge(mut self) -> Self {
        self.keeps_all = true;
        self
    }

    /// Stores this of each key.
    #[must_use]
    pub fn store(mut self, stored: Stored) -> Self {
        self.stored.push(stored);
        self
    }

    /// Stores what `stick` needs: the number of a server.
    #[must_use]
    pub fn store_server(mut self) -> Self {
        self.stored.extend(Stored::plain(DataType::ServerId));
        self
    }

    /// An empty table, as of `now`.
    #[must_use]
    pub fn build(self, now: Instant) -> Table {
        Table {
            name: self.name,
            key_type: self.key_type,
            layout: Arc::new(Layout::new(self.stored, now)),
            entries: sticky::Table::new(self.size, self.expire, now)
                .held_while(|entry: &Arc<Entry>| entry.is_held())
                .keeps_all(self.keeps_all),
        }
    }
}
