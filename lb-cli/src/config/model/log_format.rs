//! `format` of a log target, `log_format` of a frontend: what a line looks like.

use crate::config::{
    Spanned,
    print::{ToToml, quoted},
    suggest,
    types::FromValue,
    value::Value,
};

/// What a line looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// `"haproxy"`: its HTTP log line (`option httplog`).
    #[default]
    HaProxy,
    /// `"combined"`: its Common Log Format (`option httplog clf`).
    Combined,
    /// `"json"`: the same fields in an object.
    Json,
    /// A log-format string; the planning stage compiles it.
    Text(Spanned<String>),
}

const WORDS: [(&str, LogFormat); 3] = [
    ("haproxy", LogFormat::HaProxy),
    ("combined", LogFormat::Combined),
    ("json", LogFormat::Json),
];

/// A word, or a log-format string, which is told by its `%`.
impl FromValue for LogFormat {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let text = value.text()?;
        if text.contains('%') {
            return Some(Self::Text(text));
        }
        if let Some((_, format)) = WORDS.into_iter().find(|(word, _)| *word == text.as_str()) {
            return Some(format);
        }
        let help = suggest::did_you_mean(&text, WORDS.iter().map(|(word, _)| *word));
        let help = help.unwrap_or_else(|| {
            "it is one of haproxy, combined, json, or a text with %names".to_owned()
        });
        value.fail_with(format!("unknown log format `{text}`"), help)
    }
}

impl ToToml for LogFormat {
    fn to_toml(&self) -> String {
        match self {
            Self::HaProxy => quoted("haproxy"),
            Self::Combined => quoted("combined"),
            Self::Json => quoted("json"),
            Self::Text(text) => text.to_toml(),
        }
    }
}
