//! `set-header`, `add-header`, `del-header`, `replace-header`, `replace-value`: fields of requests and responses.
//!
//! Fields that frame a message or belong to a connection are written by this proxy alone, from what it understood. A
//! rule that names one is an error; one that matches names passes over them.

use http::{HeaderMap, HeaderName, HeaderValue, header::HOST};
use lb_core::condition::{ConditionError, Word};
use regex::bytes::Regex;

use super::{Failed, regex};
use crate::{
    fetch::{Place, View},
    h1::fields::is_hop_by_hop,
    rules::{compile::Words, text::Text, value::header_value},
};

/// A change of fields.
#[derive(Debug)]
pub(in crate::rules) enum HeaderRule {
    /// One field takes the place of all of its name.
    Set(HeaderName, Value),
    /// One field more.
    Add(HeaderName, Value),
    /// None of these is left.
    Delete(Names),
    /// Every field of this name which the expression finds something in is the text, with its references.
    ReplaceHeader(HeaderName, Regex, Text),
    /// The same for each of the values between commas.
    ReplaceValue(HeaderName, Regex, Text),
}

/// A value: one that is always the same is made once.
#[derive(Debug)]
pub(in crate::rules) enum Value {
    Fixed(HeaderValue),
    Text(Text),
}

/// Which names `del-header` means.
#[derive(Debug)]
pub(in crate::rules) enum Names {
    Is(HeaderName),
    Begin(Box<str>),
    End(Box<str>),
    Contain(Box<str>),
    Match(Regex),
}

/// What is put into the head, made while it is looked at.
#[derive(Debug)]
pub(in crate::rules) enum Made {
    Nothing,
    Value(HeaderValue),
    Template(Vec<u8>),
}

impl HeaderRule {
    pub(super) fn set(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let name = writable(words, false)?;
        Ok(Self::Set(name, Value::parse(words)?))
    }

    pub(super) fn add(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let name = writable(words, false)?;
        if name == HOST && words.vocabulary.place() == Place::Request {
            let error = ConditionError::new(words.last().span(), "a request has one `host`");
            return Err(error.help("`set-header host` puts another in its place"));
        }
        Ok(Self::Add(name, Value::parse(words)?))
    }

    pub(super) fn delete(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let word = words.required("the name of a header")?;
        if !words.eat("-m") {
            return Ok(Self::Delete(Names::Is(name(word, true)?)));
        }
        let method = words.required("a matcher")?;
        let text = || {
            let text = String::from_utf8_lossy(word.value()).to_ascii_lowercase();
            text.into_boxed_str()
        };
        Ok(Self::Delete(match method.value() {
            b"str" => Names::Is(name(word, true)?),
            b"beg" => Names::Begin(text()),
            b"end" => Names::End(text()),
            b"sub" => Names::Contain(text()),
            b"reg" => Names::Match(regex(word, false)?),
            _ => {
                let given = String::from_utf8_lossy(method.value()).into_owned();
                let message = format!("`{given}` does not match names");
                return Err(ConditionError::new(method.span(), message)
                    .help("there are str beg end sub reg")
                    .suggest(&given, ["str", "beg", "end", "sub", "reg"]));
            }
        }))
    }

    pub(super) fn replace_header(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let name = writable(words, false)?;
        let regex = regex(words.required("a regular expression")?, false)?;
        Ok(Self::ReplaceHeader(name, regex, words.text("a text")?))
    }

    pub(super) fn replace_value(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let name = writable(words, false)?;
        let regex = regex(words.required("a regular expression")?, false)?;
        Ok(Self::ReplaceValue(name, regex, words.text("a text")?))
    }

    /// Makes what is to be put in, from what is seen.
    pub(in crate::rules) fn make(&self, view: &View<'_>) -> Made {
        match self {
            Self::Set(_, value) | Self::Add(_, value) => Made::Value(value.make(view)),
            Self::Delete(_) => Made::Nothing,
            Self::ReplaceHeader(_, _, text) | Self::ReplaceValue(_, _, text) => {
                Made::Template(text.text(view))
            }
        }
    }

    /// What became of it: the fields as they are now.
    pub(in crate::rules) fn tell(&self, headers: &HeaderMap) -> String {
        let (Self::Set(name, _)
        | Self::Add(name, _)
        | Self::Delete(Names::Is(name))
        | Self::ReplaceHeader(name, ..)
        | Self::ReplaceValue(name, ..)) = self
        else {
            let names = headers.keys().map(HeaderName::as_str);
            return format!("left are {}", names.collect::<Vec<_>>().join(", "));
        };
        let fields = headers.get_all(name).iter();
        let fields = fields.map(|value| format!("{name}: {}", value.as_bytes().escape_ascii()));
        let fields = fields.collect::<Vec<_>>().join(", ");
        match fields.is_empty() {
            true => format!("no {name}"),
            false => fields,
        }
    }

    /// Puts it in.
    pub(in crate::rules) fn apply(
        &self,
        made: Made,
        headers: &mut HeaderMap,
    ) -> Result<(), Failed> {
        match (self, made) {
            (Self::Set(name, _), Made::Value(value)) => {
                headers.try_insert(name, value).map_err(|_| Failed)?;
            }
            (Self::Add(name, _), Made::Value(value)) => {
                headers.try_append(name, value).map_err(|_| Failed)?;
            }
            (Self::Delete(names), _) => names.delete(headers),
            (Self::ReplaceHeader(name, regex, _), Made::Template(template)) => {
                each(headers, name, |value| {
                    super::replaced(regex, value, &template)
                });
            }
            (Self::ReplaceValue(name, regex, _), Made::Template(template)) => {
                each(headers, name, |value| values(regex, value, &template));
            }
            _ => debug_assert!(false, "made for another rule"),
        }
        Ok(())
    }
}

/// Gives every field of a name its new value, where there is one.
fn each(headers: &mut HeaderMap, name: &HeaderName, new: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    if let http::header::Entry::Occupied(mut fields) = headers.entry(name) {
        for value in fields.iter_mut() {
            if let Some(text) = new(value.as_bytes()) {
                *value = header_value(text);
            }
        }
    }
}

/// A field in which values have been replaced; observed: those lose the blanks around them, others keep them.
fn values(regex: &Regex, field: &[u8], template: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut any = false;
    for (at, part) in field.split(|byte| *byte == b',').enumerate() {
        if at > 0 {
            out.push(b',');
        }
        match super::replaced(regex, part.trim_ascii(), template) {
            Some(new) => {
                any = true;
                out.extend(new);
            }
            None => out.extend_from_slice(part),
        }
    }
    any.then_some(out)
}

impl Names {
    fn delete(&self, headers: &mut HeaderMap) {
        if let Self::Is(name) = self {
            headers.remove(name);
            return;
        }
        let hit: Vec<HeaderName> = headers
            .keys()
            .filter(|name| self.mean(name))
            .cloned()
            .collect();
        for name in hit {
            headers.remove(name);
        }
    }

    fn mean(&self, name: &HeaderName) -> bool {
        if is_ours(name, true) {
            return false;
        }
        let text = name.as_str();
        match self {
            Self::Is(own) => own == name,
            Self::Begin(part) => text.starts_with(&**part),
            Self::End(part) => text.ends_with(&**part),
            Self::Contain(part) => text.contains(&**part),
            Self::Match(regex) => regex.is_match(text.as_bytes()),
        }
    }
}

impl Value {
    pub(super) fn parse(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let text = words.text("a value")?;
        Ok(match text.as_fixed() {
            Some(fixed) => Self::Fixed(header_value(fixed.to_vec())),
            None => Self::Text(text),
        })
    }

    pub(in crate::rules) fn make(&self, view: &View<'_>) -> HeaderValue {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(text) => header_value(text.text(view)),
        }
    }
}

/// The next word as the name of a field that rules may write.
pub(super) fn writable(
    words: &mut Words<'_>,
    to_delete: bool,
) -> Result<HeaderName, ConditionError> {
    name(words.required("the name of a header")?, to_delete)
}

fn name(word: &Word, to_delete: bool) -> Result<HeaderName, ConditionError> {
    let given = || String::from_utf8_lossy(word.value()).into_owned();
    let name = HeaderName::from_bytes(word.value()).map_err(|_| {
        let message = format!("`{}` cannot be the name of a header", given());
        ConditionError::new(word.span(), message)
    })?;
    if is_ours(&name, to_delete) {
        let message = format!("`{name}` is written by lb alone");
        return Err(ConditionError::new(word.span(), message).help(
            "fields that frame a message or belong to a connection follow from what is sent; to close connections there is `http_connection`",
        ));
    }
    Ok(name)
}

/// To take `upgrade` or `te` away changes nothing about where a message ends.
fn is_ours(name: &HeaderName, to_delete: bool) -> bool {
    match name.as_str() {
        "upgrade" | "te" => !to_delete,
        "content-length" => true,
        _ => is_hop_by_hop(name),
    }
}
