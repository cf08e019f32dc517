//! `track-sc0 EXPR table NAME`, `sc-inc-gpc0(SLOT)`, `sc-set-gpt0(SLOT) VALUE`.

use std::sync::Arc;

use lb_core::{
    condition::{Call, ConditionError},
    table::{DataType, Event, Table, Tracked, general},
};
use tokio::time::Instant;

use crate::{
    fetch::{HttpExpr, HttpVocabulary, View},
    rules::compile::Words,
    transaction::Tracking,
};

/// Counts a request under a key, from now to its end.
#[derive(Debug)]
pub(in crate::rules) struct Track {
    slot: usize,
    key: HttpExpr,
    table: Arc<Table>,
}

/// Changes a counter or a tag of what is tracked.
#[derive(Debug)]
pub(in crate::rules) struct Count {
    slot: usize,
    change: Change,
}

#[derive(Debug)]
enum Change {
    /// One more in this counter and in its rate.
    Increment(u16),
    /// This tag is this.
    Set(DataType, u16, Value),
}

#[derive(Debug)]
enum Value {
    Fixed(u64),
    Of(HttpExpr),
}

impl Track {
    pub(super) fn parse(slot: usize, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let vocabulary = words.vocabulary;
        let key = vocabulary.expr(words.required("what to track, as `src`")?)?;
        let name = words.last();
        if !words.eat("table") {
            let message = format!("`track-sc{slot}` needs a table");
            let error = ConditionError::new(name.span(), message);
            return Err(error.help("add `table NAME` after it"));
        }
        let word = words.required("the name of a table")?;
        let name = String::from_utf8_lossy(word.value());
        let registry = vocabulary.registry();
        let table = registry.find_table(&name).ok_or_else(|| {
            let message = format!("there is no table `{name}`");
            ConditionError::new(word.span(), message).suggest(&name, registry.table_names())
        })?;
        Ok(Self {
            slot,
            key,
            table: Arc::clone(table),
        })
    }

    pub(in crate::rules) fn slot(&self) -> usize {
        self.slot
    }

    /// Begins, unless the slot is taken, the request has no such key, or the table has no room.
    pub(in crate::rules) fn begin(&self, view: &View<'_>) -> Option<Tracked> {
        let taken = |tracking: &Tracking| tracking.find(self.slot).is_some();
        if view.transaction.is_none_or(|t| taken(&t.tracking)) {
            return None;
        }
        let key = self
            .key
            .with_sample(view, |sample| self.table.key(&sample))??;
        let now = Instant::now();
        let tracked = self.table.track(now, &key)?;
        tracked.entry().count(Event::Request, now);
        Some(tracked)
    }
}

impl Count {
    /// Reads an action whose name begins with `sc-`.
    pub(super) fn parse(name: &str, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let call = words.call()?;
        let unknown = || {
            let message = format!("there is no action `{}`", call.name);
            let names = [
                "sc-inc-gpc0",
                "sc-inc-gpc1",
                "sc-inc-gpc",
                "sc-set-gpt0",
                "sc-set-gpt",
            ];
            ConditionError::new(call.span, message).suggest(name, names)
        };
        let argument = |at: usize, what: &str, most: u16| {
            let number = call.integer(at)?;
            let fits = number.and_then(|number| u16::try_from(number).ok());
            fits.filter(|number| *number <= most).ok_or_else(|| {
                let message = format!("`{}` needs {what}, 0 to {most}", call.name);
                let span = call.args.get(at).map_or(call.span, |arg| arg.span);
                ConditionError::new(span, message)
            })
        };
        let slot = |at| argument(at, "the number of a `track-sc`", 2).map(usize::from);
        let index = || argument(0, "which of them", 99);
        let (slot, change) = match call.name.as_str() {
            "sc-inc-gpc0" => (slot(0)?, Change::Increment(0)),
            "sc-inc-gpc1" => (slot(0)?, Change::Increment(1)),
            "sc-inc-gpc" => (slot(1)?, Change::Increment(index()?)),
            "sc-set-gpt0" => (
                slot(0)?,
                Change::Set(DataType::Gpt0, 0, Value::parse(words)?),
            ),
            "sc-set-gpt" => (
                slot(1)?,
                Change::Set(DataType::Gpt, index()?, Value::parse(words)?),
            ),
            _ => return Err(unknown()),
        };
        let arguments = if matches!(call.name.as_str(), "sc-inc-gpc" | "sc-set-gpt") {
            2
        } else {
            1
        };
        call.at_most(arguments)?;
        let count = Self { slot, change };
        count.check(&call, words.vocabulary)?;
        Ok(count)
    }

    /// Is it stored where it will be looked for, as far as that is known?
    fn check(&self, call: &Call, vocabulary: &HttpVocabulary) -> Result<(), ConditionError> {
        let wanted = match &self.change {
            Change::Increment(index) => general(*index).to_vec(),
            Change::Set(data, index, _) => vec![(*data, *index)],
        };
        vocabulary
            .registry()
            .check_tracked(self.slot, &wanted, call.span)
    }

    pub(in crate::rules) fn apply(&self, view: &View<'_>) {
        let Some(transaction) = view.transaction else {
            return;
        };
        let Some(tracked) = transaction.tracking.find(self.slot) else {
            return;
        };
        let (entry, now) = (tracked.entry(), Instant::now());
        match &self.change {
            Change::Increment(index) => entry.count(Event::General(*index), now),
            Change::Set(data, index, value) => {
                let value = match value {
                    Value::Fixed(value) => Some(*value),
                    Value::Of(expr) => expr
                        .with_sample(view, |sample| sample.to_int())
                        .flatten()
                        .map(tag),
                };
                if let Some(value) = value {
                    entry.set(*data, *index, value, now);
                }
            }
        }
    }
}

impl Value {
    fn parse(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let vocabulary = words.vocabulary;
        let word = words.required("a number or an expression")?;
        let number = std::str::from_utf8(word.value())
            .ok()
            .and_then(|text| text.parse::<u32>().ok());
        match number {
            Some(number) => Ok(Self::Fixed(number.into())),
            None => vocabulary.expr(word).map(Self::Of),
        }
    }
}

/// Tags are of 32 bits, as in HAProxy.
fn tag(number: i64) -> u64 {
    u64::from(number as u32)
}
