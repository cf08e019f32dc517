//! `wait-for-body`: no server is chosen before the body, or enough of it, has come.

use std::time::Duration;

use lb_core::condition::ConditionError;

use super::timeout;
use crate::{rules::compile::Words, server::AHEAD};

/// How long to wait, and for how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) struct WaitRule {
    pub(in crate::rules) time: Duration,
    /// Bytes of the body; `None`: all of it.
    pub(in crate::rules) at_least: Option<usize>,
}

impl WaitRule {
    /// `wait-for-body time TIME [at-least BYTES]`.
    pub(super) fn parse(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let name = words.last();
        if !words.section.waits {
            let message = "nothing waits for the bodies of these requests";
            return Err(ConditionError::new(name.span(), message));
        }
        if !words.eat("time") {
            let error = ConditionError::new(name.span(), "`wait-for-body` needs a time");
            return Err(error.help("as in `wait-for-body time 1s at-least 1k`"));
        }
        let time = timeout::fixed(words.required("a time, as `1s`")?)?;
        let at_least = match words.eat("at-least") {
            true => Some(size(words)?).filter(|size| *size > 0),
            false => None,
        };
        Ok(Self { time, at_least })
    }
}

/// HAProxy's sizes: bytes, or `k`, `m`, `g`.
fn size(words: &mut Words<'_>) -> Result<usize, ConditionError> {
    let word = words.required("a number of bytes, as `1k`")?;
    let text = String::from_utf8_lossy(word.value());
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit {
        "" => Some(0),
        "k" => Some(10),
        "m" => Some(20),
        "g" => Some(30),
        _ => None,
    };
    let number = number.parse::<usize>().ok();
    let size = number
        .zip(shift)
        .and_then(|(number, shift)| number.checked_mul(1 << shift));
    let Some(size) = size else {
        let message = format!("`{text}` is no number of bytes");
        return Err(ConditionError::new(word.span(), message).help("as 1000 or 16k"));
    };
    if size > AHEAD {
        let message = format!("no more than {AHEAD} bytes are held");
        return Err(ConditionError::new(word.span(), message));
    }
    Ok(size)
}
