//! A value of a file, and where its problems go.
//!
//! Whatever reads a value reports what is wrong where it is wrong, and gives nothing; the reader goes on, so that one run
//! finds every problem.

use std::{cell::RefCell, fmt, io, ops::RangeInclusive, path::Path};

use toml::de::DeValue;

use super::{
    Diagnostics, Span, Spanned, env,
    section::{Place, Section},
    suggest,
};

/// What reading needs besides the text, and where its problems go.
pub(crate) struct Context<'a> {
    /// The environment.
    pub(crate) env: &'a dyn Fn(&str) -> Option<String>,
    /// The file system, for files that a configuration names.
    pub(crate) read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    /// The text of each source, for the exact place of a string's content.
    pub(crate) texts: Vec<&'a str>,
    pub(crate) diagnostics: RefCell<Diagnostics>,
}

impl Context<'_> {
    pub(crate) fn error(&self, span: Span, message: impl Into<String>, help: Option<String>) {
        let mut diagnostics = self.diagnostics.borrow_mut();
        let diagnostic = diagnostics.error(span, message);
        if let Some(help) = help {
            diagnostic.help(help);
        }
    }

    pub(crate) fn warning(&self, span: Span, message: impl Into<String>, help: &str) {
        self.diagnostics
            .borrow_mut()
            .warning(span, message)
            .help(help);
    }

    pub(crate) fn not_yet(&self, span: Span, what: &str, help: &str) {
        let message = format!("{what} is not supported by this version of lb yet");
        self.error(span, message, Some(help.to_owned()));
    }
}

/// A value of a file.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) cx: &'a Context<'a>,
    pub(crate) source: usize,
    pub(crate) node: &'a toml::Spanned<DeValue<'a>>,
}

impl<'a> Value<'a> {
    pub(crate) fn span(&self) -> Span {
        Span::new(self.source, self.node.span())
    }

    /// Reports that the value is not as it must be.
    pub(crate) fn fail<T>(&self, message: impl Into<String>) -> Option<T> {
        self.cx.error(self.span(), message, None);
        None
    }

    /// The same, with what to do about it.
    pub(crate) fn fail_with<T>(
        &self,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        self.cx.error(self.span(), message, Some(help.into()));
        None
    }

    /// Reports a value of the wrong type.
    pub(crate) fn mismatch<T>(&self, expected: &str) -> Option<T> {
        let message = format!("expected {expected}, found {}", self.found());
        match self.node.get_ref() {
            DeValue::String(text)
                if text.parse::<i64>().is_ok() || text.parse::<bool>().is_ok() =>
            {
                self.fail_with(message, format!("write {text} without quotes"))
            }
            _ => self.fail(message),
        }
    }

    /// The string with environment variables replaced.
    pub(crate) fn text(&self) -> Option<Spanned<String>> {
        match self.node.get_ref() {
            DeValue::String(text) => self.substituted(text),
            _ => self.mismatch("a string"),
        }
    }

    /// A string that can stand in a header or a log line: one word.
    pub(crate) fn single_word(&self) -> Option<String> {
        self.parse(|text| match text {
            "" => Err("it is empty"),
            _ if text.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                Err("blanks and control characters are not allowed")
            }
            _ => Ok(text.to_owned()),
        })
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        self.boolean_or("`true` or `false`")
    }

    /// A boolean, where `expected` says what else there could be.
    pub(crate) fn boolean_or(&self, expected: &str) -> Option<bool> {
        if let DeValue::Boolean(flag) = self.node.get_ref() {
            return Some(*flag);
        }
        match self.referenced()? {
            Some(text) => text
                .parse()
                .ok()
                .or_else(|| self.fail(format!("expected {expected}, the variable holds `{text}`"))),
            None => self.mismatch(expected),
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        if let DeValue::Integer(number) = self.node.get_ref() {
            let read = i64::from_str_radix(number.as_str(), number.radix()).ok();
            return read.or_else(|| self.fail("the number is too large"));
        }
        match self.referenced()? {
            Some(text) => text
                .parse()
                .ok()
                .or_else(|| self.fail(format!("expected an integer, the variable holds `{text}`"))),
            None => self.mismatch("an integer"),
        }
    }

    /// `Ok` of a boolean, `Err` of an integer.
    pub(crate) fn boolean_or_integer(&self) -> Option<Result<bool, i64>> {
        if self.node.get_ref().is_integer() {
            return self.integer().map(Err);
        }
        match (self.node.get_ref(), self.referenced()?) {
            (DeValue::String(_), Some(text)) if text.parse::<i64>().is_ok() => {
                self.integer().map(Err)
            }
            (DeValue::Boolean(_), _) | (_, Some(_)) => self.boolean().map(Ok),
            _ => self.mismatch("`true`, `false` or an integer"),
        }
    }

    /// An integer within `range`, which must lie within `T`.
    pub(crate) fn number<T: TryFrom<i64>>(
        &self,
        key: &str,
        range: &RangeInclusive<i64>,
    ) -> Option<T> {
        let number = self.integer()?;
        let (least, most) = (*range.start(), *range.end());
        match T::try_from(number) {
            Ok(fits) if range.contains(&number) => Some(fits),
            // The upper end of a wide range is of interest to those only who exceed it.
            _ if number < least && most >= i64::from(i32::MAX) => {
                self.fail(format!("`{key}` must be at least {least}, found {number}"))
            }
            _ => self.fail(format!(
                "`{key}` must be from {least} to {most}, found {number}"
            )),
        }
    }

    /// The values of an array.
    pub(crate) fn items(&self) -> Option<impl Iterator<Item = Value<'a>> + use<'a>> {
        let Self { cx, source, node } = *self;
        match node.get_ref() {
            DeValue::Array(array) => Some(array.iter().map(move |node| Value { cx, source, node })),
            _ => self.fail_with(
                format!("expected an array, found {}", self.found()),
                "put it in brackets: [ … ]",
            ),
        }
    }

    /// The values of an array, or the one value itself.
    pub(crate) fn one_or_more(&self) -> Vec<Value<'a>> {
        if self.is_array() {
            self.items().into_iter().flatten().collect()
        } else {
            vec![*self]
        }
    }

    pub(crate) fn section(&self, place: Place, path: impl Into<String>) -> Option<Section<'a>> {
        match self.node.get_ref() {
            DeValue::Table(table) => Some(Section::new(
                self.cx,
                place,
                path.into(),
                self.span(),
                self.source,
                table,
            )),
            _ => self.mismatch("a table"),
        }
    }

    pub(crate) fn is_array(&self) -> bool {
        self.node.get_ref().is_array()
    }

    pub(crate) fn is_table(&self) -> bool {
        self.node.get_ref().is_table()
    }

    pub(crate) fn is_string(&self) -> bool {
        self.node.get_ref().is_str()
    }

    /// A string read by `parse`, whose error is shown.
    pub(crate) fn parse<T, E: fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text()?;
        parse(&text)
            .map_err(|why| self.cx.error(text.span(), format!("`{text}`: {why}"), None))
            .ok()
    }

    /// One of a set of words; `later` are words of the language that are not built yet.
    pub(crate) fn word<T: Copy>(&self, known: &[(&str, T)], later: &[(&str, &str)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, word)) = known.iter().find(|(name, _)| *name == text.as_str()) {
            return Some(*word);
        }
        if let Some((_, help)) = later.iter().find(|(name, _)| *name == text.as_str()) {
            self.cx.not_yet(text.span(), &format!("`{text}`"), help);
            return None;
        }
        let names = || {
            known
                .iter()
                .map(|(name, _)| *name)
                .chain(later.iter().map(|(name, _)| *name))
        };
        let help = suggest::did_you_mean(&text, names())
            .unwrap_or_else(|| format!("it is one of {}", names().collect::<Vec<_>>().join(", ")));
        self.cx
            .error(text.span(), format!("unknown word `{text}`"), Some(help));
        None
    }

    /// The text of a string that is one reference to the environment and nothing else: it may stand for a number or a
    /// boolean. The outer `None` is a reported problem.
    fn referenced(&self) -> Option<Option<String>> {
        match self.node.get_ref() {
            DeValue::String(text) if env::is_reference(text) => {
                Some(Some(self.substituted(text)?.into_inner()))
            }
            _ => Some(None),
        }
    }

    fn substituted(&self, text: &str) -> Option<Spanned<String>> {
        let content = self.content(text);
        match env::substitute(text, self.cx.env) {
            Ok(done) if done == text => Some(content),
            Ok(done) => Some(content.with(done.into_owned())),
            Err(why) => {
                let help = "`${NAME:-default}` gives a default, `$${` is a literal `${`";
                self.cx
                    .error(content.at(why.range), why.message, Some(help.to_owned()));
                None
            }
        }
    }

    /// The string with the place of its content, byte by byte where the file spells it without escapes.
    fn content(&self, text: &str) -> Spanned<String> {
        let range = self.node.span();
        let raw = self
            .cx
            .texts
            .get(self.source)
            .and_then(|all| all.get(range.clone()))
            .unwrap_or_default();
        let quote = match raw.as_bytes() {
            [b'"', b'"', b'"', ..] | [b'\'', b'\'', b'\'', ..] => 3,
            _ => 1,
        };
        let inner = raw
            .get(quote..raw.len().saturating_sub(quote))
            .unwrap_or_default();
        // A line break right after the opening quotes is not part of the string.
        let trimmed = if quote == 3 {
            inner.trim_start_matches('\r').strip_prefix('\n')
        } else {
            None
        };
        let inner_start = range.start + quote + (inner.len() - trimmed.unwrap_or(inner).len());
        if trimmed.unwrap_or(inner) == text {
            Spanned::verbatim(
                text.to_owned(),
                Span::new(self.source, inner_start..inner_start + text.len()),
            )
        } else if let Some(places) = unescape(trimmed.unwrap_or(inner), text, inner_start) {
            let end = places.last().map_or(inner_start, |end| *end);
            let span = Span::new(self.source, inner_start..end);
            Spanned::escaped(text.to_owned(), span, places)
        } else {
            Spanned::new(text.to_owned(), self.span())
        }
    }

    fn found(&self) -> &'static str {
        match self.node.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a decimal number",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        }
    }
}

/// Where each byte of `text` begins in the source, and where it ends, if `raw`, which begins at `start`, spells it with
/// TOML's escapes.
fn unescape(raw: &str, text: &str, start: usize) -> Option<Vec<usize>> {
    let mut places = Vec::with_capacity(text.len() + 1);
    let (mut rest, mut at) = (raw, start);
    for letter in text.chars() {
        let spelled = match (rest.strip_prefix('\\'), rest.chars().next()?) {
            (None, plain) if plain == letter => plain.len_utf8(),
            (None, _) => return None,
            (Some(escape), _) => match escape.bytes().next()? {
                b'x' => 4,
                b'u' => 6,
                b'U' => 10,
                // A line that goes on.
                b' ' | b'\t' | b'\r' | b'\n' => return None,
                _ => 2,
            },
        };
        places.extend(std::iter::repeat_n(at, letter.len_utf8()));
        rest = rest.get(spelled..)?;
        at += spelled;
    }
    places.push(at);
    rest.is_empty().then_some(places)
}
