//! Requests that this proxy answers itself: TRACE and OPTIONS that may go no
//! further (RFC 9110 §7.6.2).

use bytes::Bytes;
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, MAX_FORWARDS},
    request::Parts,
};

use crate::h1::encode;

/// Counts `Max-Forwards` down, or answers if it is 0. A value that is no number
/// is left to the server, which the request is meant for.
pub(super) fn forward_or_answer(parts: &mut Parts) -> Option<Response<Bytes>> {
    if parts.method != Method::TRACE && parts.method != Method::OPTIONS {
        return None;
    }
    let left: u64 = parts
        .headers
        .get(MAX_FORWARDS)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    match left.checked_sub(1) {
        Some(left) => {
            parts.headers.insert(MAX_FORWARDS, HeaderValue::from(left));
            None
        }
        None if parts.method == Method::TRACE => Some(trace(parts)),
        None => Some(options()),
    }
}

fn options() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE, PATCH");
    response.headers_mut().insert(ALLOW, methods);
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}

/// The request as it was received, without what is secret.
fn trace(parts: &Parts) -> Response<Bytes> {
    let mut text = format!("TRACE {} HTTP/1.1\r\n", parts.uri).into_bytes();
    for (name, value) in &parts.headers {
        if *name != AUTHORIZATION && *name != COOKIE {
            encode::field(&mut text, name, value);
        }
    }
    text.extend_from_slice(b"\r\n");
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = StatusCode::OK;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("message/http"));
    response
}
