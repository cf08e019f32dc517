//! A table being read: takes keys by type, remembers which were asked for, and names those nobody knows.
//!
//! ```text
//! let pool = Pool {
//!     max_idle: section.number("max_idle", 0..=MAX),
//!     idle_timeout: section.duration("idle_timeout").unwrap_or(IDLE_TIMEOUT),
//! };
//! section.finish(&[]);                       // `idle_timout`: unknown key, did you mean `idle_timeout`?
//! ```

use std::{cell::RefCell, collections::BTreeSet, ops::RangeInclusive, time::Duration};

use toml::de::DeTable;

use super::{
    Span, Spanned, suggest,
    types::FromValue,
    unbuilt,
    value::{Context, Value},
};

/// Which table of the language a [`Section`] is; it decides which keys are known but not built yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The file itself.
    Root,
    Global,
    Log,
    Defaults,
    Frontend,
    Backend,
    Listen,
    Bind,
    Server,
    DefaultServer,
    Check,
    Timeout,
    Vrrp,
    Table,
    /// A table all of whose keys are built, or whose keys are free.
    Plain,
}

impl Place {
    /// Whether its keys are only lent to other sections, so that none is required.
    const fn lends(self) -> bool {
        matches!(self, Self::Defaults | Self::DefaultServer)
    }
}

/// Keys that other tables have, and what to call these tables: for those who put a key in the wrong one.
pub(crate) type Elsewhere<'k> = (&'k [&'static str], &'static str);

/// A table being read. Its own keys come before those it inherits.
pub(crate) struct Section<'a> {
    pub(crate) cx: &'a Context<'a>,
    pub(crate) place: Place,
    /// As in a header: `backend.app`.
    pub(crate) path: String,
    pub(crate) span: Span,
    /// Stands in another section, which reports its problems.
    lent: bool,
    entries: Vec<Entry<'a>>,
    asked: RefCell<BTreeSet<&'static str>>,
}

/// One key of a table.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a str,
    pub(crate) span: Span,
    pub(crate) value: Value<'a>,
    inherited: bool,
}

impl Entry<'_> {
    pub(crate) fn name(&self) -> Spanned<String> {
        Spanned::new(self.key.to_owned(), self.span)
    }
}

impl<'a> Section<'a> {
    pub(crate) fn new(
        cx: &'a Context<'a>,
        place: Place,
        path: String,
        span: Span,
        source: usize,
        table: &'a DeTable<'a>,
    ) -> Self {
        let mut section = Self {
            span,
            ..Self::empty(cx, place, path)
        };
        section
            .entries
            .extend(table.iter().map(|(key, node)| Entry {
                key: key.get_ref(),
                span: Span::new(source, key.span()),
                value: Value { cx, source, node },
                inherited: false,
            }));
        section.entries.sort_by_key(|entry| entry.span);
        section
    }

    pub(crate) fn empty(cx: &'a Context<'a>, place: Place, path: impl Into<String>) -> Self {
        let (entries, asked) = (Vec::new(), RefCell::default());
        Self {
            cx,
            place,
            path: path.into(),
            span: Span::BUILT_IN,
            lent: false,
            entries,
            asked,
        }
    }

    /// Adds the keys of the same table in another file.
    pub(crate) fn merge(&mut self, other: Self) {
        if self.span == Span::BUILT_IN {
            self.span = other.span;
        }
        for entry in other.entries {
            match self.entries.iter().find(|own| own.key == entry.key) {
                Some(first) => {
                    let place = self.cx.diagnostics.borrow().place(first.span);
                    let message = format!("`{}` is already set at {place}", entry.key);
                    self.cx.error(entry.span, message, None);
                }
                None => self.entries.push(entry),
            }
        }
    }

    /// Adds the keys of `lender` after its own.
    pub(crate) fn inherit(&mut self, lender: &Section<'a>) {
        self.entries
            .extend(lender.entries.iter().map(|entry| Entry {
                inherited: true,
                ..*entry
            }));
    }

    /// This table, as it stands in another section unless it is the reader's `own`.
    pub(crate) fn lent_unless(self, own: bool) -> Self {
        Self { lent: !own, ..self }
    }

    /// Every key, its own first: for tables whose keys are names.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'a>> {
        self.entries.iter().copied()
    }

    /// Whether the key stands in this very section.
    pub(crate) fn states(&self, key: &'static str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.key == key && !entry.inherited)
    }

    /// Whether the key stands in this section or one it inherits from.
    pub(crate) fn has(&self, key: &'static str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    pub(crate) fn value(&self, key: &'static str) -> Option<Value<'a>> {
        self.values(key).next()
    }

    /// The value of a key and, after it, those it hides.
    pub(crate) fn values(&self, key: &'static str) -> impl Iterator<Item = Value<'a>> {
        self.asked.borrow_mut().insert(key);
        self.entries
            .iter()
            .filter(move |entry| entry.key == key)
            .map(|entry| entry.value)
    }

    pub(crate) fn get<T: FromValue>(&self, key: &'static str) -> Option<T> {
        T::from_value(&self.value(key)?)
    }

    /// A key that must be there.
    pub(crate) fn require<T: FromValue>(&self, key: &'static str) -> Option<T> {
        T::from_value(&self.required(key)?)
    }

    /// The value of a key that must be there.
    pub(crate) fn required(&self, key: &'static str) -> Option<Value<'a>> {
        let value = self.value(key);
        if value.is_none() && !self.place.lends() && !self.lent {
            self.cx.error(
                self.span,
                format!("`{key}` is missing in [{}]", self.path),
                None,
            );
        }
        value
    }

    /// A boolean that is false unless it is stated.
    pub(crate) fn flag(&self, key: &'static str) -> bool {
        self.get(key).unwrap_or(false)
    }

    pub(crate) fn number<T: TryFrom<i64>>(
        &self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<T> {
        self.value(key)?.number(key, &range)
    }

    /// A duration longer than nothing.
    pub(crate) fn duration(&self, key: &'static str) -> Option<Duration> {
        let value = self.value(key)?;
        match Duration::from_value(&value)? {
            Duration::ZERO => value.fail(format!("`{key}` must be longer than 0")),
            duration => Some(duration),
        }
    }

    /// The elements of an array, or one value in its stead.
    pub(crate) fn one_or_more<T: FromValue>(&self, key: &'static str) -> Vec<T> {
        let values = self
            .value(key)
            .map(|value| value.one_or_more())
            .unwrap_or_default();
        values.iter().filter_map(T::from_value).collect()
    }

    pub(crate) fn section(&self, key: &'static str, place: Place) -> Option<Section<'a>> {
        let table = self.value(key)?.section(place, self.child(key))?;
        Some(table.lent_unless(self.states(key)))
    }

    /// The table under a key, completed by the keys of the tables it hides.
    pub(crate) fn merged(&self, key: &'static str, place: Place) -> Section<'a> {
        let mut merged = Section::empty(self.cx, place, self.child(key));
        let own = self.states(key);
        for (layer, value) in self.values(key).enumerate() {
            let Some(table) = value.section(place, self.child(key)) else {
                continue;
            };
            if layer == 0 && own {
                merged.merge(table);
            } else {
                merged.inherit(&table);
            }
        }
        merged
    }

    pub(crate) fn child(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The keys that were asked for.
    pub(crate) fn asked(&self) -> Vec<&'static str> {
        self.asked.borrow().iter().copied().collect()
    }

    /// Makes `keys` known without asking for them.
    pub(crate) fn know(&self, keys: &[&'static str]) {
        self.asked.borrow_mut().extend(keys);
    }

    /// Reports every key of this section that nobody asked for.
    pub(crate) fn finish(&self, elsewhere: &[Elsewhere<'_>]) {
        if self.lent {
            return;
        }
        let asked = self.asked.borrow();
        for entry in self
            .entries
            .iter()
            .filter(|e| !e.inherited && !asked.contains(e.key))
        {
            if let Some(help) = unbuilt::part(self.place, entry.key) {
                self.cx
                    .not_yet(entry.span, &format!("`{}`", entry.key), help);
                continue;
            }
            let belongs = elsewhere.iter().find(|(keys, _)| keys.contains(&entry.key));
            let help = match belongs {
                Some((_, place)) => Some(format!("`{}` belongs in {place}", entry.key)),
                None => suggest::did_you_mean(
                    entry.key,
                    asked.iter().copied().chain(unbuilt::keys(self.place)),
                ),
            };
            let within = if self.path.is_empty() {
                String::new()
            } else {
                format!(" in [{}]", self.path)
            };
            self.cx.error(
                entry.span,
                format!("unknown key `{}`{within}", entry.key),
                help,
            );
        }
    }
}
