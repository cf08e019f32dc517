//! One way to look a map up.

use std::{net::IpAddr, sync::Arc};

use arc_swap::ArcSwap;
use lb_core::condition::{Sample, SampleType, Value, leading_int};

use super::{Entry, MapError, index::Index};

/// How keys are compared with a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They are the same: one look-up, however many.
    Str,
    /// The sample begins with the key; the longest such counts.
    Beg,
    /// It ends with it; the first in order counts, here and below.
    End,
    /// It contains it.
    Sub,
    /// A part between `/` or `?` is the key.
    Dir,
    /// A part between `.`, `:`, `/` or `?` is the key.
    Dom,
    /// The key is a regular expression that is found in it.
    Reg,
    /// Likewise, and `\1` in the value stands for what the first group found.
    Regm,
    /// A number is in the key's range.
    Int,
    /// An address is in the key's network; the smallest network counts.
    Ip,
}

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Texts.
    Str,
    /// Whole numbers.
    Int,
    /// Addresses.
    Ip,
}

/// An index over the entries of a map.
#[derive(Debug)]
pub struct Lookup {
    kind: Kind,
    output: Output,
    index: ArcSwap<Index>,
}

const KINDS: &[(&str, Kind)] = &[
    ("str", Kind::Str),
    ("beg", Kind::Beg),
    ("end", Kind::End),
    ("sub", Kind::Sub),
    ("dir", Kind::Dir),
    ("dom", Kind::Dom),
    ("reg", Kind::Reg),
    ("regm", Kind::Regm),
    ("int", Kind::Int),
    ("ip", Kind::Ip),
];

impl Kind {
    /// The kind of this name, as in `map_beg`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let entry = KINDS.iter().find(|(known, _)| *known == name);
        entry.map(|(_, kind)| *kind)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let entry = KINDS.iter().find(|(_, kind)| *kind == self);
        entry.map_or("", |(name, _)| name)
    }

    /// The type of sample it is looked up by.
    #[must_use]
    pub fn input(self) -> SampleType {
        match self {
            Self::Int => SampleType::Int,
            Self::Ip => SampleType::Ip,
            _ => SampleType::Str,
        }
    }
}

impl Output {
    /// The type of its values.
    #[must_use]
    pub fn sample_type(self) -> SampleType {
        match self {
            Self::Str => SampleType::Str,
            Self::Int => SampleType::Int,
            Self::Ip => SampleType::Ip,
        }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// What it is not.
    pub fn read(self, text: &str) -> Result<Value, &'static str> {
        match self {
            Self::Str => Ok(Value::Str(text.as_bytes().into())),
            Self::Int => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                let number = leading_int(text.as_bytes()).filter(|_| is_number);
                number
                    .map(Value::Int)
                    .ok_or("the value is not a whole number")
            }
            Self::Ip => text
                .parse::<IpAddr>()
                .map(Value::Ip)
                .map_err(|_| "the value is not an address"),
        }
    }
}

impl Lookup {
    pub(super) fn new(kind: Kind, output: Output, entries: &[Entry]) -> Result<Self, MapError> {
        let index = ArcSwap::from_pointee(Index::new(kind, output, entries)?);
        Ok(Self {
            kind,
            output,
            index,
        })
    }

    pub(super) fn is(&self, kind: Kind, output: Output) -> bool {
        (self.kind, self.output) == (kind, output)
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn output(&self) -> Output {
        self.output
    }

    pub(super) fn index_of(&self, entries: &[Entry]) -> Result<Index, MapError> {
        Index::new(self.kind, self.output, entries)
    }

    pub(super) fn replace(&self, index: Index) {
        self.index.store(Arc::new(index));
    }

    /// Hands over what belongs to `key`, if anything does. Takes no lock.
    pub fn find<R>(&self, key: &Sample<'_>, f: impl FnOnce(Sample<'_>) -> R) -> Option<R> {
        let index = self.index.load();
        index.with_value(key, f)
    }

    /// Which of the entries a look-up of this text meets.
    pub(super) fn place_of(&self, key: &str) -> Option<usize> {
        let text = Sample::Str(key.as_bytes());
        let sample = match self.kind {
            Kind::Int => Sample::Int(text.to_int()?),
            Kind::Ip => Sample::Ip(text.to_ip()?),
            _ => text,
        };
        self.index.load().place(&sample)
    }
}
