//! A program that is run: `["/path", "argument"]`, never through a shell and never looked for in `PATH`.

use crate::config::{Spanned, print::ToToml, types::FromValue, value::Value};

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// An absolute path.
    pub path: Spanned<String>,
    /// What it is called with.
    pub arguments: Vec<String>,
}

impl FromValue for Program {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        if value.is_string() {
            let help = "write the program and each argument as a string: [\"/path\", \"argument\"]";
            return value.fail_with("a program is an array: no shell splits its words", help);
        }
        let words: Vec<Spanned<String>> = value
            .items()?
            .map(|word| word.text())
            .collect::<Option<_>>()?;
        if let Some(word) = words.iter().find(|word| word.contains('\0')) {
            let message = "a program's words cannot have a NUL";
            value.cx.error(word.span(), message, None);
            return None;
        }
        let mut words = words.into_iter();
        let Some(path) = words.next() else {
            return value.fail_with("no program is named", "write [\"/path\", \"argument\"]");
        };
        if !path.starts_with('/') {
            let message = format!("the path of a program is absolute, found `{path}`");
            let help = "it is not looked for in PATH, and no shell reads it".to_owned();
            value.cx.error(path.span(), message, Some(help));
            return None;
        }
        Some(Self {
            path,
            arguments: words.map(Spanned::into_inner).collect(),
        })
    }
}

impl ToToml for Program {
    fn to_toml(&self) -> String {
        let words = std::iter::once(self.path.as_str());
        let words = words.chain(self.arguments.iter().map(String::as_str));
        words.collect::<Vec<_>>().to_toml()
    }
}
