//! `set-timeout`: another time-out for this one request.

use std::time::Duration;

use lb_core::condition::{ConditionError, Fetch as _, SampleType, Word};

use crate::{
    fetch::{HttpExpr, View},
    proxy::Overrides,
    rules::compile::Words,
};

/// A time-out, and what it is now.
#[derive(Debug)]
pub(in crate::rules) struct TimeoutRule {
    which: Which,
    time: Time,
}

/// Which time-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) enum Which {
    Client,
    Server,
    Tunnel,
}

#[derive(Debug)]
enum Time {
    Fixed(Duration),
    /// In milliseconds.
    Of(HttpExpr),
}

const NAMES: [&str; 3] = ["client", "server", "tunnel"];

impl TimeoutRule {
    /// `set-timeout client|server|tunnel TIME|EXPR`.
    pub(super) fn parse(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let vocabulary = words.vocabulary;
        let word = words.required("`client`, `server` or `tunnel`")?;
        let which = match word.value() {
            b"client" => Which::Client,
            b"server" => Which::Server,
            b"tunnel" => Which::Tunnel,
            other => {
                let other = String::from_utf8_lossy(other);
                let message = format!("there is no time-out `{other}` of a request");
                let error = ConditionError::new(word.span(), message);
                return Err(error
                    .help("there are client server tunnel")
                    .suggest(&other, NAMES));
            }
        };
        let word = words.required("a time, as `30s`, or an expression in milliseconds")?;
        let time = match word.value().first() {
            Some(byte) if byte.is_ascii_digit() => Time::Fixed(fixed(word)?),
            _ => {
                let expr = vocabulary.expr(word)?;
                let kind = expr.sample_type();
                if ![SampleType::Int, SampleType::Str, SampleType::Any].contains(&kind) {
                    let message = format!("a time is a number, and this is of type {kind}");
                    return Err(ConditionError::new(word.span(), message));
                }
                Time::Of(expr)
            }
        };
        Ok(Self { which, time })
    }

    /// How long it is; `None` where the sample is not there, or no time.
    pub(in crate::rules) fn make(&self, view: &View<'_>) -> Option<(Which, Duration)> {
        let time = match &self.time {
            Time::Fixed(time) => *time,
            Time::Of(expr) => {
                let millis = expr.with_sample(view, |sample| sample.to_int())??;
                Duration::from_millis(u64::try_from(millis).ok().filter(|&millis| millis > 0)?)
            }
        };
        Some((self.which, time))
    }
}

impl Which {
    /// Sets it for this request.
    pub(in crate::rules) fn set<B>(self, request: &mut http::Request<B>, time: Duration) {
        let extensions = request.extensions_mut();
        match self {
            Self::Client => {
                if let Some(client) = extensions.get::<crate::Client>() {
                    client.wait(time);
                }
            }
            Self::Server => extensions.get_or_insert_default::<Overrides>().server = Some(time),
            Self::Tunnel => extensions.get_or_insert_default::<Overrides>().tunnel = Some(time),
        }
    }
}

/// HAProxy's times: a number of milliseconds, or of what its unit says.
pub(super) fn fixed(word: &Word) -> Result<Duration, ConditionError> {
    const MOST: Duration = Duration::from_secs(24 * 86_400);
    let text = String::from_utf8_lossy(word.value());
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let micros = match unit {
        "us" => 1,
        "" | "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => {
            let message = format!("`{text}` is no time");
            let error = ConditionError::new(word.span(), message);
            return Err(error.help("units are us ms s m h d; without one it is milliseconds"));
        }
    };
    let time = number.parse::<u64>().ok();
    let time = time.and_then(|number| number.checked_mul(micros));
    let time = time.map(Duration::from_micros);
    time.filter(|time| !time.is_zero() && *time <= MOST)
        .ok_or_else(|| {
            let message = format!("`{text}` is not between 1us and 24d");
            ConditionError::new(word.span(), message)
        })
}
