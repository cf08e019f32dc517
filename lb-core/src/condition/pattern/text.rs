//! Comparing text: whole, at an end, by delimited parts, and against a set.

use std::collections::HashSet;

/// A text to look for, with its own case rule.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) bytes: Box<[u8]>,
    pub(super) ignore_case: bool,
}

/// Where a part may begin and end for `dir`; observed: `?` counts as well as `/`.
pub(super) const DIR: &[u8] = b"/?";
/// Likewise for `dom`.
pub(super) const DOM: &[u8] = b"./?:";

impl Text {
    pub(super) fn is(&self, sample: &[u8]) -> bool {
        if self.ignore_case {
            self.bytes.eq_ignore_ascii_case(sample)
        } else {
            *self.bytes == *sample
        }
    }

    pub(super) fn begins(&self, sample: &[u8]) -> bool {
        sample.get(..self.bytes.len()).is_some_and(|s| self.is(s))
    }

    pub(super) fn ends(&self, sample: &[u8]) -> bool {
        let start = sample.len().checked_sub(self.bytes.len());
        start.is_some_and(|start| self.is(&sample[start..]))
    }

    pub(super) fn within(&self, sample: &[u8]) -> bool {
        sample.windows(self.bytes.len()).any(|s| self.is(s))
    }

    /// Whether the text stands in `sample` between two delimiters or its ends. Delimiters around the text itself do
    /// not count, those inside it do.
    pub(super) fn delimited(&self, sample: &[u8], delimiters: &[u8]) -> bool {
        let bytes = trim(&self.bytes, delimiters);
        if bytes.is_empty() {
            return false;
        }
        let is_edge = |at: Option<&u8>| at.is_none_or(|b| delimiters.contains(b));
        let stands_at = |part: &[u8]| {
            let Some((part, rest)) = part.split_at_checked(bytes.len()) else {
                return false;
            };
            let same = if self.ignore_case {
                part.eq_ignore_ascii_case(bytes)
            } else {
                part == bytes
            };
            same && is_edge(rest.first())
        };
        // Behind a delimiter only: few places are.
        stands_at(sample)
            || (sample.iter().enumerate())
                .any(|(at, b)| delimiters.contains(b) && stands_at(&sample[at + 1..]))
    }
}

fn trim<'a>(mut bytes: &'a [u8], delimiters: &[u8]) -> &'a [u8] {
    while let [first, rest @ ..] = bytes
        && delimiters.contains(first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && delimiters.contains(last)
    {
        bytes = rest;
    }
    bytes
}

/// Up to this many patterns are compared one by one, which is then faster than hashing the sample.
const FEW: usize = 8;
/// Samples up to this length are lower-cased on the stack; a host name has at most 253 bytes.
const STACK: usize = 256;

/// Texts of which a sample may equal any: one look-up, however many.
#[derive(Debug, Clone)]
pub(super) struct TextSet {
    few: Box<[Text]>,
    exact: HashSet<Box<[u8]>, ahash::RandomState>,
    /// In lower case.
    caseless: HashSet<Box<[u8]>, ahash::RandomState>,
    /// Length of the longest of `caseless`.
    longest: usize,
}

impl TextSet {
    pub(super) fn new(texts: Vec<Text>) -> Self {
        let mut set = Self {
            few: Box::default(),
            exact: HashSet::default(),
            caseless: HashSet::default(),
            longest: 0,
        };
        if texts.len() <= FEW {
            set.few = texts.into_boxed_slice();
            return set;
        }
        for text in texts {
            if text.ignore_case {
                set.longest = set.longest.max(text.bytes.len());
                set.caseless.insert(text.bytes.to_ascii_lowercase().into());
            } else {
                set.exact.insert(text.bytes);
            }
        }
        set
    }

    pub(super) fn contains(&self, sample: &[u8]) -> bool {
        self.few.iter().any(|text| text.is(sample))
            || (!self.exact.is_empty() && self.exact.contains(sample))
            || (sample.len() <= self.longest && self.contains_caseless(sample))
    }

    fn contains_caseless(&self, sample: &[u8]) -> bool {
        let mut buffer = [0u8; STACK];
        match buffer.get_mut(..sample.len()) {
            Some(lower) => {
                lower.copy_from_slice(sample);
                lower.make_ascii_lowercase();
                self.caseless.contains(&*lower)
            }
            // So long a sample and pattern are rare, and not worth an allocation.
            None => self
                .caseless
                .iter()
                .any(|text| text.eq_ignore_ascii_case(sample)),
        }
    }
}
