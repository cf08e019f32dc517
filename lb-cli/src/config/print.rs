//! Writing a configuration: the counterpart of [`FromValue`](super::types::FromValue).

use std::{fmt::Write as _, time::Duration};

use super::{ByteSize, Spanned, env, units};

/// A type that can be written as a TOML value.
pub(crate) trait ToToml {
    fn to_toml(&self) -> String;
}

/// A TOML document in the making.
#[derive(Default)]
pub(crate) struct Printer {
    out: String,
}

impl Printer {
    /// Starts the table `[path]`; each part of the path is quoted where it must be.
    pub(crate) fn table(&mut self, path: &[&str]) {
        self.header("[", path, "]");
    }

    /// Starts an element of the array of tables `[[path]]`.
    pub(crate) fn element(&mut self, path: &[&str]) {
        self.header("[[", path, "]]");
    }

    pub(crate) fn set(&mut self, name: &str, value: impl ToToml) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "{} = {}", key(name), value.to_toml());
    }

    /// The same of a value that is TOML already.
    pub(crate) fn set_raw(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.out, "{} = {value}", key(name));
    }

    pub(crate) fn set_some(&mut self, name: &str, value: Option<impl ToToml>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Writes an array unless it is empty.
    pub(crate) fn set_any<T: ToToml>(&mut self, name: &str, values: &[T]) {
        if !values.is_empty() {
            self.set(name, values);
        }
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    fn header(&mut self, open: &str, path: &[&str], close: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        let path = path
            .iter()
            .map(|part| key(part))
            .collect::<Vec<_>>()
            .join(".");
        let _ = writeln!(self.out, "{open}{path}{close}");
    }
}

/// A string value that reads back as `text`.
pub(crate) fn quoted(text: &str) -> String {
    basic(&env::protect(text))
}

/// An inline table of the keys that are given.
pub(crate) fn inline<const N: usize>(pairs: [(&str, Option<String>); N]) -> String {
    let pairs = pairs
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{} = {}", key(name), value?)));
    format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
}

fn key(name: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if !name.is_empty() && name.bytes().all(bare) {
        name.to_owned()
    } else {
        basic(name)
    }
}

fn basic(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => _ = write!(out, "\\u{:04X}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

macro_rules! display_as_toml {
    ($($type:ty),+) => { $(impl ToToml for $type {
        fn to_toml(&self) -> String { self.to_string() }
    })+ };
}
display_as_toml!(bool, u8, u16, u32, u64, i16);

impl ToToml for str {
    fn to_toml(&self) -> String {
        quoted(self)
    }
}

impl ToToml for String {
    fn to_toml(&self) -> String {
        quoted(self)
    }
}

impl ToToml for Duration {
    fn to_toml(&self) -> String {
        quoted(&units::Written(*self).to_string())
    }
}

impl ToToml for ByteSize {
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

impl<T: ToToml> ToToml for Spanned<T> {
    fn to_toml(&self) -> String {
        (**self).to_toml()
    }
}

impl<T: ToToml> ToToml for [T] {
    fn to_toml(&self) -> String {
        format!(
            "[{}]",
            self.iter().map(T::to_toml).collect::<Vec<_>>().join(", ")
        )
    }
}

impl<T: ToToml + ?Sized> ToToml for &T {
    fn to_toml(&self) -> String {
        (**self).to_toml()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_survives_quoting(text in any::<String>(), name in any::<String>()) {
            let mut out = Printer::default();
            out.set(&name, &text);
            let read: toml::Table = out.finish().parse().unwrap();
            let value = read[&name].as_str().unwrap();
            prop_assert_eq!(env::substitute(value, &|_| None).unwrap(), text);
        }
    }
}
