//! `retry_on`, `redispatch`: which requests get another try, and where.

use std::num::NonZeroU32;

use http::StatusCode;

use crate::config::{
    print::{ToToml, quoted},
    suggest,
    types::FromValue,
    unbuilt,
    value::Value,
};

/// What is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryOn {
    /// No connection to the server.
    ConnFailure,
    /// The server closed the connection without a response.
    EmptyResponse,
    /// What the server sent is not HTTP.
    JunkResponse,
    /// The server did not answer in time.
    ResponseTimeout,
    /// A response of this status.
    Status(StatusCode),
}

/// When a retry goes to another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redispatch {
    /// `false`, `0`: never.
    Never,
    /// `3`: on every third retry.
    Every(NonZeroU32),
    /// `true`, `-1`: on the last retry; `-2`: on the one before it.
    FromLast(NonZeroU32),
}

impl RetryOn {
    /// Statuses that may be retried.
    const STATUSES: [&'static str; 12] = [
        "401", "403", "404", "408", "421", "425", "429", "500", "501", "502", "503", "504",
    ];

    const WORDS: [(&'static str, Self); 4] = [
        ("conn-failure", Self::ConnFailure),
        ("empty-response", Self::EmptyResponse),
        ("junk-response", Self::JunkResponse),
        ("response-timeout", Self::ResponseTimeout),
    ];

    pub(crate) fn usual() -> Vec<Self> {
        vec![Self::ConnFailure, Self::EmptyResponse]
    }

    pub(crate) fn read(value: &Value<'_>) -> Vec<Self> {
        let items: Vec<_> = value.items().into_iter().flatten().collect();
        let mut causes = Vec::new();
        for item in &items {
            let Some(word) = item.text() else { continue };
            match word.as_str() {
                "none" if items.len() > 1 => _ = item.fail::<()>("\"none\" stands alone"),
                "none" => {}
                "all-retryable-errors" => {
                    causes.extend(Self::WORDS.map(|(_, cause)| cause));
                    causes.extend(
                        ["500", "502", "503", "504"]
                            .into_iter()
                            .filter_map(Self::status),
                    );
                }
                "0rtt-rejected" => item
                    .cx
                    .not_yet(word.span(), "`0rtt-rejected`", unbuilt::TLS),
                word => match Self::WORDS.iter().find(|(name, _)| *name == word) {
                    Some((_, cause)) => causes.push(*cause),
                    None => causes.extend(Self::status(word).or_else(|| Self::unknown(item, word))),
                },
            }
        }
        let mut seen = Vec::new();
        causes.retain(|cause| {
            !seen.contains(cause) && {
                seen.push(*cause);
                true
            }
        });
        causes
    }

    fn status(word: &str) -> Option<Self> {
        let known = Self::STATUSES.contains(&word);
        word.parse().ok().filter(|_| known).map(Self::Status)
    }

    fn unknown(item: &Value<'_>, word: &str) -> Option<Self> {
        let words = Self::WORDS.map(|(word, _)| word);
        let others = ["none", "all-retryable-errors"];
        let known = || words.into_iter().chain(others).chain(Self::STATUSES);
        let help = suggest::did_you_mean(word, words.into_iter().chain(others))
            .unwrap_or_else(|| format!("it is one of {}", known().collect::<Vec<_>>().join(", ")));
        item.fail_with(format!("unknown cause of a retry `{word}`"), help)
    }
}

impl Default for Redispatch {
    fn default() -> Self {
        Self::FromLast(NonZeroU32::MIN)
    }
}

impl FromValue for Redispatch {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let number: i32 = match value.boolean_or_integer()? {
            Ok(flag) => -i32::from(flag),
            Err(number) => i32::try_from(number)
                .ok()
                .or_else(|| value.fail("the number is too large"))?,
        };
        Some(match NonZeroU32::new(number.unsigned_abs()) {
            None => Self::Never,
            Some(every) if number > 0 => Self::Every(every),
            Some(from_last) => Self::FromLast(from_last),
        })
    }
}

impl ToToml for Redispatch {
    fn to_toml(&self) -> String {
        match self {
            Self::Never => "false".to_owned(),
            Self::Every(every) => every.to_string(),
            Self::FromLast(NonZeroU32::MIN) => "true".to_owned(),
            Self::FromLast(from_last) => format!("-{from_last}"),
        }
    }
}

impl ToToml for RetryOn {
    fn to_toml(&self) -> String {
        match self {
            Self::Status(status) => quoted(status.as_str()),
            other => Self::WORDS
                .iter()
                .find(|(_, cause)| cause == other)
                .map_or_else(String::new, |(word, _)| quoted(word)),
        }
    }
}
