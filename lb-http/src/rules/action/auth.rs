//! `auth [realm R]`: asks the client for a name and a password.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::WWW_AUTHENTICATE};
use lb_core::condition::ConditionError;

use crate::{
    page::Pages,
    rules::{compile::Words, value::header_value},
};

/// What the client is asked.
#[derive(Debug)]
pub(in crate::rules) struct Auth {
    challenge: HeaderValue,
}

impl Auth {
    /// Without `realm` it is the section's name.
    pub(super) fn parse(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let realm = match words.eat("realm") {
            true => words.required("a realm")?.value(),
            false => words.section.name.as_bytes(),
        };
        let mut challenge = b"Basic realm=\"".to_vec();
        for byte in realm {
            // RFC 9110 §5.6.4; HAProxy lets a quote end the realm.
            if matches!(byte, b'"' | b'\\') {
                challenge.push(b'\\');
            }
            challenge.push(*byte);
        }
        challenge.push(b'"');
        Ok(Self {
            challenge: header_value(challenge),
        })
    }

    pub(in crate::rules) fn response(&self, pages: &Pages) -> Response<Bytes> {
        let mut response = pages.response(StatusCode::UNAUTHORIZED);
        let headers = response.headers_mut();
        headers.append(WWW_AUTHENTICATE, self.challenge.clone());
        response
    }
}
