//! `deny [deny_status N]`, `tarpit [deny_status N]`.

use http::StatusCode;
use lb_core::condition::ConditionError;

use crate::{
    exchange::Failure,
    page::Pages,
    rules::{Answer, Verdict, compile::Words},
};

/// Answers with an error page.
#[derive(Debug)]
pub(in crate::rules) struct Deny {
    status: StatusCode,
    tarpit: bool,
}

impl Deny {
    pub(super) fn parse(tarpit: bool, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let usual = match tarpit {
            true => StatusCode::INTERNAL_SERVER_ERROR,
            false => StatusCode::FORBIDDEN,
        };
        let status = status(usual, words)?;
        Ok(Self { status, tarpit })
    }

    pub(in crate::rules) fn verdict(&self, pages: &Pages) -> Verdict {
        let answer = |failure| Answer {
            response: pages.response(self.status),
            failure,
        };
        match self.tarpit {
            true => Verdict::Tarpit(answer(Failure::Tarpitted)),
            false => Verdict::Answer(answer(Failure::Denied)),
        }
    }
}

/// `[deny_status N]`, in HAProxy's newer words `[status N]`.
pub(super) fn status(
    usual: StatusCode,
    words: &mut Words<'_>,
) -> Result<StatusCode, ConditionError> {
    if !words.eat("deny_status") && !words.eat("status") {
        return Ok(usual);
    }
    let number = words.number("a status", 200, 599)?;
    let status = u16::try_from(number).map(StatusCode::from_u16);
    Ok(status.map_or(usual, |status| status.unwrap_or(usual)))
}
