//! Response heads (RFC 9112 §4), read as tolerantly as the RFC demands of a
//! proxy and no more.

use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::{Method, Response, StatusCode, Version, response::Parts};

use super::{
    fields::{self, Named, Span, Spans, is_hop_by_hop},
    framing::{Length, response_length},
    request::{MAX_FIELDS, give_back},
};

/// A server's head may be larger than a client's: cookies and policies grow.
const MAX_HEAD: usize = 64 * 1024;

/// A response's head, without the fields that belong to the connection.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) parts: Parts,
    pub(crate) length: Length,
    /// May the connection carry another request after this response?
    pub(crate) reusable: bool,
    /// Fields that `Connection` names; they must not come as trailers either.
    pub(crate) named: Named,
    /// What the server says it can upgrade to; sent on with 101 and 426 only.
    pub(crate) upgrade: Option<http::HeaderValue>,
}

/// The server did not send an HTTP response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed;

/// A reason phrase other than the standard one, as a response extension.
#[derive(Clone, Debug)]
pub(crate) struct Reason(pub(crate) Bytes);

/// Takes one head off the front of `input`; `None` until it is whole.
pub(crate) fn parse(input: &mut BytesMut, method: &Method) -> Result<Option<Head>, Malformed> {
    let mut spans = Spans::new();
    let mut storage = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let mut config = httparse::ParserConfig::default();
    // §5.1 and §5.2: a proxy removes the blank before a colon and unfolds lines.
    config
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true);
    let parsed = config.parse_response_with_uninit_headers(&mut response, input, &mut storage);
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if input.len() < MAX_HEAD => return Ok(None),
        _ => return Err(Malformed),
    };
    let (Some(minor), Some(code)) = (response.version, response.code) else {
        return Err(Malformed);
    };
    let status = StatusCode::from_u16(code).map_err(|_| Malformed)?;
    let reason = match response.reason {
        Some(reason) if Some(reason) != status.canonical_reason() && !reason.is_empty() => {
            Some(Reason(Bytes::copy_from_slice(reason.as_bytes())))
        }
        _ => None,
    };
    spans.extend(response.headers.iter().map(|h| Span::of(input, h)));
    let head = input.split_to(length).freeze();
    let read = understand(&head, (status, minor, reason), &spans, method);
    if read.is_err() {
        give_back(&head, input);
    }
    read.map(Some)
}

/// What the bytes of a head mean.
fn understand(
    head: &Bytes,
    (status, minor, reason): (StatusCode, u8, Option<Reason>),
    spans: &Spans,
    method: &Method,
) -> Result<Head, Malformed> {
    let (mut headers, framing) =
        fields::collect(head, spans, |name| !is_hop_by_hop(name)).ok_or(Malformed)?;
    let upgrade = framing.upgrade.then(|| upgrade_of(head, spans)).flatten();
    for name in &framing.connection.named {
        headers.remove(name);
    }
    let version = match minor {
        0 => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    let (length, trusted) = response_length(&framing, version, method, status).ok_or(Malformed)?;
    match length {
        // RFC 9110 §8.6: a length where there can be no body, or beside chunks.
        Length::Chunked => drop(headers.remove(http::header::CONTENT_LENGTH)),
        _ if status == StatusCode::NO_CONTENT || status.is_informational() => {
            headers.remove(http::header::CONTENT_LENGTH);
        }
        Length::Exact(length)
            if framing.content_lengths > 1
                && *method != Method::HEAD
                && status != StatusCode::NOT_MODIFIED =>
        {
            headers.insert(http::header::CONTENT_LENGTH, length.into());
        }
        _ => {}
    }
    let mut parts = Response::new(()).into_parts().0;
    parts.status = status;
    parts.version = version;
    parts.headers = headers;
    if let Some(reason) = reason {
        parts.extensions.insert(reason);
    }
    Ok(Head {
        parts,
        length,
        reusable: trusted && framing.connection.persists(version),
        named: framing.connection.named,
        upgrade,
    })
}

fn upgrade_of(head: &Bytes, spans: &Spans) -> Option<http::HeaderValue> {
    let (map, _) = fields::collect(head, spans, |name| *name == http::header::UPGRADE)?;
    map.get(http::header::UPGRADE).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Head>, Malformed> {
        parse(&mut BytesMut::from(text), &Method::GET)
    }

    #[test]
    fn fields_of_the_connection_stay_behind() {
        let head = read(
            "HTTP/1.1 200 OK\r\nConnection: x-a, keep-alive\r\nX-A: 1\r\nKeep-Alive: timeout=5\r\n\
             Transfer-Encoding: chunked\r\nContent-Length: 3\r\nX-B : 2\r\n\r\n",
        );
        let head = head.unwrap().unwrap();
        assert_eq!(head.length, Length::Chunked);
        assert!(!head.reusable, "two framings: not trusted further");
        let names: Vec<_> = head.parts.headers.keys().map(|k| k.as_str()).collect();
        assert_eq!(names, ["x-b"]);
    }

    #[test]
    fn foldings_are_unfolded_and_odd_reasons_kept() {
        let head = read("HTTP/1.1 200 Fine\r\nA: b\r\n  c\r\nContent-Length: 0\r\n\r\n");
        let head = head.unwrap().unwrap();
        assert_eq!(head.parts.headers["a"], "b c");
        assert_eq!(head.parts.extensions.get::<Reason>().unwrap().0, "Fine");
    }

    #[test]
    fn what_is_not_http_is_malformed() {
        for text in [
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 abc OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX\r\n\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }
}
