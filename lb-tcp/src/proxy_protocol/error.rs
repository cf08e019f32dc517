//! What can be wrong with a header.

use std::io;

use super::tlv::MAX_TLVS;

/// Bytes that are no header, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseHeaderError {
    /// The connection begins with something else: the client is no proxy.
    #[error("no PROXY protocol header")]
    Signature,
    /// Version 1 without an end in 107 bytes.
    #[error("version 1 header longer than 107 bytes")]
    LineTooLong,
    /// Version 1 with a line that is not of the protocol.
    #[error("malformed version 1 header")]
    Line,
    /// The binary signature with a version other than 2.
    #[error("version {0} is not known")]
    Version(u8),
    /// Neither LOCAL nor PROXY.
    #[error("command {0} is not known")]
    Command(u8),
    /// A byte for family and transport that the protocol does not define.
    #[error("address family {0:#04x} is not known")]
    Family(u8),
    /// More than any header needs; its length in bytes.
    #[error("header of {0} bytes")]
    TooLong(u16),
    /// No room for the addresses of its family.
    #[error("addresses cut short")]
    Addresses,
    /// A TLV that is malformed.
    #[error("bad TLV")]
    Tlv(#[from] TlvError),
    /// The CRC32c does not match: the header was damaged on its way.
    #[error("checksum does not match")]
    Checksum,
}

/// What is wrong with a TLV.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlvError {
    /// A TLV that ends after its header, or inside a vector.
    #[error("cut short")]
    Truncated,
    /// A value that its type does not allow; the type.
    #[error("bad value for type {0:#04x}")]
    Value(u8),
    /// More than [`MAX_TLVS`] bytes in all.
    #[error("more than {MAX_TLVS} bytes of TLVs")]
    TooLong,
    /// A type that the encoder writes by itself, or that means nothing.
    #[error("type {0:#04x} is reserved")]
    Reserved(u8),
}

/// Why [`accept_header`](super::accept_header) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptHeaderError {
    /// What was received is no header.
    #[error("bad PROXY protocol header")]
    Header(#[from] ParseHeaderError),
    /// The peer closed the connection before the header was complete.
    #[error("closed before the end of the PROXY protocol header")]
    Closed,
    /// The connection failed.
    #[error("cannot read the PROXY protocol header")]
    Io(#[from] io::Error),
}
