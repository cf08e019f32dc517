//! A request that counts in an entry.

use std::{fmt, sync::Arc};

use tokio::time::Instant;

use super::{Table, entry::Entry};

/// Holds an entry for as long as something counts in it; it does not expire meanwhile.
pub struct Tracked {
    table: Arc<Table>,
    entry: Arc<Entry>,
    /// It is the one that counts, not one that looks on.
    counts: bool,
}

impl Tracked {
    /// Begins to count: one more in `conn_cur` and `trackers` until this is dropped.
    pub(super) fn new(table: Arc<Table>, entry: Arc<Entry>) -> Self {
        entry.hold();
        entry.begin();
        Self {
            table,
            entry,
            counts: true,
        }
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The entry.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// It is in use now, so that it expires later.
    pub fn touch(&self, now: Instant) {
        self.table.touch(now, self.entry.key());
    }

    /// Another one for the same entry, which only looks on: dropping it ends nothing.
    #[must_use]
    pub fn look_on(&self) -> Self {
        self.entry.hold();
        Self {
            table: Arc::clone(&self.table),
            entry: Arc::clone(&self.entry),
            counts: false,
        }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if self.counts {
            self.entry.end();
        }
        self.entry.release();
    }
}

impl fmt::Debug for Tracked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracked")
            .field("table", &self.table.name())
            .field("entry", &self.entry)
            .finish_non_exhaustive()
    }
}
