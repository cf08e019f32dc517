//! Header fields: from bytes to a [`HeaderMap`], and the few of them that
//! frame a message or belong to the connection.

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, Version,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE},
};
use smallvec::SmallVec;

use super::{
    framing::{ContentLength, TransferEncoding},
    recycle,
};

/// `keep-alive` and `proxy-connection` have no constant in `http`.
pub(crate) const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
pub(crate) const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
pub(crate) const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Fields of a connection and not of the message (RFC 9110 §7.6.1). Those that
/// `Connection` names besides are known only per message.
pub(crate) const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    KEEP_ALIVE,
    TRANSFER_ENCODING,
    TE,
    UPGRADE,
    PROXY_CONNECTION,
    HTTP2_SETTINGS,
];

/// Is this one of [`HOP_BY_HOP`]? Asked for every field of every message: a
/// comparison of lengths answers it for most.
pub(crate) fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "transfer-encoding"
            | "te"
            | "upgrade"
            | "proxy-connection"
            | "http2-settings"
    )
}

/// What `Connection` says.
#[derive(Clone, Default, Debug)]
pub(crate) struct Connection {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    /// Other fields it names, which go no further than the next hop.
    pub(crate) named: Named,
}

/// Names of fields, seldom any.
pub(crate) type Named = SmallVec<[HeaderName; 1]>;

impl Connection {
    /// Takes in one `Connection` field line.
    pub(crate) fn add(&mut self, value: &HeaderValue) {
        for token in value.as_bytes().split(|&b| b == b',') {
            let token = token.trim_ascii();
            if token.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if token.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if token.eq_ignore_ascii_case(b"upgrade") {
                self.upgrade = true;
            } else if let Ok(name) = HeaderName::from_bytes(token) {
                // Host and the framing are ours to decide, whoever names them.
                if name != HOST && name != CONTENT_LENGTH {
                    self.named.push(name);
                }
            }
        }
    }

    /// Does the connection outlive this message (RFC 9112 §9.3)?
    pub(crate) fn persists(&self, version: Version) -> bool {
        !self.close && (version == Version::HTTP_11 || self.keep_alive)
    }
}

/// What the fields of one message say about its framing and its connection.
#[derive(Default, Debug)]
pub(crate) struct Framing {
    pub(crate) connection: Connection,
    pub(crate) content_length: ContentLength,
    /// How many field lines said so.
    pub(crate) content_lengths: u32,
    pub(crate) transfer_encoding: TransferEncoding,
    pub(crate) hosts: u32,
    pub(crate) expect_continue: bool,
    pub(crate) upgrade: bool,
}

impl Framing {
    fn note(&mut self, name: &HeaderName, value: &HeaderValue) {
        match name.as_str() {
            "content-length" => {
                self.content_lengths += 1;
                self.content_length.add(value);
            }
            "transfer-encoding" => self.transfer_encoding.add(value),
            "connection" => self.connection.add(value),
            "host" => self.hosts += 1,
            "expect" => {
                self.expect_continue |= value.as_bytes().eq_ignore_ascii_case(b"100-continue");
            }
            "upgrade" => self.upgrade = true,
            _ => {}
        }
    }
}

/// Where a field lies in the head's bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    name: (usize, usize),
    value: (usize, usize),
}

impl Span {
    /// `header` must be a slice of `head`.
    pub(crate) fn of(head: &[u8], header: &httparse::Header<'_>) -> Self {
        let at = |part: &[u8]| {
            let start = part.as_ptr() as usize - head.as_ptr() as usize;
            (start, start + part.len())
        };
        Self {
            name: at(header.name.as_bytes()),
            // An empty value may point anywhere.
            value: match header.value {
                [] => (0, 0),
                value => at(value),
            },
        }
    }
}

/// Spans of a head, inline for as many as a common request has.
pub(crate) type Spans = SmallVec<[Span; 32]>;

/// Builds the map; values are slices of `head`. `keep` says which fields go in.
///
/// `None` if a name or value is not one after all.
pub(crate) fn collect(
    head: &Bytes,
    spans: &Spans,
    keep: impl Fn(&HeaderName) -> bool,
) -> Option<(HeaderMap, Framing)> {
    let mut map = recycle::map(spans.len());
    let mut framing = Framing::default();
    for span in spans {
        let name = HeaderName::from_bytes(&head[span.name.0..span.name.1]).ok()?;
        let value = || head.slice(span.value.0..span.value.1);
        // Only a folding has line ends in it, and only responses have foldings.
        let value = HeaderValue::from_maybe_shared(value())
            .or_else(|_| HeaderValue::from_maybe_shared(unfold(&value())))
            .ok()?;
        framing.note(&name, &value);
        if keep(&name) {
            map.append(name, value);
        }
    }
    Some((map, framing))
}

/// Replaces each line folding by one space (RFC 9112 §5.2); the parser lets
/// foldings through in responses only.
fn unfold(value: &[u8]) -> Bytes {
    let mut unfolded = BytesMut::with_capacity(value.len());
    for line in value.split(|&b| b == b'\n') {
        let line = line.trim_ascii();
        if !unfolded.is_empty() && !line.is_empty() {
            unfolded.extend_from_slice(b" ");
        }
        unfolded.extend_from_slice(line);
    }
    unfolded.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_and_the_question_agree() {
        assert!(HOP_BY_HOP.iter().all(is_hop_by_hop));
        assert!(!is_hop_by_hop(&HOST));
    }

    fn connection(lines: &[&'static str]) -> Connection {
        let mut connection = Connection::default();
        for line in lines {
            connection.add(&HeaderValue::from_static(line));
        }
        connection
    }

    #[test]
    fn connection_names_fields_over_several_lines() {
        let parsed = connection(&["X-A, Close", " x-b , ,Host"]);
        assert!(parsed.close && !parsed.upgrade);
        let names: Vec<_> = parsed.named.iter().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-a", "x-b"]);
    }

    #[test]
    fn persistence_follows_the_version() {
        assert!(connection(&[]).persists(Version::HTTP_11));
        assert!(!connection(&[]).persists(Version::HTTP_10));
        assert!(connection(&["keep-alive"]).persists(Version::HTTP_10));
        assert!(!connection(&["keep-alive, close"]).persists(Version::HTTP_11));
    }

    #[test]
    fn foldings_become_one_space() {
        assert_eq!(unfold(b"a\r\n \t b\r\n  c"), "a b c");
    }
}
