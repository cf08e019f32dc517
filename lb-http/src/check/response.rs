//! A response to a check, as far as it has come.

use std::borrow::Cow;

use http::Method;

/// HAProxy's `tune.http.maxhdr`.
pub(super) const MAX_HEADERS: usize = 101;

/// A response head and what there is of its body, without the framing.
pub(super) struct Response<'a> {
    pub(super) code: u16,
    pub(super) reason: &'a str,
    headers: &'a [httparse::Header<'a>],
    pub(super) body: Cow<'a, [u8]>,
    /// Nothing more of the body will come.
    pub(super) is_whole: bool,
}

/// What came is not HTTP.
#[derive(Debug)]
pub(super) struct NotHttp;

/// How the length of a body is told.
enum Framing {
    None,
    Length(usize),
    Chunked,
    Close,
}

impl<'a> Response<'a> {
    /// `None` while the head has not come whole; `more` is whether bytes may
    /// still come.
    pub(super) fn parse(
        bytes: &'a [u8],
        headers: &'a mut [httparse::Header<'a>; MAX_HEADERS],
        method: &Method,
        more: bool,
    ) -> Result<Option<Self>, NotHttp> {
        let mut head = httparse::Response::new(headers);
        let length = match head.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(NotHttp),
        };
        let code = head.code.ok_or(NotHttp)?;
        let rest = &bytes[length..];
        let (body, whole) = match framing(code, method, head.headers)? {
            Framing::None => (Cow::Borrowed(&rest[..0]), true),
            Framing::Length(length) => {
                let body = &rest[..length.min(rest.len())];
                (Cow::Borrowed(body), body.len() == length)
            }
            Framing::Chunked => {
                let (body, whole) = unchunk(rest)?;
                (Cow::Owned(body), whole)
            }
            Framing::Close => (Cow::Borrowed(rest), false),
        };
        Ok(Some(Self {
            code,
            reason: head.reason.unwrap_or_default(),
            headers: head.headers,
            body,
            is_whole: whole || !more,
        }))
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = &httparse::Header<'a>> {
        self.headers.iter()
    }
}

fn framing(
    code: u16,
    method: &Method,
    headers: &[httparse::Header<'_>],
) -> Result<Framing, NotHttp> {
    if matches!(code, 100..=199 | 204 | 304) || method == Method::HEAD {
        return Ok(Framing::None);
    }
    let value = |name: &str| {
        let header = headers.iter().find(|h| h.name.eq_ignore_ascii_case(name));
        header.map(|header| header.value.trim_ascii())
    };
    if let Some(coding) = value("transfer-encoding") {
        let chunked = coding.to_ascii_lowercase().ends_with(b"chunked");
        return Ok(if chunked {
            Framing::Chunked
        } else {
            Framing::Close
        });
    }
    match value("content-length") {
        None => Ok(Framing::Close),
        Some(length) => str::from_utf8(length)
            .ok()
            .and_then(|length| length.parse().ok())
            .map(Framing::Length)
            .ok_or(NotHttp),
    }
}

/// The data of the chunks that have come, and whether the last one has.
fn unchunk(mut bytes: &[u8]) -> Result<(Vec<u8>, bool), NotHttp> {
    let mut body = Vec::new();
    loop {
        match httparse::parse_chunk_size(bytes) {
            Ok(httparse::Status::Complete((_, 0))) => return Ok((body, true)),
            Ok(httparse::Status::Complete((start, size))) => {
                let data = &bytes[start..];
                let size = usize::try_from(size).map_err(|_| NotHttp)?;
                body.extend_from_slice(&data[..size.min(data.len())]);
                match data.get(size..) {
                    // The line end after the data.
                    Some(rest) if rest.len() >= 2 => bytes = &rest[2..],
                    _ => return Ok((body, false)),
                }
            }
            Ok(httparse::Status::Partial) => return Ok((body, false)),
            Err(_) => return Err(NotHttp),
        }
    }
}
