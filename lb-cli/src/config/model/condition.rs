//! Conditions and the ACLs they name: kept as text with its place; the planning stage compiles them.

use crate::config::{
    Spanned,
    print::{Printer, ToToml, quoted},
    section::{Place, Section},
    types::FromValue,
    value::Value,
};

/// `acl.NAME`: a named condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    /// Its name.
    pub name: Spanned<String>,
    /// Condition texts, any of which may hold.
    pub conditions: Vec<Spanned<String>>,
}

/// `if …` or `unless …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `unless`: holds when the text does not.
    pub unless: bool,
    /// What follows the word, in HAProxy's expression language.
    pub text: Spanned<String>,
}

/// `use_backend`: a backend and when to take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseBackend {
    /// The backend, or a log-format string that gives its name.
    pub name: Spanned<String>,
    /// When; `None`: always.
    pub condition: Option<Condition>,
}

impl Acl {
    pub(crate) fn read_all(section: &Section<'_>) -> Vec<Self> {
        let table = section.merged("acl", Place::Plain);
        let mut acls: Vec<Self> = Vec::new();
        for entry in table.entries() {
            // An inherited one of the same name is hidden.
            if acls.iter().any(|acl| acl.name.as_str() == entry.key) {
                continue;
            }
            let texts = entry.value.one_or_more();
            let conditions = texts.iter().filter_map(nonempty).collect();
            acls.push(Self {
                name: super::checked_name(section.cx, entry.name(), "an ACL"),
                conditions,
            });
        }
        acls
    }

    pub(crate) fn print_all(acls: &[Self], path: &[&str], out: &mut Printer) {
        if !acls.is_empty() {
            out.table(&[path, &["acl"]].concat());
        }
        for acl in acls {
            out.set(&acl.name, acl.conditions.as_slice());
        }
    }
}

fn nonempty(value: &Value<'_>) -> Option<Spanned<String>> {
    let text = value.text()?;
    if text.trim().is_empty() {
        value.fail("the condition is empty")
    } else {
        Some(text)
    }
}

impl UseBackend {
    /// The name is made of each request, by `%[…]`.
    pub fn is_dynamic(&self) -> bool {
        self.name.contains('%')
    }
}

impl Condition {
    /// Reads `text` from byte `from` on.
    fn parse(text: &Spanned<String>, from: usize) -> Option<Self> {
        let rest = text[from..].trim_start();
        let start = text.len() - rest.len();
        let word = rest.split_whitespace().next()?;
        let unless = match word {
            "if" => false,
            "unless" => true,
            _ => return None,
        };
        let condition = rest[word.len()..].trim();
        let start =
            start + word.len() + (rest[word.len()..].len() - rest[word.len()..].trim_start().len());
        (!condition.is_empty()).then(|| Self {
            unless,
            text: text.slice(start..start + condition.len()),
        })
    }

    fn words(&self) -> String {
        format!(
            "{} {}",
            if self.unless { "unless" } else { "if" },
            self.text
        )
    }
}

impl FromValue for Condition {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let text = value.text()?;
        Self::parse(&text, 0).or_else(|| {
            value.fail_with(
                "a condition is expected",
                "write \"if CONDITION\" or \"unless CONDITION\"",
            )
        })
    }
}

impl FromValue for UseBackend {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let text = value.text()?;
        let start = text.len() - text.trim_start().len();
        let end = text[start..]
            .find(char::is_whitespace)
            .map_or(text.len(), |at| start + at);
        let name = text.slice(start..end);
        if name.is_empty() {
            return value.fail_with(
                "a backend's name is expected",
                "write \"NAME if CONDITION\"",
            );
        }
        let rest = text[end..].trim();
        let condition = Condition::parse(&text, end);
        if condition.is_none() && !rest.is_empty() {
            let at = text.len() - text[end..].trim_start().len();
            let help = "write \"NAME if CONDITION\" or \"NAME unless CONDITION\"".to_owned();
            value.cx.error(
                text.at(at..at + rest.len()),
                "a condition is expected after the name",
                Some(help),
            );
            return None;
        }
        Some(Self { name, condition })
    }
}

impl ToToml for Condition {
    fn to_toml(&self) -> String {
        quoted(&self.words())
    }
}

impl ToToml for UseBackend {
    fn to_toml(&self) -> String {
        match &self.condition {
            Some(condition) => quoted(&format!("{} {}", self.name, condition.words())),
            None => self.name.to_toml(),
        }
    }
}
