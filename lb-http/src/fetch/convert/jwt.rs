//! JSON web tokens (RFC 7515, RFC 7519): what they say, and whether their signature holds.

use std::sync::Arc;

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use lb_core::condition::{Call, ConditionError, Sample, SampleType};
use sha2::{Sha256, Sha384, Sha512};

use super::{Converter, encode::UB64, json::Query, required, wrong};
use crate::{
    fetch::{registry::Registry, view::View},
    transaction::{Variable, VariableScope},
};

pub(super) const NAMES: &[&str] = &["jwt_header_query", "jwt_payload_query", "jwt_verify"];

pub(super) fn resolve(
    call: &Call,
    registry: &Arc<Registry>,
) -> Option<Result<Converter, ConditionError>> {
    Some(match call.name.as_str() {
        "jwt_header_query" => query(call, 0),
        "jwt_payload_query" => query(call, 1),
        "jwt_verify" => verify(call, registry),
        _ => return None,
    })
}

/// Head, payload and signature, and the text that is signed.
fn parts(token: &[u8]) -> Option<([&[u8]; 3], &[u8])> {
    let last = memchr::memrchr(b'.', token)?;
    let first = memchr::memchr(b'.', &token[..last])?;
    let parts = [&token[..first], &token[first + 1..last], &token[last + 1..]];
    (!parts[1].contains(&b'.')).then_some((parts, &token[..last]))
}

/// What a path leads to in a part; the whole part without one.
fn query(call: &Call, part: usize) -> Result<Converter, ConditionError> {
    let query = Query::read(call, 0)?;
    Ok(Converter::new(
        SampleType::Str,
        SampleType::Any,
        move |work, _| {
            let token = std::mem::take(&mut work.text);
            let text = parts(&token).and_then(|(parts, _)| UB64.decode(parts[part]).ok());
            match (text, &query) {
                (Some(text), Some(query)) => query.answer(&text, work),
                (Some(text), None) => work.set(Sample::Str(&text)),
                (None, _) => false,
            }
        },
    ))
}

#[derive(Clone, Copy)]
enum Algorithm {
    None,
    Hs256,
    Hs384,
    Hs512,
}

impl Algorithm {
    fn parse(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"none" => Self::None,
            b"HS256" => Self::Hs256,
            b"HS384" => Self::Hs384,
            b"HS512" => Self::Hs512,
            _ => return None,
        })
    }
}

/// A text, or the variable that has it.
enum Given {
    Text(Box<[u8]>),
    Variable(Variable),
}

impl Given {
    fn read(call: &Call, n: usize, registry: &Registry) -> Result<Self, ConditionError> {
        let Some(arg) = call.args.get(n) else {
            return Err(super::missing(call, "an algorithm and a key"));
        };
        let is_variable = arg
            .text
            .split_once('.')
            .is_some_and(|(scope, _)| VariableScope::parse(scope).is_some());
        match is_variable {
            true => registry.variable_of(arg).map(Self::Variable),
            false => Ok(Self::Text(arg.text.as_bytes().into())),
        }
    }

    fn with<R>(&self, view: &View<'_>, f: impl FnOnce(&[u8]) -> R) -> Option<R> {
        match self {
            Self::Text(text) => Some(f(text)),
            Self::Variable(variable) => {
                let value = view.variable(variable)?;
                Some(value.as_sample().with_text(f))
            }
        }
    }
}

/// What is wrong with a token, as HAProxy numbers it.
const UNKNOWN_ALGORITHM: i64 = -1;
const INVALID_TOKEN: i64 = -3;

/// `jwt_verify(ALGORITHM,KEY)`: 1 if the signature holds, 0 if not, less if it could not be checked.
fn verify(call: &Call, registry: &Arc<Registry>) -> Result<Converter, ConditionError> {
    call.at_most(2)?;
    required(call, 0, "an algorithm and a key")?;
    let algorithm = Given::read(call, 0, registry)?;
    let key = Given::read(call, 1, registry)?;
    if let Given::Text(name) = &algorithm
        && Algorithm::parse(name).is_none()
    {
        let later = [
            "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512",
        ];
        let message = match later.iter().any(|later| later.as_bytes() == &**name) {
            true => "signatures by certificate are HAProxy's, and not built yet",
            false => "there is no such algorithm",
        };
        return Err(wrong(call, 0, message).help("HS256, HS384, HS512 and none are built"));
    }
    Ok(Converter::new(
        SampleType::Str,
        SampleType::Int,
        move |work, view| {
            let Some(algorithm) = algorithm.with(view, Algorithm::parse) else {
                return false;
            };
            let verdict = key.with(view, |key| match algorithm {
                Some(algorithm) => check(&work.text, algorithm, key),
                None => UNKNOWN_ALGORITHM,
            });
            verdict.is_some_and(|verdict| work.set(Sample::Int(verdict)))
        },
    ))
}

fn check(token: &[u8], algorithm: Algorithm, key: &[u8]) -> i64 {
    let Some(([_, _, signature], signed)) = parts(token) else {
        return INVALID_TOKEN;
    };
    // The head's own `alg` is not asked: a token must not choose how it is checked.
    let signature = match (algorithm, UB64.decode(signature)) {
        (Algorithm::None, _) => return i64::from(signature.is_empty()),
        (_, Ok(bytes)) if !bytes.is_empty() => bytes,
        _ => return INVALID_TOKEN,
    };
    let holds = match algorithm {
        Algorithm::None => false,
        Algorithm::Hs256 => holds!(Sha256, key, signed, &signature),
        Algorithm::Hs384 => holds!(Sha384, key, signed, &signature),
        Algorithm::Hs512 => holds!(Sha512, key, signed, &signature),
    };
    i64::from(holds)
}

/// In constant time.
macro_rules! holds {
    ($digest:ty, $key:expr, $text:expr, $signature:expr) => {{
        let mut mac = Hmac::<$digest>::new_from_slice($key).expect("HMAC takes keys of any length");
        mac.update($text);
        mac.verify_slice($signature).is_ok()
    }};
}
use holds;
