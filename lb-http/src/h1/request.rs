//! Request heads (RFC 9112 §3), read strictly: a client's bytes are hostile.

use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::{
    Method, Request, StatusCode, Uri, Version,
    header::{self, HeaderValue},
    request::Parts,
};

use super::{
    fields::{self, Connection, Span, Spans},
    framing::{FramingError, Length, request_length},
    recycle,
};

/// The most fields a head may be allowed to have; a limit above it is refused
/// when it is configured.
pub const MAX_FIELDS: usize = 256;

/// How large a request may be.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of the whole head, request line included.
    pub header_bytes: usize,
    /// Number of fields, at most [`MAX_FIELDS`].
    pub headers: usize,
    /// Bytes of the request target.
    pub uri_bytes: usize,
    /// Bytes of a body; `None` is no limit.
    pub body_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 16 * 1024,
            headers: 101,
            uri_bytes: 8 * 1024,
            body_bytes: None,
        }
    }
}

/// A request's head.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) parts: Parts,
    pub(crate) length: Length,
    pub(crate) connection: Connection,
    pub(crate) expect_continue: bool,
}

/// Why a request is refused before anyone sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Refusal {
    /// What the client is told.
    pub(crate) status: StatusCode,
    /// What is wrong, for the log.
    pub(crate) reason: &'static str,
}

const fn refuse(status: StatusCode, reason: &'static str) -> Refusal {
    Refusal { status, reason }
}

const fn bad(reason: &'static str) -> Refusal {
    refuse(StatusCode::BAD_REQUEST, reason)
}

impl From<FramingError> for Refusal {
    fn from(error: FramingError) -> Self {
        match error {
            FramingError::Ambiguous(reason) => bad(reason),
            FramingError::UnknownCoding => {
                refuse(StatusCode::NOT_IMPLEMENTED, "unknown transfer coding")
            }
        }
    }
}

/// Takes one head off the front of `input`; `None` until it is whole.
pub(crate) fn parse(input: &mut BytesMut, limits: &Limits) -> Result<Option<Head>, Refusal> {
    // §2.2: empty lines before a request line are skipped.
    let empty = input
        .iter()
        .take_while(|b| matches!(b, b'\r' | b'\n'))
        .count();
    if empty > 0 {
        let _ = input.split_to(empty);
    }
    if input.is_empty() {
        return Ok(None);
    }
    let mut spans = Spans::new();
    let Some((method, target, version, length)) = scan(input, limits, &mut spans)? else {
        check_partial(input, limits)?;
        return Ok(None);
    };
    if length > limits.header_bytes {
        return Err(refuse(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head too large",
        ));
    }
    let head = input.split_to(length).freeze();
    let read = understand(&head, (method, target, version), &spans, limits);
    if read.is_err() {
        give_back(&head, input);
    }
    read.map(Some)
}

/// What was refused is there still, for whoever looks at it.
pub(super) fn give_back(head: &[u8], input: &mut BytesMut) {
    let rest = std::mem::replace(input, BytesMut::from(head));
    input.extend_from_slice(&rest);
}

type Line = (Method, (usize, usize), Version);

/// What the bytes of a head mean.
fn understand(
    head: &Bytes,
    (method, target, version): Line,
    spans: &Spans,
    limits: &Limits,
) -> Result<Head, Refusal> {
    let target = head.slice(target.0..target.1);
    if target.len() > limits.uri_bytes {
        return Err(refuse(StatusCode::URI_TOO_LONG, "request target too long"));
    }
    let (mut headers, framing) =
        fields::collect(head, spans, |_| true).ok_or(bad("invalid field"))?;
    // §3.2.4: OPTIONS for a whole server, sent by way of a proxy.
    let whole_server = method == Method::OPTIONS && has_no_path(&target);
    let mut uri = parse_target(&method, target)?;
    if framing.hosts > 1 {
        return Err(bad("several Host fields"));
    }
    match headers.get(header::HOST) {
        None if version == Version::HTTP_11 => return Err(bad("no Host field")),
        None => {}
        Some(host) if !is_host(host.as_bytes()) => return Err(bad("invalid Host field")),
        Some(_) => {}
    }
    // §3.2.2: the target's authority wins over the Host field.
    if let Some(authority) = uri.authority()
        && method != Method::CONNECT
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        headers.insert(header::HOST, host);
    }
    if whole_server {
        uri = Uri::from_static("*");
    }
    let length = request_length(&framing, version)?;
    if let (Length::Exact(length), Some(limit)) = (length, limits.body_bytes)
        && length > limit
    {
        return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "body too large"));
    }
    // §6.3: one length, however often it was said.
    if let Length::Exact(length) = length
        && framing.content_lengths > 1
    {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    let mut parts = Request::new(()).into_parts().0;
    parts.method = method;
    parts.uri = uri;
    parts.version = version;
    parts.headers = headers;
    parts.extensions = recycle::extensions();
    Ok(Head {
        parts,
        length,
        connection: framing.connection,
        expect_continue: framing.expect_continue && version == Version::HTTP_11,
    })
}

type Scanned = (Method, (usize, usize), Version, usize);

fn scan(
    input: &mut BytesMut,
    limits: &Limits,
    spans: &mut Spans,
) -> Result<Option<Scanned>, Refusal> {
    let mut storage = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let available = limits.headers.min(MAX_FIELDS);
    let mut request = httparse::Request::new(&mut []);
    let result = request.parse_with_uninit_headers(input, &mut storage[..available]);
    let length = match result {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(refuse(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "too many fields",
            ));
        }
        Err(httparse::Error::Version) => return scan_other_version(input, limits, spans),
        Err(_) => return Err(bad("malformed head")),
    };
    let (Some(method), Some(path), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(bad("malformed head"));
    };
    let start = path.as_ptr() as usize - input.as_ptr() as usize;
    let target = (start, start + path.len());
    spans.extend(request.headers.iter().map(|h| Span::of(input, h)));
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| bad("invalid method"))?;
    let version = if minor == 0 {
        Version::HTTP_10
    } else {
        Version::HTTP_11
    };
    Ok(Some((method, target, version, length)))
}

/// A later minor version is treated as 1.1, another major one refused
/// (RFC 9110 §2.5, §15.6.6).
fn scan_other_version(
    input: &mut BytesMut,
    limits: &Limits,
    spans: &mut Spans,
) -> Result<Option<Scanned>, Refusal> {
    let line = memchr::memchr(b'\n', input).unwrap_or(input.len());
    let line = input[..line].trim_ascii_end().len();
    let Some(at) = line.checked_sub(8) else {
        return Err(bad("malformed request line"));
    };
    match &input[at..line] {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] if at > 0 => {
            input[line - 1] = b'1';
            scan(input, limits, spans)
        }
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() && *major != b'1' =>
        {
            Err(refuse(
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "unsupported HTTP version",
            ))
        }
        _ => Err(bad("malformed request line")),
    }
}

/// A head that is not whole may be over its limits already.
fn check_partial(input: &[u8], limits: &Limits) -> Result<(), Refusal> {
    let line = memchr::memchr(b'\n', input);
    // Method and version are a few bytes; a line this long is all target.
    if line.unwrap_or(input.len()) > limits.uri_bytes + 64 {
        return Err(refuse(StatusCode::URI_TOO_LONG, "request target too long"));
    }
    if input.len() >= limits.header_bytes {
        return Err(refuse(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head too large",
        ));
    }
    Ok(())
}

/// §3.2: origin-form, absolute-form, authority-form for CONNECT only,
/// asterisk-form for OPTIONS only.
fn parse_target(method: &Method, target: Bytes) -> Result<Uri, Refusal> {
    // `http` drops a fragment silently and lets bytes above 0x7f through.
    if target
        .iter()
        .any(|&b| b == b'#' || !(0x21..=0x7e).contains(&b))
    {
        return Err(bad("invalid character in the request target"));
    }
    let origin_form = target.first() == Some(&b'/');
    let asterisk = &target[..] == b"*";
    let uri = Uri::from_maybe_shared(target).map_err(|_| bad("invalid request target"))?;
    if *method == Method::CONNECT {
        let authority_form =
            uri.scheme().is_none() && uri.authority().is_some_and(|a| a.port().is_some());
        return match authority_form && !origin_form {
            true => Ok(uri),
            false => Err(bad("CONNECT without an authority")),
        };
    }
    if origin_form || (asterisk && *method == Method::OPTIONS) {
        return Ok(uri);
    }
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(authority))
            if !authority.host().is_empty() && !authority.as_str().contains('@') =>
        {
            Ok(uri)
        }
        _ => Err(bad("invalid request target")),
    }
}

/// Is it `scheme://authority` and no more?
fn has_no_path(target: &[u8]) -> bool {
    let authority = memchr::memmem::find(target, b"://").map(|at| &target[at + 3..]);
    authority.is_some_and(|rest| memchr::memchr2(b'/', b'?', rest).is_none())
}

/// `uri-host [ ":" port ]` (RFC 9110 §7.2); empty is allowed where the target
/// has no authority.
fn is_host(host: &[u8]) -> bool {
    let (name, rest) = match host {
        [b'[', ..] => match memchr::memchr(b']', host) {
            Some(end) => (&host[1..end], &host[end + 1..]),
            None => return false,
        },
        _ => {
            let end = memchr::memchr(b':', host).unwrap_or(host.len());
            (&host[..end], &host[end..])
        }
    };
    let bracketed = host.first() == Some(&b'[');
    let name_ok = name.iter().all(|&b| {
        b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$' | b'&' | b'\''
            )
            || matches!(b, b'(' | b')' | b'*' | b'+' | b';' | b'=')
            || (bracketed && b == b':')
    });
    let port_ok = match rest {
        [] => true,
        [b':', port @ ..] => port.len() <= 5 && port.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    name_ok && port_ok
}

#[cfg(test)]
mod tests;
