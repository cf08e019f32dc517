//! Type-length-value vectors: what a version 2 header says beyond the addresses.

use super::TlvError;

/// Bytes of TLVs in a header that are accepted and sent: a client certificate fits.
pub const MAX_TLVS: usize = 4096;

/// One vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// What it is: one of the constants here, or 0xE0 to 0xEF for one's own use.
    pub kind: u8,
    /// Its value, in the form of its kind.
    pub value: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The application protocol that TLS agreed upon, as in `h2`.
    pub const ALPN: u8 = 0x01;
    /// The host name that the client asked for, as TLS's SNI has it.
    pub const AUTHORITY: u8 = 0x02;
    /// A checksum of the header. Verified and written by the codec, never among [`Tlvs`].
    pub const CRC32C: u8 = 0x03;
    /// Padding. Skipped, never among [`Tlvs`].
    pub const NOOP: u8 = 0x04;
    /// An identity of the connection, up to 128 bytes.
    pub const UNIQUE_ID: u8 = 0x05;
    /// How the client's TLS connection is, see [`Ssl`].
    pub const SSL: u8 = 0x20;
    /// The name of the network namespace.
    pub const NETNS: u8 = 0x30;

    /// The first vector of `bytes` and what is behind it.
    pub(super) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[kind, high, low], rest) = bytes.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, behind) = rest.split_at_checked(length)?;
        Some((Self { kind, value }, behind))
    }
}

/// The vectors of a header, in their order and well-formed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tlvs(Vec<u8>);

impl Tlvs {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one vector.
    ///
    /// # Errors
    /// [`TlvError`] if the value is not one of its kind, if it does not fit, or if the kind is
    /// the codec's own ([`Tlv::CRC32C`], [`Tlv::NOOP`]).
    pub fn push(&mut self, kind: u8, value: &[u8]) -> Result<(), TlvError> {
        match kind {
            Tlv::CRC32C | Tlv::NOOP => return Err(TlvError::Reserved(kind)),
            Tlv::UNIQUE_ID if value.len() > 128 => return Err(TlvError::Value(kind)),
            Tlv::SSL if !Ssl::is_valid(value) => return Err(TlvError::Value(kind)),
            _ => {}
        }
        if self.0.len() + 3 + value.len() > MAX_TLVS {
            return Err(TlvError::TooLong);
        }
        // Fits: MAX_TLVS is less than 64 KiB.
        let [high, low] = (value.len() as u16).to_be_bytes();
        self.0.extend_from_slice(&[kind, high, low]);
        self.0.extend_from_slice(value);
        Ok(())
    }

    /// Appends how the client's TLS connection is; `details` are vectors of [`Ssl`]'s kinds.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_ssl(&mut self, client: u8, verify: u32, details: &Self) -> Result<(), TlvError> {
        let mut value = vec![client];
        value.extend_from_slice(&verify.to_be_bytes());
        value.extend_from_slice(&details.0);
        self.push(Tlv::SSL, &value)
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Tlv<'_>> {
        vectors(&self.0)
    }

    /// The value of the first vector of this kind.
    pub fn find(&self, kind: u8) -> Option<&[u8]> {
        find(&self.0, kind)
    }

    /// The application protocol that TLS agreed upon.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.find(Tlv::ALPN)
    }

    /// The host name that the client asked for, if it is text.
    pub fn authority(&self) -> Option<&str> {
        self.find(Tlv::AUTHORITY).and_then(text)
    }

    /// The identity of the connection (`unique-id`).
    pub fn unique_id(&self) -> Option<&[u8]> {
        self.find(Tlv::UNIQUE_ID)
    }

    /// The name of the network namespace, if it is text.
    pub fn netns(&self) -> Option<&str> {
        self.find(Tlv::NETNS).and_then(text)
    }

    /// How the client's TLS connection is.
    pub fn ssl(&self) -> Option<Ssl<'_>> {
        let (&[client, a, b, c, d], details) = self.find(Tlv::SSL)?.split_first_chunk()?;
        Some(Ssl {
            client,
            verify: u32::from_be_bytes([a, b, c, d]),
            details,
        })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// How the client's TLS connection to the proxy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ssl<'a> {
    client: u8,
    verify: u32,
    details: &'a [u8],
}

impl<'a> Ssl<'a> {
    /// Kind of the detail: TLS's version as text, as in `TLSv1.3`.
    pub const VERSION: u8 = 0x21;
    /// Kind of the detail: the common name of the client's certificate.
    pub const COMMON_NAME: u8 = 0x22;
    /// Kind of the detail: the cipher's name.
    pub const CIPHER: u8 = 0x23;
    /// Kind of the detail: the algorithm that signed the proxy's certificate.
    pub const SIGNATURE_ALGORITHM: u8 = 0x24;
    /// Kind of the detail: the algorithm of the proxy certificate's key.
    pub const KEY_ALGORITHM: u8 = 0x25;
    /// Kind of the detail: the key exchange group.
    pub const GROUP: u8 = 0x26;
    /// Kind of the detail: the signature scheme of the handshake.
    pub const SIGNATURE_SCHEME: u8 = 0x27;
    /// Kind of the detail: the client's certificate, DER.
    pub const CLIENT_CERTIFICATE: u8 = 0x28;

    /// Bit of `client`: the connection is TLS.
    pub const CLIENT_SSL: u8 = 0x01;
    /// Bit of `client`: a certificate was shown on this connection.
    pub const CLIENT_CERT_CONN: u8 = 0x02;
    /// Bit of `client`: a certificate was shown in the TLS session that this one resumed.
    pub const CLIENT_CERT_SESS: u8 = 0x04;

    fn is_valid(value: &[u8]) -> bool {
        let Some((_, mut details)) = value.split_first_chunk::<5>() else {
            return false;
        };
        while let Some((_, behind)) = Tlv::split(details) {
            details = behind;
        }
        details.is_empty()
    }

    /// The bits `CLIENT_…`.
    pub fn client(&self) -> u8 {
        self.client
    }

    /// Whether the client connected by TLS.
    pub fn is_tls(&self) -> bool {
        self.client & Self::CLIENT_SSL != 0
    }

    /// Whether the client showed a certificate and it was found good.
    pub fn is_verified(&self) -> bool {
        let certificate = Self::CLIENT_CERT_CONN | Self::CLIENT_CERT_SESS;
        self.client & certificate != 0 && self.verify == 0
    }

    /// The value of the first detail of this kind.
    pub fn find(&self, kind: u8) -> Option<&'a [u8]> {
        find(self.details, kind)
    }

    /// TLS's version.
    pub fn version(&self) -> Option<&'a str> {
        self.find(Self::VERSION).and_then(text)
    }

    /// The common name of the client's certificate.
    pub fn common_name(&self) -> Option<&'a str> {
        self.find(Self::COMMON_NAME).and_then(text)
    }

    /// The cipher's name.
    pub fn cipher(&self) -> Option<&'a str> {
        self.find(Self::CIPHER).and_then(text)
    }
}

fn vectors(mut bytes: &[u8]) -> impl Iterator<Item = Tlv<'_>> {
    std::iter::from_fn(move || {
        let (tlv, behind) = Tlv::split(bytes)?;
        bytes = behind;
        Some(tlv)
    })
}

fn find(bytes: &[u8], kind: u8) -> Option<&[u8]> {
    vectors(bytes)
        .find(|tlv| tlv.kind == kind)
        .map(|tlv| tlv.value)
}

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}
