//! Places in the configuration text, and values that remember theirs.
//!
//! A value that is text in another language (a condition, a `balance` line) is checked long after the file was read. It
//! is kept as [`Spanned<String>`], so that the later stage points at the very word it dislikes.

use std::{fmt, ops::Deref, ops::Range};

/// A byte range of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    source: usize,
    start: usize,
    end: usize,
}

impl Span {
    /// The place of a built-in default: in no file.
    pub const BUILT_IN: Self = Self {
        source: usize::MAX,
        start: 0,
        end: 0,
    };

    /// Bytes `range` of the source numbered `source`, in the order the sources were given.
    pub const fn new(source: usize, range: Range<usize>) -> Self {
        Self {
            source,
            start: range.start,
            end: range.end,
        }
    }

    /// Which source, counted from 0 in the order they were given.
    pub const fn source(self) -> usize {
        self.source
    }

    /// The byte range in that source.
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }

    pub(super) const fn start(self) -> usize {
        self.start
    }
}

/// A value and the place it was written at.
///
/// Two are equal when their values are: where a thing was written does not change what it means.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    value: T,
    span: Span,
    /// The bytes of the span are the bytes of the value: no escapes, no substituted variable.
    verbatim: bool,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self {
            value,
            span,
            verbatim: false,
        }
    }

    /// A default that no file states.
    pub const fn built_in(value: T) -> Self {
        Self::new(value, Span::BUILT_IN)
    }

    /// Where it was written. For a string: its content, without the quotes.
    pub const fn span(&self) -> Span {
        self.span
    }

    /// The value alone.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Another value read from the same place.
    pub fn with<U>(&self, value: U) -> Spanned<U> {
        Spanned::new(value, self.span)
    }
}

impl Spanned<String> {
    pub(super) const fn verbatim(value: String, span: Span) -> Self {
        Self {
            value,
            span,
            verbatim: true,
        }
    }

    /// The place of bytes `range` of this text. The whole string where the file spells it in another way (escapes, a
    /// substituted variable), or where `range` reaches outside of it.
    pub fn at(&self, range: Range<usize>) -> Span {
        if !self.verbatim || range.start > range.end || range.end > self.value.len() {
            return self.span;
        }
        let base = self.span.start;
        Span::new(self.span.source, base + range.start..base + range.end)
    }

    /// A piece of this text, with its own place.
    ///
    /// # Panics
    /// Where `range` is not a range of `str`.
    pub fn slice(&self, range: Range<usize>) -> Self {
        Self {
            value: self.value[range.clone()].to_owned(),
            span: self.at(range),
            verbatim: self.verbatim,
        }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
