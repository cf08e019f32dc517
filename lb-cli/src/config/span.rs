//! Places in the configuration text, and values that remember theirs.
//!
//! A value that is text in another language (a condition, a `balance` line) is checked long after the file was read. It
//! is kept as [`Spanned<String>`], so that the later stage points at the very word it dislikes.

use std::{
    fmt,
    ops::{Deref, Range},
    sync::Arc,
};

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
    spelling: Spelling,
}

/// How a file spells a text.
#[derive(Clone, Debug)]
enum Spelling {
    /// The bytes of the span are the bytes of the value.
    Verbatim,
    /// With escapes: where each byte of the value begins in the source, and where the last one ends.
    Escaped(Arc<[usize]>),
    /// In another way, as by a variable; or it is no text.
    Other,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self {
            value,
            span,
            spelling: Spelling::Other,
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
            spelling: Spelling::Verbatim,
        }
    }

    /// `value`, of which the bytes begin at these places of the source; the last place is its end.
    pub(super) fn escaped(value: String, span: Span, places: Vec<usize>) -> Self {
        debug_assert_eq!(
            places.len(),
            value.len() + 1,
            "one for each byte, and the end"
        );
        Self {
            value,
            span,
            spelling: Spelling::Escaped(places.into()),
        }
    }

    /// The place of bytes `range` of this text. The whole string where the file spells it in a way that cannot be
    /// followed (a substituted variable), or where `range` reaches outside of it.
    pub fn at(&self, range: Range<usize>) -> Span {
        if range.start > range.end || range.end > self.value.len() {
            return self.span;
        }
        let range = match &self.spelling {
            Spelling::Verbatim => self.span.start + range.start..self.span.start + range.end,
            Spelling::Escaped(places) => places[range.start]..places[range.end],
            Spelling::Other => return self.span,
        };
        Span::new(self.span.source, range)
    }

    /// A piece of this text, with its own place.
    ///
    /// # Panics
    /// Where `range` is not a range of `str`.
    pub fn slice(&self, range: Range<usize>) -> Self {
        let spelling = match &self.spelling {
            Spelling::Escaped(places) => Spelling::Escaped(places[range.start..=range.end].into()),
            other => other.clone(),
        };
        Self {
            value: self.value[range.clone()].to_owned(),
            span: self.at(range),
            spelling,
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
