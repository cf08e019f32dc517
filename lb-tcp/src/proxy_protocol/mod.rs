//! The PROXY protocol, versions 1 and 2: a header before the first byte of a connection that
//! carries the client's address across a proxy.
//!
//! HAProxy's `accept-proxy`, `send-proxy` and `send-proxy-v2`, after its document
//! "The PROXY protocol, versions 1 & 2" (`doc/proxy-protocol.txt`). A listener either demands the
//! header or knows nothing of it: taken when it happens to be there, it would let any client
//! choose its address.
//!
//! ```
//! use lb_tcp::proxy_protocol::{Header, Parsed};
//!
//! let bytes = b"PROXY TCP4 192.0.2.7 203.0.113.1 51234 443\r\nGET / HTTP/1.1\r\n";
//! let Parsed::Complete { header, length } = Header::parse(bytes)? else {
//!     panic!("there is more to come");
//! };
//! assert_eq!(header.source().unwrap().to_string(), "192.0.2.7:51234");
//! assert_eq!(&bytes[length..length + 5], b"GET /");
//! # Ok::<(), lb_tcp::proxy_protocol::ParseHeaderError>(())
//! ```

mod accept;
mod crc32c;
mod error;
mod tlv;
mod v1;
mod v2;

use crate::Endpoint;

pub use self::accept::accept_header;
pub use self::error::{AcceptHeaderError, ParseHeaderError, TlvError};
pub use self::tlv::{MAX_TLVS, Ssl, Tlv, Tlvs};

/// What a header says about the connection behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    origin: Origin,
    tlvs: Tlvs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Local,
    Unknown,
    Known {
        transport: Transport,
        /// Of the family of `destination`, save that IPv4 and IPv6 may be mixed.
        source: Endpoint,
        destination: Endpoint,
    },
}

/// How the client reached the first proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TCP, or a Unix stream socket.
    Stream,
    /// UDP, or a Unix datagram socket; version 2 only.
    Datagram,
}

/// The outcome of [`Header::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// The bytes begin with a whole header.
    Complete {
        /// The header.
        header: Header,
        /// How many bytes it takes; what follows belongs to the connection.
        length: usize,
    },
    /// So far it is a header, but its end is missing.
    Incomplete,
}

impl Header {
    /// The proxy speaks for itself, as in a health check: the receiver is to use the connection's
    /// own addresses.
    pub fn local() -> Self {
        Origin::Local.into()
    }

    /// The proxy speaks for a client whose addresses it does not know or cannot express.
    pub fn unknown() -> Self {
        Origin::Unknown.into()
    }

    /// The proxy speaks for the client at `source`, which connected to `destination`: the
    /// [`peer`](crate::Stream::peer) and the [`local`](crate::Stream::local) end of its stream.
    ///
    /// One IPv4 and one IPv6 end are sent as IPv6. A Unix and an Internet end have no form in the
    /// protocol and become [`unknown`](Self::unknown).
    pub fn proxy(source: impl Into<Endpoint>, destination: impl Into<Endpoint>) -> Self {
        Self::with_transport(Transport::Stream, source.into(), destination.into())
    }

    /// As [`proxy`](Self::proxy), for a client that came by datagrams.
    pub fn proxy_datagram(source: impl Into<Endpoint>, destination: impl Into<Endpoint>) -> Self {
        Self::with_transport(Transport::Datagram, source.into(), destination.into())
    }

    fn with_transport(transport: Transport, source: Endpoint, destination: Endpoint) -> Self {
        if source.inet().is_some() != destination.inet().is_some() {
            return Self::unknown();
        }
        Self::from(Origin::Known {
            transport,
            source,
            destination,
        })
    }

    /// Adds what else is known of the connection. Version 1 cannot carry it, and the receiver of
    /// a [`local`](Self::local) header is to ignore it.
    pub fn with_tlvs(mut self, tlvs: Tlvs) -> Self {
        self.tlvs = tlvs;
        self
    }

    /// Reads a header of either version from the beginning of a connection.
    ///
    /// Bytes that cannot become a header are told at once, so that nobody waits for more.
    /// Checksums are verified.
    ///
    /// # Errors
    /// The connection must be closed: its bytes cannot be told from the client's.
    pub fn parse(bytes: &[u8]) -> Result<Parsed, ParseHeaderError> {
        let begins_as = |signature: &[u8]| {
            let common = signature.len().min(bytes.len());
            bytes[..common] == signature[..common]
        };
        if begins_as(v2::SIGNATURE) {
            v2::parse(bytes)
        } else if begins_as(v1::SIGNATURE) {
            v1::parse(bytes)
        } else {
            Err(ParseHeaderError::Signature)
        }
    }

    /// Appends the header in version 1, a line of text. Only TCP addresses have a form there;
    /// everything else is sent as unknown.
    pub fn encode_v1(&self, out: &mut Vec<u8>) {
        v1::encode(self, out);
    }

    /// Appends the header in version 2.
    pub fn encode_v2(&self, out: &mut Vec<u8>) {
        v2::encode(self, false, out);
    }

    /// As [`encode_v2`](Self::encode_v2), with a CRC32c over the header (`proxy-v2-options
    /// crc32c`).
    pub fn encode_v2_with_checksum(&self, out: &mut Vec<u8>) {
        v2::encode(self, true, out);
    }

    /// The client's address; `None` means that of the connection itself.
    pub fn source(&self) -> Option<&Endpoint> {
        match &self.origin {
            Origin::Known { source, .. } => Some(source),
            Origin::Local | Origin::Unknown => None,
        }
    }

    /// The address that the client connected to; `None` means that of the connection itself.
    pub fn destination(&self) -> Option<&Endpoint> {
        match &self.origin {
            Origin::Known { destination, .. } => Some(destination),
            Origin::Local | Origin::Unknown => None,
        }
    }

    /// How the client came, where that is known.
    pub fn transport(&self) -> Option<Transport> {
        match self.origin {
            Origin::Known { transport, .. } => Some(transport),
            Origin::Local | Origin::Unknown => None,
        }
    }

    /// Whether the proxy speaks for itself and not for a client.
    pub fn is_local(&self) -> bool {
        self.origin == Origin::Local
    }

    /// What else is known of the connection.
    pub fn tlvs(&self) -> &Tlvs {
        &self.tlvs
    }
}

impl From<Origin> for Header {
    fn from(origin: Origin) -> Self {
        Self {
            origin,
            tlvs: Tlvs::new(),
        }
    }
}
