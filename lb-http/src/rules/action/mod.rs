//! What rules do.

mod auth;
mod ends;
mod file;
mod header;
mod keep;
mod names;
mod normalize;
mod redirect;
mod reply;
mod target;
mod timeout;
mod track;
mod wait;

use http::StatusCode;
use lb_core::condition::{ConditionError, Word};
use regex::bytes::{Regex, RegexBuilder};

pub(super) use self::{
    auth::Auth,
    ends::EndRule,
    file::FileRule,
    header::{HeaderRule, Made, Value},
    keep::{Capture, VariableRule},
    normalize::{Malformed, Normalizer},
    redirect::Redirect,
    reply::Reply,
    target::{Line, Part, TargetRule},
    timeout::{TimeoutRule, Which},
    track::{Count, Track},
    wait::WaitRule,
};
use super::compile::Words;
use crate::{server::Hangup, transaction::LogLevel};

/// A rewrite that came to nothing: the message cannot be what the rule wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failed;

/// An action of `http-request`.
#[derive(Debug)]
pub(super) enum RequestAction {
    /// `allow`: no later rule of this list is looked at.
    Allow,
    Auth(Auth),
    Capture(Capture),
    Deny(Reply),
    /// `early-hint`: a response 103 with this field.
    EarlyHint(http::HeaderName, Value),
    /// `set-src`, `set-dst` and their ports.
    Ends(EndRule),
    /// `set-map` and its kin.
    File(FileRule),
    /// `reject`, `silent-drop`.
    Hangup(Hangup),
    Header(HeaderRule),
    LogLevel(LogLevel),
    /// `normalize-uri`.
    Normalize(Normalizer),
    Redirect(Redirect),
    Return(Reply),
    /// `strict-mode`: does a rewrite that fails end the matter?
    Strict(bool),
    Tarpit(Reply),
    Target(TargetRule),
    /// `disable-l7-retry`: it is sent again only where no connection could be had.
    SendOnce,
    Timeout(TimeoutRule),
    Variable(VariableRule),
    /// `track-sc0`, `track-sc1`, `track-sc2`.
    Track(Track),
    /// `sc-inc-gpc0(N)`, `sc-set-gpt0(N)` and their kin.
    Count(Count),
    /// `wait-for-body`.
    Wait(WaitRule),
}

/// An action of `http-response` and `http-after-response`.
#[derive(Debug)]
pub(super) enum ResponseAction {
    /// `allow`: no later rule of this list is looked at.
    Allow,
    Capture(Capture),
    /// `sc-inc-gpc0(N)`, `sc-set-gpt0(N)` and their kin.
    Count(Count),
    Deny(Reply),
    File(FileRule),
    Hangup(Hangup),
    Header(HeaderRule),
    LogLevel(LogLevel),
    Redirect(Redirect),
    Return(Reply),
    /// `set-status`, with its reason.
    Status(StatusCode, Option<bytes::Bytes>),
    Strict(bool),
    /// `track-sc0`, `track-sc1`, `track-sc2`.
    Track(Track),
    Variable(VariableRule),
}

impl RequestAction {
    /// Reads the words after the name; what stands in parentheses behind it is still to be read.
    pub(super) fn parse(name: &str, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let header = Self::Header;
        let target = Self::Target;
        Ok(match name {
            "add-acl" | "del-acl" | "set-map" | "del-map" => {
                Self::File(FileRule::parse(name, words)?)
            }
            "add-header" => header(HeaderRule::add(words)?),
            "allow" => Self::Allow,
            "auth" => Self::Auth(Auth::parse(words)?),
            "capture" => Self::Capture(Capture::parse(words)?),
            "del-header" => header(HeaderRule::delete(words)?),
            "deny" => Self::Deny(Reply::parse_deny(StatusCode::FORBIDDEN, words)?),
            "disable-l7-retry" => Self::SendOnce,
            "early-hint" => {
                let name = header::writable(words, false)?;
                Self::EarlyHint(name, Value::parse(words)?)
            }
            "normalize-uri" => Self::Normalize(Normalizer::parse(words)?),
            "redirect" => Self::Redirect(Redirect::parse(words)?),
            "reject" => Self::Hangup(Hangup::Close),
            "replace-header" => header(HeaderRule::replace_header(words)?),
            "replace-path" => target(TargetRule::replace(Part::Path, words)?),
            "replace-pathq" => target(TargetRule::replace(Part::PathQuery, words)?),
            "replace-uri" => target(TargetRule::replace(Part::Uri, words)?),
            "replace-value" => header(HeaderRule::replace_value(words)?),
            "return" => Self::Return(Reply::parse_return(words)?),
            "set-dst" | "set-dst-port" | "set-src" | "set-src-port" => {
                Self::Ends(EndRule::parse(name, words)?)
            }
            "set-header" => header(HeaderRule::set(words)?),
            "set-log-level" => Self::LogLevel(log_level(words)?),
            "set-method" => target(TargetRule::method(words)?),
            "set-path" => target(TargetRule::set(Part::Path, words)?),
            "set-pathq" => target(TargetRule::set(Part::PathQuery, words)?),
            "set-query" => target(TargetRule::set(Part::Query, words)?),
            "set-timeout" => Self::Timeout(TimeoutRule::parse(words)?),
            "set-uri" => target(TargetRule::set(Part::Uri, words)?),
            "set-var" | "set-var-fmt" | "unset-var" => {
                Self::Variable(VariableRule::parse(name, words)?)
            }
            "silent-drop" => Self::Hangup(Hangup::Silent),
            "strict-mode" => Self::Strict(strict(words)?),
            "tarpit" => Self::Tarpit(Reply::parse_deny(StatusCode::INTERNAL_SERVER_ERROR, words)?),
            "track-sc0" => Self::Track(Track::parse(0, words)?),
            "track-sc1" => Self::Track(Track::parse(1, words)?),
            "track-sc2" => Self::Track(Track::parse(2, words)?),
            "wait-for-body" => Self::Wait(WaitRule::parse(words)?),
            name if name.starts_with("sc-") => Self::Count(Count::parse(name, words)?),
            _ => return Err(names::unknown(name, words, "on requests", names::REQUEST)),
        })
    }
}

impl ResponseAction {
    /// Reads the words after the name, likewise.
    pub(super) fn parse(name: &str, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let header = Self::Header;
        Ok(match name {
            "add-acl" | "del-acl" | "set-map" | "del-map" => {
                Self::File(FileRule::parse(name, words)?)
            }
            "add-header" => header(HeaderRule::add(words)?),
            "allow" => Self::Allow,
            "capture" => Self::Capture(Capture::parse(words)?),
            "del-header" => header(HeaderRule::delete(words)?),
            "deny" => Self::Deny(Reply::parse_deny(StatusCode::BAD_GATEWAY, words)?),
            "redirect" => Self::Redirect(Redirect::parse(words)?),
            "replace-header" => header(HeaderRule::replace_header(words)?),
            "replace-value" => header(HeaderRule::replace_value(words)?),
            "return" => Self::Return(Reply::parse_return(words)?),
            "set-header" => header(HeaderRule::set(words)?),
            "set-log-level" => Self::LogLevel(log_level(words)?),
            "set-status" => {
                let status = reply::status_of(words)?;
                let reason = match words.eat("reason") {
                    true => Some(reason(words.required("a reason")?)?),
                    false => None,
                };
                Self::Status(status, reason)
            }
            "set-var" | "set-var-fmt" | "unset-var" => {
                Self::Variable(VariableRule::parse(name, words)?)
            }
            "silent-drop" => Self::Hangup(Hangup::Silent),
            "strict-mode" => Self::Strict(strict(words)?),
            "track-sc0" => Self::Track(Track::parse(0, words)?),
            "track-sc1" => Self::Track(Track::parse(1, words)?),
            "track-sc2" => Self::Track(Track::parse(2, words)?),
            name if name.starts_with("sc-") => Self::Count(Count::parse(name, words)?),
            _ => return Err(names::unknown(name, words, "on responses", names::RESPONSE)),
        })
    }

    /// The same for `http-after-response`, which cannot put another response in the place of this one.
    pub(super) fn parse_after(name: &str, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        match names::AFTER.contains(&name) {
            true => Self::parse(name, words),
            false => Err(names::unknown(name, words, "after responses", names::AFTER)),
        }
    }
}

fn log_level(words: &mut Words<'_>) -> Result<LogLevel, ConditionError> {
    const LEVELS: [&str; 9] = [
        "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "silent",
    ];
    let word = words.required("a level")?;
    let given = String::from_utf8_lossy(word.value()).into_owned();
    LogLevel::parse(&given).ok_or_else(|| {
        let message = format!("`{given}` is no level of a log");
        ConditionError::new(word.span(), message)
            .help(format!("levels are {}", LEVELS.join(" ")))
            .suggest(&given, LEVELS)
    })
}

fn strict(words: &mut Words<'_>) -> Result<bool, ConditionError> {
    let word = words.required("`on` or `off`")?;
    match word.value() {
        b"on" => Ok(true),
        b"off" => Ok(false),
        _ => Err(ConditionError::new(word.span(), "expected `on` or `off`")),
    }
}

/// RFC 9112 §4: visible characters and blanks.
fn reason(word: &Word) -> Result<bytes::Bytes, ConditionError> {
    let plain = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    match word.value().iter().all(plain) {
        true => Ok(bytes::Bytes::copy_from_slice(word.value())),
        false => Err(ConditionError::new(
            word.span(),
            "a reason has no control characters",
        )),
    }
}

/// A word as a regular expression over bytes.
fn regex(word: &Word, ignore_case: bool) -> Result<Regex, ConditionError> {
    let error = |message: String| ConditionError::new(word.span(), message);
    let text = std::str::from_utf8(word.value()).map_err(|_| error("not UTF-8".into()))?;
    RegexBuilder::new(text)
        .unicode(false)
        .case_insensitive(ignore_case)
        .build()
        .map_err(|why| {
            let why = why.to_string();
            let what = why.lines().last().unwrap_or_default();
            error(format!("`{text}`: {}", what.trim_start_matches("error: ")))
                .help("regular expressions are PCRE without look-around and back-references")
        })
}

/// The template with `\0` to `\9` resolved, if the expression finds something; `\\` is a backslash.
fn replaced(regex: &Regex, text: &[u8], template: &[u8]) -> Option<Vec<u8>> {
    let found = regex.captures(text)?;
    let mut out = Vec::with_capacity(template.len());
    let mut bytes = template.iter();
    while let Some(&byte) = bytes.next() {
        match (byte, bytes.as_slice().first()) {
            (b'\\', Some(digit @ b'0'..=b'9')) => {
                bytes.next();
                if let Some(group) = found.get(usize::from(digit - b'0')) {
                    out.extend_from_slice(group.as_bytes());
                }
            }
            (b'\\', Some(b'\\')) => {
                bytes.next();
                out.push(b'\\');
            }
            _ => out.push(byte),
        }
    }
    Some(out)
}
