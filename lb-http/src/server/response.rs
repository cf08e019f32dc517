//! Writing a response to a client.

use http::{
    HeaderName, Method, StatusCode, Version,
    header::{CONTENT_LENGTH, DATE, UPGRADE},
    response::Parts,
};
use http_body::SizeHint;

use crate::{
    h1::{
        encode::{self, Encoder},
        fields::is_hop_by_hop,
        response::Reason,
    },
    headers,
};

/// What is known of the request when its response is written.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) version: Version,
}

impl Asked {
    /// Has the response no body, whatever its fields say (RFC 9110 §6.4.1)?
    pub(super) fn is_bodiless(&self, status: StatusCode) -> bool {
        self.method == Method::HEAD
            || status.is_informational()
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED
            || self.is_tunnel(status)
    }

    /// Does the connection belong to another protocol after this response?
    pub(super) fn is_tunnel(&self, status: StatusCode) -> bool {
        status == StatusCode::SWITCHING_PROTOCOLS
            || (self.method == Method::CONNECT && status.is_success())
    }

    /// How the body will be delimited.
    pub(super) fn encoder(&self, parts: &Parts, body: &SizeHint) -> Encoder {
        if self.is_bodiless(parts.status) {
            return Encoder::Exact(0);
        }
        match (body.exact(), self.version) {
            (Some(length), _) => Encoder::Exact(length),
            (None, Version::HTTP_11) => Encoder::Chunked,
            (None, _) => Encoder::UntilClose,
        }
    }

    /// Writes the head; `close` says that the connection ends with it.
    pub(super) fn write_head(
        &self,
        head: &mut Vec<u8>,
        parts: &Parts,
        body: &SizeHint,
        encoder: Encoder,
        close: bool,
    ) {
        let status = parts.status;
        encode::status_line(head, status, parts.extensions.get::<Reason>());
        let (mut dated, mut upgrades) = (false, false);
        for (name, value) in &parts.headers {
            dated |= *name == DATE;
            upgrades |= *name == UPGRADE;
            if !is_ours(name) {
                encode::field(head, name, value);
            }
        }
        self.write_length(head, parts, body, encoder);
        if !dated && !status.is_informational() {
            encode::field(head, &DATE, &headers::date_now());
        }
        if upgrades {
            head.extend_from_slice(b"connection: upgrade\r\n");
        } else if close {
            head.extend_from_slice(b"connection: close\r\n");
        } else if self.version == Version::HTTP_10 {
            head.extend_from_slice(b"connection: keep-alive\r\n");
        }
        head.extend_from_slice(b"\r\n");
    }

    fn write_length(&self, head: &mut Vec<u8>, parts: &Parts, body: &SizeHint, encoder: Encoder) {
        let status = parts.status;
        if status.is_informational() || status == StatusCode::NO_CONTENT || self.is_tunnel(status) {
            return;
        }
        if self.is_bodiless(status) {
            // The length that GET would have had, where somebody knows it.
            match (parts.headers.get(CONTENT_LENGTH), body.exact()) {
                (Some(length), _) => encode::field(head, &CONTENT_LENGTH, length),
                (None, Some(length @ 1..)) => encode::content_length(head, length),
                _ => {}
            }
            return;
        }
        match encoder {
            Encoder::Exact(length) => encode::content_length(head, length),
            Encoder::Chunked => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
            Encoder::UntilClose | Encoder::Ended => {}
        }
    }
}

/// Fields that the server alone writes.
fn is_ours(name: &HeaderName) -> bool {
    // `upgrade` is the service's, with 101 and 426.
    *name == CONTENT_LENGTH || (is_hop_by_hop(name) && *name != UPGRADE)
}
