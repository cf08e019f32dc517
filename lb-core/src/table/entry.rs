//! What is stored of one key.

use std::{fmt, sync::Arc};

use tokio::time::Instant;

use super::{
    data::DataType,
    key::Key,
    layout::{Column, Layout},
    rate,
};
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// What is stored of one key. Counting takes no lock, and two who count at once both do.
pub struct Entry {
    key: Key,
    layout: Arc<Layout>,
    words: Box<[AtomicU64]>,
    /// Requests that track it: how many hold it, and how many of them count.
    holders: AtomicU32,
    trackers: AtomicU32,
}

/// Something that happens to a client, and that its entry counts in all it stores of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// It is tracked (`conn_cnt`, `conn_rate`).
    Connection,
    /// A request (`http_req_cnt`, `http_req_rate`).
    Request,
    /// A request that is refused, or answered with a 4xx status (`http_err_cnt`, `http_err_rate`).
    Error,
    /// A server that fails (`http_fail_cnt`, `http_fail_rate`).
    Failure,
    /// Bytes from the client (`bytes_in_cnt`, `bytes_in_rate`).
    BytesIn(u64),
    /// Bytes to the client (`bytes_out_cnt`, `bytes_out_rate`).
    BytesOut(u64),
    /// A rule counts with counter number N (`gpc`, `gpc_rate`, and for 0 and 1 `gpc0`, `gpc1_rate` and so on).
    General(u16),
}

impl Entry {
    pub(super) fn new(key: Key, layout: Arc<Layout>) -> Self {
        let words = (0..layout.words()).map(|_| AtomicU64::new(0)).collect();
        Self {
            key,
            layout,
            words,
            holders: AtomicU32::new(0),
            trackers: AtomicU32::new(0),
        }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// How many requests track it now (`trackers`).
    #[must_use]
    pub fn trackers(&self) -> u32 {
        self.trackers.load(Ordering::Relaxed)
    }

    /// Number `index` of what is stored of `data`: a count, or for a rate events in its last period. `None` if that is
    /// not stored.
    #[must_use]
    pub fn value(&self, data: DataType, index: u16, now: Instant) -> Option<u64> {
        let (column, at) = self.layout.find(data, index)?;
        Some(match column.period {
            None => self.words[at].load(Ordering::Relaxed),
            Some(period) => rate::read(self.pair(at), period, self.layout.clock(now)),
        })
    }

    /// Counts `n`, and returns what it comes to; `None` if that is not stored.
    pub fn add(&self, data: DataType, index: u16, n: u64, now: Instant) -> Option<u64> {
        let (column, at) = self.layout.find(data, index)?;
        Some(self.add_at(column, at, n, now))
    }

    /// Sets it; false if it is not stored.
    pub fn set(&self, data: DataType, index: u16, value: u64, now: Instant) -> bool {
        let Some((column, at)) = self.layout.find(data, index) else {
            return false;
        };
        match column.period {
            None => self.words[at].store(value, Ordering::Relaxed),
            Some(_) => rate::set(self.pair(at), self.layout.clock(now), value),
        }
        true
    }

    /// Sets it to 0, and returns what it was.
    pub fn clear(&self, data: DataType, index: u16, now: Instant) -> Option<u64> {
        let (column, at) = self.layout.find(data, index)?;
        if column.period.is_none() {
            return Some(self.words[at].swap(0, Ordering::Relaxed));
        }
        let was = self.value(data, index, now);
        self.set(data, index, 0, now);
        was
    }

    /// Counts what has happened in all that is stored of it.
    pub fn count(&self, event: Event, now: Instant) {
        use DataType::{
            BytesInCnt, BytesInRate, BytesOutCnt, BytesOutRate, ConnCnt, ConnRate, HttpErrCnt,
            HttpErrRate, HttpFailCnt, HttpFailRate, HttpReqCnt, HttpReqRate,
        };
        let ([count, rate], n) = match event {
            Event::Connection => ([ConnCnt, ConnRate], 1),
            Event::Request => ([HttpReqCnt, HttpReqRate], 1),
            Event::Error => ([HttpErrCnt, HttpErrRate], 1),
            Event::Failure => ([HttpFailCnt, HttpFailRate], 1),
            Event::BytesIn(n) => ([BytesInCnt, BytesInRate], n),
            Event::BytesOut(n) => ([BytesOutCnt, BytesOutRate], n),
            Event::General(index) => {
                self.count_general(index, now);
                return;
            }
        };
        self.add(count, 0, n, now);
        self.add(rate, 0, n, now);
    }

    /// Counts with counter `index`, and returns what it comes to; 0 if only its rate is stored.
    pub fn count_general(&self, index: u16, now: Instant) -> u64 {
        let [count, rate] = general(index);
        self.add(rate.0, rate.1, 1, now);
        self.add(count.0, count.1, 1, now).unwrap_or_default()
    }

    fn add_at(&self, column: Column, at: usize, n: u64, now: Instant) -> u64 {
        match column.period {
            None => self.words[at]
                .fetch_add(n, Ordering::Relaxed)
                .wrapping_add(n),
            Some(period) => {
                let now = self.layout.clock(now);
                rate::add(self.pair(at), period, now, n);
                rate::read(self.pair(at), period, now)
            }
        }
    }

    fn pair(&self, at: usize) -> [&AtomicU64; 2] {
        [&self.words[at], &self.words[at + 1]]
    }

    pub(super) fn is_held(&self) -> bool {
        self.holders.load(Ordering::Relaxed) > 0
    }

    pub(super) fn hold(&self) {
        self.holders.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn release(&self) {
        self.holders.fetch_sub(1, Ordering::Relaxed);
    }

    /// A request begins to count here.
    pub(super) fn begin(&self) {
        self.trackers.fetch_add(1, Ordering::Relaxed);
        if let Some((_, at)) = self.layout.find(DataType::ConnCur, 0) {
            self.words[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// It ends.
    pub(super) fn end(&self) {
        self.trackers.fetch_sub(1, Ordering::Relaxed);
        if let Some((_, at)) = self.layout.find(DataType::ConnCur, 0) {
            // An operator may have set it to less meanwhile.
            let less = |current: u64| Some(current.saturating_sub(1));
            let _ = self.words[at].fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }
}

/// Where counter `index` and its rate are.
#[must_use]
pub fn general(index: u16) -> [(DataType, u16); 2] {
    match index {
        0 => [(DataType::Gpc0, 0), (DataType::Gpc0Rate, 0)],
        1 => [(DataType::Gpc1, 0), (DataType::Gpc1Rate, 0)],
        _ => [(DataType::Gpc, index), (DataType::GpcRate, index)],
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("words", &self.words)
            .finish_non_exhaustive()
    }
}
