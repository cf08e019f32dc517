//! What tables know of a request: `sc0_http_req_rate`, `sc_get_gpc0(1)`, `src_conn_cur(t)`, `table_avl(t)`.
//!
//! `sc0_` to `sc2_` look at what `track-sc0` to `track-sc2` track, `sc_` has the number as its first argument, `src_`
//! looks for the client's address. As in HAProxy 2.6.12: nothing is there for a slot that tracks nothing, and a key that
//! the table does not know has 0 of everything. Unlike there, to ask for what is not stored is an error.

mod names;

use std::sync::Arc;

use lb_core::{
    condition::{Arg, Call, ConditionError, Sample, SampleType},
    table::{DataType, Entry, Event, Table, general},
};
use smallvec::{SmallVec, smallvec};
use tokio::time::Instant;

use self::names::{Prefix, find};
pub(super) use self::names::{is_built, names};
use super::{
    Registry, View,
    expr::{HttpFetch, Needs, Other},
    registry::not_stored,
};

/// Something a table knows, ready to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counter {
    whose: Whose,
    what: What,
}

/// Of which entry.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Whose {
    /// The one tracked in this slot, or that of its key in another table.
    Slot(usize, Option<Arc<Table>>),
    /// That of the client's address.
    Source(Arc<Table>),
    /// Of none.
    Table(Arc<Table>),
}

/// What of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Number so-and-so of what is stored.
    Value(DataType, u16),
    /// The same in KiB.
    Kibi(DataType),
    /// `inc_gpc`: counts, and says what it comes to.
    Increment(u16),
    /// `clr_gpc`: begins at 0 again, and says what it was.
    Clear(u16),
    /// `updt_conn_cnt`: one more connection.
    Connection,
    /// `tracked`.
    IsTracked,
    /// `trackers`.
    Trackers,
    /// `table_avl`: places that are free.
    Available,
    /// `table_cnt`: places that are not.
    Used,
}

impl Counter {
    /// Gives a call its meaning; its name is one that [`is_built`] knows.
    pub(super) fn resolve(call: &Call, registry: &Registry) -> Result<Self, ConditionError> {
        let unknown = || {
            let message = format!("there is no fetch `{}`", call.name);
            ConditionError::new(call.span, message)
        };
        let (prefix, what, numbered) = find(&call.name).ok_or_else(unknown)?;
        let mut at = 0;
        let mut next = || {
            at += 1;
            at - 1
        };
        // `sc_get_gpc(IDX,CTR)`: HAProxy has them in this order.
        let index = match numbered {
            true => Some(index(call, next())?),
            false => None,
        };
        let slot = match prefix {
            Prefix::Slot(slot) => Some(slot),
            Prefix::AnySlot => Some(slot(call, next())?),
            Prefix::Source | Prefix::Table => None,
        };
        let last = next();
        call.at_most(last + 1)?;
        let table = match call.arg(last) {
            Some(arg) => Some(table(arg, registry)?),
            None => None,
        };
        let whose = match (prefix, slot, table) {
            (_, Some(slot), table) => Whose::Slot(slot, table),
            (Prefix::Table, _, Some(table)) => Whose::Table(table),
            (_, _, Some(table)) => Whose::Source(table),
            (.., None) => {
                let message = format!("`{}` needs the name of a table", call.name);
                let error = ConditionError::new(call.span, message);
                return Err(error.help(format!("as in `{}(NAME)`", call.name)));
            }
        };
        let what = index.map_or(what, |index| what.number(index));
        let counter = Self { whose, what };
        counter.check(call, registry)?;
        Ok(counter)
    }

    /// Is it stored where it is looked for?
    fn check(&self, call: &Call, registry: &Registry) -> Result<(), ConditionError> {
        match &self.whose {
            Whose::Source(table) | Whose::Table(table) => self.what.stored_in(table, call),
            Whose::Slot(slot, None) => {
                registry.check_tracked(*slot, &self.what.stored(), call.span)
            }
            Whose::Slot(slot, Some(table)) => {
                registry.check_tracked(*slot, &[], call.span)?;
                self.what.stored_in(table, call)
            }
        }
    }

    /// As a fetch of an expression.
    pub(super) fn fetch(self) -> HttpFetch {
        let needs = match self.whose {
            Whose::Slot(..) => Needs::Transaction,
            Whose::Source(_) | Whose::Table(_) => Needs::Nothing,
        };
        Other::fetch(self.sample_type(), needs, move |view, visit| {
            self.take(view).is_some_and(visit)
        })
    }

    pub(super) fn sample_type(&self) -> SampleType {
        match self.what {
            What::IsTracked => SampleType::Bool,
            _ => SampleType::Int,
        }
    }

    /// The sample, if there is one.
    pub(super) fn take(&self, view: &View<'_>) -> Option<Sample<'static>> {
        let now = Instant::now();
        match &self.whose {
            Whose::Table(table) => {
                let used = table.len();
                Some(integer(match self.what {
                    What::Available => table.size().saturating_sub(used) as u64,
                    _ => used as u64,
                }))
            }
            Whose::Source(table) => {
                let key = table.key(&Sample::Ip(view.source()?.ip()))?;
                // To count, there must be an entry.
                let entry = match self.what.changes() {
                    true => table.entry(now, &key),
                    false => table.find(now, &key),
                };
                self.what.take(entry.as_deref(), now)
            }
            Whose::Slot(slot, other) => {
                let tracked = view
                    .transaction
                    .and_then(|transaction| transaction.tracking.find(*slot));
                if self.what == What::IsTracked {
                    return Some(Sample::Bool(tracked.is_some()));
                }
                let tracked = tracked?;
                match other {
                    // Keys of another type find nothing.
                    Some(table) if table.key_type() == tracked.table().key_type() => {
                        let entry = table.find(now, tracked.entry().key());
                        self.what.take(entry.as_deref(), now)
                    }
                    Some(_) => self.what.take(None, now),
                    None => self.what.take(Some(tracked.entry()), now),
                }
            }
        }
    }
}

impl What {
    /// The same of another number.
    pub(super) fn number(self, index: u16) -> Self {
        match self {
            Self::Value(data, _) => Self::Value(data, index),
            Self::Increment(_) => Self::Increment(index),
            Self::Clear(_) => Self::Clear(index),
            other => other,
        }
    }

    fn changes(self) -> bool {
        matches!(self, Self::Increment(_) | Self::Clear(_) | Self::Connection)
    }

    /// What an entry says of it; one that is not there has 0 of everything.
    pub(super) fn take(self, entry: Option<&Entry>, now: Instant) -> Option<Sample<'static>> {
        let Some(entry) = entry else {
            return Some(Sample::Int(0));
        };
        let value = match self {
            Self::Value(data, index) => entry.value(data, index, now)?,
            Self::Kibi(data) => entry.value(data, 0, now)? >> 10,
            Self::Increment(index) => entry.count_general(index, now),
            Self::Clear(index) => {
                let [(data, index), _] = general(index);
                entry.clear(data, index, now)?
            }
            Self::Connection => {
                entry.count(Event::Connection, now);
                entry.value(DataType::ConnCnt, 0, now)?
            }
            Self::Trackers => entry.trackers().into(),
            Self::IsTracked | Self::Available | Self::Used => return None,
        };
        Some(integer(value))
    }

    /// Checks that `table` stores what it takes.
    pub(super) fn stored_in(self, table: &Table, call: &Call) -> Result<(), ConditionError> {
        let wanted = self.stored();
        let found = wanted.iter().any(|(data, at)| table.stores(*data, *at));
        match wanted.first() {
            Some(first) if !found => Err(not_stored(table, *first, call.span)),
            _ => Ok(()),
        }
    }

    /// What must be stored for it, any of these.
    fn stored(self) -> SmallVec<[(DataType, u16); 2]> {
        match self {
            Self::Value(data, index) => smallvec![(data, index)],
            Self::Kibi(data) => smallvec![(data, 0)],
            Self::Connection => smallvec![(DataType::ConnCnt, 0)],
            Self::Clear(index) => smallvec![general(index)[0]],
            // HAProxy counts where there is but a rate, too.
            Self::Increment(index) => SmallVec::from(general(index)),
            Self::IsTracked | Self::Trackers | Self::Available | Self::Used => smallvec![],
        }
    }
}

/// The table that an argument names.
pub(super) fn table(arg: &Arg, registry: &Registry) -> Result<Arc<Table>, ConditionError> {
    registry.find_table(&arg.text).cloned().ok_or_else(|| {
        let message = format!("there is no table `{}`", arg.text);
        ConditionError::new(arg.span, message).suggest(&arg.text, registry.table_names())
    })
}

/// A number of `gpc` or `gpt`.
pub(super) fn index(call: &Call, at: usize) -> Result<u16, ConditionError> {
    let index = call.integer(at)?;
    let fits = index.and_then(|index| u16::try_from(index).ok());
    fits.filter(|index| *index < 100).ok_or_else(|| {
        let message = format!("`{}` needs which of them, from 0 to 99", call.name);
        ConditionError::new(place(call, at), message)
    })
}

fn slot(call: &Call, at: usize) -> Result<usize, ConditionError> {
    let slot = call.integer(at)?;
    let fits = slot.and_then(|slot| usize::try_from(slot).ok());
    fits.filter(|slot| *slot < 3).ok_or_else(|| {
        let message = format!("`{}` needs the number of a counter, 0 to 2", call.name);
        ConditionError::new(place(call, at), message)
    })
}

fn place(call: &Call, at: usize) -> lb_core::condition::Span {
    call.args.get(at).map_or(call.span, |arg| arg.span)
}

fn integer(value: u64) -> Sample<'static> {
    Sample::Int(i64::try_from(value).unwrap_or(i64::MAX))
}
