//! Matching a sample against patterns: HAProxy's `-m` methods.
//!
//! Patterns are kept one by one, as written, for `lb explain`, and compiled for the request path where a set is faster
//! than a list: equal texts hash, numbers and networks become sorted ranges, substrings one automaton.

mod inspect;
mod ip;
mod method;
mod number;
mod range;
mod single;
mod text;

use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};

pub use self::single::{SinglePattern, embedded_ipv4};
use self::{
    ip::{IpSet, Net},
    range::RangeSet,
    text::{DIR, DOM, Text, TextSet},
};
pub(super) use self::{method::Method, number::check_bounds};
use super::{
    error::{ConditionError, Span},
    file::FileMatcher,
    sample::Sample,
};

/// A pattern as written.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) bytes: Vec<u8>,
    /// Of the word, or of the name of the file it came from.
    pub(super) span: Span,
    /// `-i` stood before it.
    pub(super) ignore_case: bool,
    /// Line of the file it came from, from 1.
    pub(super) line: Option<usize>,
}

/// A method and what it compares with, ready to run.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    method: Method,
    patterns: Box<[(Box<str>, Pattern)]>,
    /// Those of files stand apart.
    compiled: Compiled,
    files: bool,
}

#[derive(Debug, Clone)]
enum Pattern {
    /// Both ends included.
    Range(i64, i64),
    Net(Net),
    Text(Text),
    Regex(Regex),
    /// All of a file, which may change.
    File(Arc<FileMatcher>),
}

/// What makes a set of patterns faster than trying each.
#[derive(Debug, Clone)]
enum Compiled {
    None,
    Range(RangeSet<i64>),
    Ip(IpSet),
    Text(TextSet),
    Sub(Regex),
}

impl Matcher {
    pub(super) fn new(method: Method, sources: &[Source]) -> Result<Self, ConditionError> {
        let patterns = match method {
            Method::Found | Method::Bool => {
                check_ignored(method, sources)?;
                Vec::new()
            }
            Method::Int | Method::Len => number::parse(sources)?,
            _ => sources
                .iter()
                .map(|source| Ok((source.label(), source.pattern(method)?)))
                .collect::<Result<_, ConditionError>>()?,
        };
        let compiled = Compiled::new(method, &patterns);
        Ok(Self {
            method,
            patterns: patterns.into_boxed_slice(),
            compiled,
            files: false,
        })
    }

    /// The same and the patterns of files.
    pub(super) fn with_files(mut self, files: Vec<Arc<FileMatcher>>) -> Self {
        if files.is_empty() {
            return self;
        }
        let files = files
            .into_iter()
            .map(|file| ("-f".into(), Pattern::File(file)));
        self.patterns = self.patterns.into_iter().chain(files).collect();
        self.files = true;
        self
    }

    /// Whether any pattern matches.
    pub(super) fn matches(&self, sample: &Sample<'_>) -> bool {
        self.matches_own(sample)
            || (self.files
                && !matches!(self.compiled, Compiled::None)
                && self.patterns.iter().any(
                    |(_, pattern)| matches!(pattern, Pattern::File(file) if file.matches(sample)),
                ))
    }

    fn matches_own(&self, sample: &Sample<'_>) -> bool {
        match (&self.compiled, self.method) {
            (_, Method::Found) => true,
            (_, Method::Bool) => sample.to_int().is_some_and(|n| n != 0),
            (Compiled::Range(set), Method::Len) => {
                sample.with_text(|text| set.contains(text.len() as i64))
            }
            (Compiled::Range(set), _) => sample.to_int().is_some_and(|n| set.contains(n)),
            (Compiled::Ip(set), _) => sample.to_ip().is_some_and(|ip| set.contains(ip)),
            (Compiled::Text(set), _) => sample.with_text(|text| set.contains(text)),
            (Compiled::Sub(any), _) => sample.with_text(|text| any.is_match(text)),
            (Compiled::None, _) => {
                let mut patterns = self.patterns.iter();
                patterns.any(|(_, pattern)| pattern.matches(self.method, sample))
            }
        }
    }

    /// The pattern that matches, as written.
    pub(super) fn which(&self, sample: &Sample<'_>) -> Option<String> {
        self.patterns
            .iter()
            .find_map(|(label, pattern)| match pattern {
                Pattern::File(file) => file.which(sample),
                pattern => pattern
                    .matches(self.method, sample)
                    .then(|| label.to_string()),
            })
    }
}

impl Pattern {
    fn matches(&self, method: Method, sample: &Sample<'_>) -> bool {
        match self {
            Self::Range(low, high) => {
                let number = match method {
                    Method::Len => Some(sample.with_text(|text| text.len() as i64)),
                    _ => sample.to_int(),
                };
                number.is_some_and(|n| (*low..=*high).contains(&n))
            }
            Self::Net(net) => sample.to_ip().is_some_and(|ip| net.contains(ip)),
            Self::File(file) => file.matches(sample),
            Self::Regex(regex) => sample.with_text(|sample| regex.is_match(sample)),
            Self::Text(text) => sample.with_text(|sample| match method {
                Method::Beg => text.begins(sample),
                Method::End => text.ends(sample),
                Method::Sub => text.within(sample),
                Method::Dir => text.delimited(sample, DIR),
                Method::Dom => text.delimited(sample, DOM),
                _ => text.is(sample),
            }),
        }
    }
}

impl Compiled {
    fn new(method: Method, patterns: &[(Box<str>, Pattern)]) -> Self {
        let texts = || {
            patterns.iter().filter_map(|(_, pattern)| match pattern {
                Pattern::Text(text) => Some(text.clone()),
                _ => None,
            })
        };
        match method {
            Method::Int | Method::Len => {
                let ranges = patterns.iter().filter_map(|(_, pattern)| match pattern {
                    Pattern::Range(low, high) => Some((*low, *high)),
                    _ => None,
                });
                Self::Range(RangeSet::new(ranges.collect()))
            }
            Method::Ip => {
                Self::Ip(IpSet::new(patterns.iter().filter_map(
                    |(_, pattern)| match pattern {
                        Pattern::Net(net) => Some(*net),
                        _ => None,
                    },
                )))
            }
            Method::Str | Method::Bin => Self::Text(TextSet::new(texts().collect())),
            // Too many for one automaton are tried one by one.
            Method::Sub if !patterns.is_empty() => any_of(texts()).map_or(Self::None, Self::Sub),
            _ => Self::None,
        }
    }
}

/// One automaton for all texts.
fn any_of(texts: impl Iterator<Item = Text>) -> Option<Regex> {
    let mut all = String::new();
    for text in texts {
        if !all.is_empty() {
            all.push('|');
        }
        all.push_str(if text.ignore_case { "(?i:" } else { "(?:" });
        for byte in &text.bytes {
            all.push_str(&format!("\\x{byte:02x}"));
        }
        all.push(')');
    }
    RegexBuilder::new(&all).unicode(false).build().ok()
}

impl Source {
    pub(super) fn error(&self, message: impl std::fmt::Display) -> ConditionError {
        let pattern = String::from_utf8_lossy(&self.bytes);
        let message = match self.line {
            Some(line) => format!("line {line} of the file, `{pattern}`: {message}"),
            None => format!("`{pattern}`: {message}"),
        };
        ConditionError::new(self.span, message)
    }

    fn label(&self) -> Box<str> {
        self.bytes.escape_ascii().to_string().into()
    }

    fn text(&self) -> Result<&str, ConditionError> {
        std::str::from_utf8(&self.bytes).map_err(|_| self.error("not UTF-8"))
    }

    fn pattern(&self, method: Method) -> Result<Pattern, ConditionError> {
        let text = |bytes: Vec<u8>| {
            Pattern::Text(Text {
                bytes: bytes.into(),
                ignore_case: self.ignore_case && method != Method::Bin,
            })
        };
        if self.bytes.is_empty() {
            return Err(ConditionError::new(self.span, "an empty pattern")
                .help("`-m len 0` matches empty samples"));
        }
        match method {
            Method::Ip => ip::parse(self.text()?)
                .map(Pattern::Net)
                .map_err(|what| self.error(what)),
            Method::Reg => self.regex().map(Pattern::Regex),
            Method::Bin => self.hexadecimal().map(text),
            _ => Ok(text(self.bytes.clone())),
        }
    }

    fn regex(&self) -> Result<Regex, ConditionError> {
        RegexBuilder::new(self.text()?)
            .unicode(false)
            .case_insensitive(self.ignore_case)
            .build()
            .map_err(|error| {
                let text = error.to_string();
                let what = text.lines().last().unwrap_or_default();
                self.error(what.trim_start_matches("error: "))
                    .help("regular expressions are those of the regex crate: PCRE without look-around and back-references")
            })
    }

    fn hexadecimal(&self) -> Result<Vec<u8>, ConditionError> {
        let digit = |byte: &u8| (*byte as char).to_digit(16).map(|d| d as u8);
        let digits: Option<Vec<u8>> = self.bytes.iter().map(digit).collect();
        match digits {
            Some(digits) if digits.len() % 2 == 0 => Ok(digits
                .chunks_exact(2)
                .map(|pair| pair[0] << 4 | pair[1])
                .collect()),
            _ => Err(self.error("not an even number of hexadecimal digits")),
        }
    }
}

/// `found` and `bool` compare with nothing. HAProxy drops what is given; here it must agree with what happens.
fn check_ignored(method: Method, sources: &[Source]) -> Result<(), ConditionError> {
    let agrees = |source: &Source| {
        method == Method::Bool
            && (source.bytes == b"1" || source.bytes.eq_ignore_ascii_case(b"true"))
    };
    match sources.iter().find(|source| !agrees(source)) {
        None => Ok(()),
        Some(source) => Err(ConditionError::new(
            source.span,
            format!("the matcher `{}` takes no pattern", method.name()),
        )
        .help("HAProxy would ignore it; for the opposite put `!` before the test")),
    }
}
