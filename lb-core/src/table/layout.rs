//! Where in an entry's memory each kind of data is.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    data::{DataType, Stored},
    rate,
};

/// The columns of a table.
#[derive(Debug)]
pub(super) struct Layout {
    /// In the order of their kinds.
    stored: Box<[Stored]>,
    columns: [Option<Column>; DataType::COUNT],
    words: usize,
    epoch: Instant,
}

/// A column: what is stored, and its first word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Column {
    first: u16,
    count: u16,
    pub(super) period: Option<u32>,
}

impl Layout {
    /// Of two of a kind, the first counts.
    pub(super) fn new(mut stored: Vec<Stored>, epoch: Instant) -> Self {
        stored.sort_by_key(|stored| stored.data);
        stored.dedup_by_key(|stored| stored.data);
        let mut columns = [None; DataType::COUNT];
        let mut words = 0;
        for one in &stored {
            columns[one.data as usize] = Some(Column {
                // Three arrays of 100 are the longest.
                first: u16::try_from(words).expect("there are few kinds, and they are short"),
                count: one.count,
                period: one.period,
            });
            words += one.words();
        }
        Self {
            stored: stored.into(),
            columns,
            words,
            epoch,
        }
    }

    pub(super) fn stored(&self) -> &[Stored] {
        &self.stored
    }

    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// The column of number `index` of `data`, and its first word.
    pub(super) fn find(&self, data: DataType, index: u16) -> Option<(Column, usize)> {
        let (column, index) = match (self.columns[data as usize], data.in_array()) {
            (Some(column), _) => (column, index),
            (None, Some((array, index))) => (self.columns[array as usize]?, index),
            (None, None) => return None,
        };
        let width = if column.period.is_some() { 2 } else { 1 };
        (index < column.count).then(|| {
            let first = usize::from(column.first) + usize::from(index) * width;
            (column, first)
        })
    }

    pub(super) fn clock(&self, now: Instant) -> u32 {
        rate::clock(self.since(now))
    }

    fn since(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.epoch)
    }
}
