//! Which responses are compressed.

use http::{
    HeaderMap, HeaderValue, Method, Version,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY,
    },
    response::Parts,
};

use super::{Coding, Compression, Encoder, settings::Settings};

impl Compression {
    /// The coding for the response to a request, if the client takes one: to be asked before the request goes on.
    #[must_use]
    pub fn negotiate<B>(&self, request: &http::Request<B>) -> Option<Coding> {
        let comes_with_body = *request.method() != Method::HEAD;
        let understands = request.version() >= Version::HTTP_11;
        match comes_with_body && understands {
            true => Coding::accepted(request.headers(), &self.settings.codings),
            false => None,
        }
    }

    /// Makes the head of a response one of a compressed body, and gives what compresses that; `None`, and nothing
    /// changed, where it is not to be compressed. `length` is that of the body, as far as it is known.
    #[must_use]
    pub fn begin(
        &self,
        coding: Coding,
        head: &mut Parts,
        length: Option<u64>,
    ) -> Option<Box<Encoder>> {
        if !self.settings.wants(head, length) {
            return None;
        }
        let encoder = Encoder::new(coding, &self.settings.totals)?;
        let headers = &mut head.headers;
        headers.remove(CONTENT_LENGTH);
        headers.remove(ACCEPT_RANGES);
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.as_str()));
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Some(tag) = headers.get(ETAG).filter(|tag| !is_weak(tag)) {
            let weak = [b"W/", tag.as_bytes()].concat();
            // It was a value before.
            if let Ok(weak) = HeaderValue::from_bytes(&weak) {
                headers.insert(ETAG, weak);
            }
        }
        Some(Box::new(encoder))
    }
}

impl Settings {
    fn wants(&self, head: &Parts, length: Option<u64>) -> bool {
        let headers = &head.headers;
        matches!(head.status.as_u16(), 200..=203)
            && head.version >= Version::HTTP_11
            && length.is_none_or(|length| length >= self.min_size)
            && !headers.contains_key(CONTENT_ENCODING)
            && !says_no_transform(headers)
            && has_one_tag_at_most(headers)
            && headers.get(CONTENT_TYPE).is_some_and(|t| self.is_listed(t))
    }

    fn is_listed(&self, content_type: &HeaderValue) -> bool {
        let Ok(text) = content_type.to_str() else {
            return false;
        };
        let kind = text.split(';').next().unwrap_or_default().trim();
        let kind = kind.to_ascii_lowercase();
        // Parts of a message have codings of their own.
        !kind.starts_with("multipart/")
            && self
                .types
                .iter()
                .any(|listed| match listed.strip_suffix('*') {
                    Some("*/") => true,
                    Some(prefix) => kind.starts_with(prefix),
                    None => kind == **listed,
                })
    }
}

fn says_no_transform(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CACHE_CONTROL).iter();
    values.any(|value| {
        let mut directives = value.as_bytes().split(|byte| *byte == b',');
        directives.any(|one| one.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
    })
}

fn has_one_tag_at_most(headers: &HeaderMap) -> bool {
    let mut tags = headers.get_all(ETAG).iter();
    let first = tags.next();
    tags.next().is_none() && first.is_none_or(is_tag)
}

fn is_tag(tag: &HeaderValue) -> bool {
    let tag = tag.as_bytes();
    let opaque = tag.strip_prefix(b"W/").unwrap_or(tag);
    opaque.len() >= 2 && opaque.starts_with(b"\"") && opaque.ends_with(b"\"")
}

fn is_weak(tag: &HeaderValue) -> bool {
    tag.as_bytes().starts_with(b"W/")
}
