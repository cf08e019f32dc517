//! The request as it goes to a server.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, UPGRADE, VIA},
    request::Parts,
};
use http_body::Body;
use lb_tcp::{Address, proxy_protocol::Header};

use super::Shared;
use crate::{
    Client, Upstream,
    h1::{
        encode::{self, Encoder},
        fields::{Connection, is_hop_by_hop},
        recycle,
    },
    pool::RequestBody,
    upstream::ProxyVersion,
};

/// A request's head without what belongs to the client's connection, from
/// which the head of each attempt is written.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    uri: Uri,
    pub(super) version: Version,
    headers: HeaderMap,
    /// The protocol the client asks to switch to.
    pub(super) upgrade: Option<HeaderValue>,
    expects_continue: bool,
}

impl Outgoing {
    /// `can_upgrade`: does whoever serves the client let go of its connection?
    pub(super) fn new(mut parts: Parts, can_upgrade: bool) -> Self {
        let mut connection = Connection::default();
        for value in parts.headers.get_all(CONNECTION) {
            connection.add(value);
        }
        for name in &connection.named {
            parts.headers.remove(name);
        }
        let upgrade = parts
            .headers
            .get(UPGRADE)
            .filter(|_| can_upgrade && connection.upgrade && parts.version == Version::HTTP_11)
            // To switch to HTTP/2 is the hop's own affair; a server that did so
            // would take requests past every rule of this proxy.
            .filter(|protocol| !names_h2c(protocol))
            .cloned();
        let expects_continue = parts
            .headers
            .get(EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        Self {
            method: parts.method,
            uri: parts.uri,
            version: parts.version,
            headers: parts.headers,
            upgrade,
            expects_continue,
        }
    }

    /// Its memory is of use to the next message.
    pub(super) fn recycle(self) {
        recycle::give_map(self.headers);
    }

    /// Does the client wait to be told to send its body?
    pub(super) fn awaits_continue<B>(&self, body: &RequestBody<B>) -> bool
    where
        B: Body<Data = Bytes> + Unpin,
    {
        self.expects_continue && !body.is_empty()
    }

    /// How the body is delimited.
    pub(super) fn encoder<B>(&self, body: &RequestBody<B>) -> Encoder
    where
        B: Body<Data = Bytes> + Unpin,
    {
        match body.exact_length() {
            Some(length) => Encoder::Exact(length),
            None => Encoder::Chunked,
        }
    }

    /// Writes the head of one attempt. The server's address stands in where an
    /// HTTP/1.0 client named no host.
    pub(super) fn write<P: lb_core::Policy>(
        &self,
        head: &mut Vec<u8>,
        encoder: Encoder,
        shared: &Shared<P>,
        client: Option<&Client>,
        server: &Upstream,
    ) {
        self.write_request_line(head);
        let (mut has_host, mut has_length) = (false, false);
        for (name, value) in &self.headers {
            has_host |= *name == HOST;
            if *name == CONTENT_LENGTH {
                has_length = true;
            } else if !is_hop_by_hop(name) {
                encode::field(head, name, value);
            }
        }
        if !has_host && let Ok(host) = HeaderValue::from_str(&host_of(&server.address())) {
            encode::field(head, &HOST, &host);
        }
        self.write_framing(head, encoder, has_length);
        if let (Some(forwarded_for), Some(client)) = (&shared.forwarded_for, client) {
            forwarded_for.write(head, &self.headers, client);
        }
        if let Some(via) = &shared.via {
            write_via(head, self.version, via);
        }
        if let Some(protocol) = &self.upgrade {
            encode::field(head, &CONNECTION, &HeaderValue::from_static("upgrade"));
            encode::field(head, &UPGRADE, protocol);
        } else if shared.server_close {
            encode::field(head, &CONNECTION, &HeaderValue::from_static("close"));
        }
        head.extend_from_slice(b"\r\n");
    }

    /// The target in origin-form.
    pub(super) fn target(&self) -> &str {
        self.uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
    }

    /// In origin-form, whatever form the client used; CONNECT keeps its own.
    fn write_request_line(&self, head: &mut Vec<u8>) {
        head.extend_from_slice(self.method.as_str().as_bytes());
        head.push(b' ');
        let target = match (
            &self.method,
            self.uri.authority(),
            self.uri.path_and_query(),
        ) {
            (&Method::CONNECT, Some(authority), _) => authority.as_str(),
            (_, _, Some(target)) if !target.as_str().is_empty() => target.as_str(),
            _ => "/",
        };
        // `http://a?b` has a query and no path.
        if target.starts_with('?') {
            head.push(b'/');
        }
        head.extend_from_slice(target.as_bytes());
        head.extend_from_slice(b" HTTP/1.1\r\n");
    }

    fn write_framing(&self, head: &mut Vec<u8>, encoder: Encoder, has_length: bool) {
        match encoder {
            Encoder::Chunked => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
            // RFC 9110 §8.6: stated, even if 0, where a body would be expected.
            Encoder::Exact(0)
                if !has_length
                    && ![Method::POST, Method::PUT, Method::PATCH].contains(&self.method) => {}
            Encoder::Exact(length) => encode::content_length(head, length),
            Encoder::UntilClose | Encoder::Ended => {}
        }
    }
}

fn names_h2c(protocol: &HeaderValue) -> bool {
    protocol.as_bytes().split(|&b| b == b',').any(|item| {
        let item = item.trim_ascii();
        item.len() >= 3 && item[..3].eq_ignore_ascii_case(b"h2c")
    })
}

/// What a server is called by; a path or a name of a socket is no host.
fn host_of(server: &Address) -> String {
    match server.inet() {
        Some(address) => address.to_string(),
        None => "localhost".to_owned(),
    }
}

/// The PROXY protocol's header, ahead of a connection's first request.
pub(super) fn write_proxy_header(
    head: &mut Vec<u8>,
    version: ProxyVersion,
    client: Option<&Client>,
) {
    let header = match client {
        Some(client) => Header::proxy(client.peer().clone(), client.local().clone()),
        None => Header::unknown(),
    };
    match version {
        ProxyVersion::V1 => header.encode_v1(head),
        ProxyVersion::V2 => header.encode_v2(head),
    }
}

/// `via: 1.1 name`, with the version that the message came in.
fn write_via(head: &mut Vec<u8>, version: Version, name: &HeaderValue) {
    const NAME: HeaderName = VIA;
    head.extend_from_slice(NAME.as_str().as_bytes());
    head.extend_from_slice(match version {
        Version::HTTP_10 => b": 1.0 ".as_slice(),
        Version::HTTP_2 => b": 2.0 ".as_slice(),
        Version::HTTP_3 => b": 3.0 ".as_slice(),
        _ => b": 1.1 ".as_slice(),
    });
    head.extend_from_slice(name.as_bytes());
    head.extend_from_slice(b"\r\n");
}
