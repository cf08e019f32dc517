//! What rules do.

mod deny;
mod header;
mod track;

use http::StatusCode;
use lb_core::condition::ConditionError;

pub(super) use self::{
    deny::Deny,
    header::SetHeader,
    track::{Count, Track},
};
use super::compile::Words;

/// An action of `http-request`.
#[derive(Debug)]
pub(super) enum RequestAction {
    /// `allow`: no later rule of this list is looked at.
    Allow,
    /// `deny`, `tarpit`.
    Deny(Deny),
    /// `set-header`.
    SetHeader(SetHeader),
    /// `track-sc0`, `track-sc1`, `track-sc2`.
    Track(Track),
    /// `sc-inc-gpc0(N)`, `sc-set-gpt0(N)` and their kin.
    Count(Count),
}

/// An action of `http-response` and `http-after-response`.
#[derive(Debug)]
pub(super) enum ResponseAction {
    /// `allow`: no later rule of this list is looked at.
    Allow,
    /// `deny`: an error page of this status takes the response's place.
    Deny(StatusCode),
    /// `sc-inc-gpc0(N)`, `sc-set-gpt0(N)` and their kin.
    Count(Count),
}

/// Names of actions on requests, to suggest from.
const REQUEST: &[&str] = &[
    "allow",
    "deny",
    "set-header",
    "tarpit",
    "track-sc0",
    "track-sc1",
    "track-sc2",
];
const RESPONSE: &[&str] = &["allow", "deny"];

impl RequestAction {
    /// Reads the words after the name.
    pub(super) fn parse(name: &str, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        Ok(match name {
            "allow" => Self::Allow,
            "deny" => Self::Deny(Deny::parse(false, words)?),
            "set-header" => Self::SetHeader(SetHeader::parse(words)?),
            "tarpit" => Self::Deny(Deny::parse(true, words)?),
            "track-sc0" => Self::Track(Track::parse(0, words)?),
            "track-sc1" => Self::Track(Track::parse(1, words)?),
            "track-sc2" => Self::Track(Track::parse(2, words)?),
            name if name.starts_with("sc-") => Self::Count(Count::parse(name, words)?),
            _ => {
                let message = format!("there is no action `{name}` on requests");
                let error = ConditionError::new(words.last().span(), message);
                return Err(error.suggest(name, REQUEST.iter().copied()));
            }
        })
    }
}

impl ResponseAction {
    /// Reads the words after the name.
    pub(super) fn parse(name: &str, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        Ok(match name {
            "allow" => Self::Allow,
            "deny" => Self::Deny(deny::status(StatusCode::BAD_GATEWAY, words)?),
            name if name.starts_with("sc-") => Self::Count(Count::parse(name, words)?),
            _ => {
                let message = format!("there is no action `{name}` on responses");
                let error = ConditionError::new(words.last().span(), message);
                return Err(error.suggest(name, RESPONSE.iter().copied()));
            }
        })
    }
}
