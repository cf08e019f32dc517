//! The names of the matching methods, and which types of sample each can compare.

use crate::condition::sample::SampleType;

/// A matching method, `-m NAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::condition) enum Method {
    Found,
    Bool,
    Int,
    Ip,
    Bin,
    Len,
    Str,
    Sub,
    Beg,
    End,
    Dir,
    Dom,
    Reg,
}

const NAMES: &[(&str, Method)] = &[
    ("found", Method::Found),
    ("bool", Method::Bool),
    ("int", Method::Int),
    ("ip", Method::Ip),
    ("bin", Method::Bin),
    ("len", Method::Len),
    ("str", Method::Str),
    ("sub", Method::Sub),
    ("beg", Method::Beg),
    ("end", Method::End),
    ("dir", Method::Dir),
    ("dom", Method::Dom),
    ("reg", Method::Reg),
];

impl Method {
    pub(in crate::condition) fn parse(name: &[u8]) -> Option<Self> {
        NAMES
            .iter()
            .find(|(known, _)| known.as_bytes() == name)
            .map(|(_, method)| *method)
    }

    pub(in crate::condition) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    pub(in crate::condition) fn name(self) -> &'static str {
        let entry = NAMES.iter().find(|(_, method)| *method == self);
        entry.map_or("", |(name, _)| name)
    }

    /// Whether its patterns are texts that stand somewhere in a sample.
    pub(in crate::condition) fn finds_text(self) -> bool {
        matches!(self, Self::Sub | Self::End | Self::Dir | Self::Dom)
    }

    /// Cuts a suffixed form in two: `path_beg` is `path` with `beg`.
    pub(in crate::condition) fn split_suffix(name: &str) -> Option<(&str, Self)> {
        let (base, suffix) = name.rsplit_once('_')?;
        let method = Self::parse(suffix.as_bytes())?;
        let suffixed = [
            Self::Len,
            Self::Sub,
            Self::Beg,
            Self::End,
            Self::Dir,
            Self::Dom,
            Self::Reg,
        ];
        suffixed.contains(&method).then_some((base, method))
    }

    /// What a test without `-m` uses; binary samples have none.
    pub(in crate::condition) fn implied_by(kind: SampleType) -> Option<Self> {
        match kind {
            SampleType::Bool => Some(Self::Bool),
            SampleType::Int => Some(Self::Int),
            SampleType::Ip => Some(Self::Ip),
            SampleType::Str => Some(Self::Str),
            SampleType::Bin | SampleType::Any => None,
        }
    }

    /// HAProxy's compatibility matrix (configuration manual, 7.1).
    pub(in crate::condition) fn compares(self, kind: SampleType) -> bool {
        use SampleType::{Any, Bin, Bool, Int, Ip, Str};
        match self {
            Self::Bool | Self::Int => matches!(kind, Bool | Int | Str | Any),
            Self::Ip => matches!(kind, Ip | Str | Bin | Any),
            Self::Bin => matches!(kind, Str | Bin | Any),
            _ => true,
        }
    }
}
