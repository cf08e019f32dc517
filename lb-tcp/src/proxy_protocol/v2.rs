//! Version 2: a binary header, with room for more than addresses.
//!
//! 12 bytes of signature, version and command, family and transport, the length of what follows
//! (big-endian, as all numbers here), the addresses, TLVs.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt as _;

use super::tlv::{MAX_TLVS, Tlv, Tlvs};
use super::v1::to_ipv6;
use super::{Header, Origin, ParseHeaderError, Parsed, TlvError, Transport, crc32c};
use crate::Endpoint;

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, command, family and length.
const FIXED: usize = 16;

const VERSION: u8 = 0x20;
const LOCAL: u8 = 0x0;
const PROXY: u8 = 0x1;

const UNSPEC: u8 = 0x00;
const INET: u8 = 0x10;
const INET6: u8 = 0x20;
const UNIX: u8 = 0x30;
const STREAM: u8 = 0x1;
const DATAGRAM: u8 = 0x2;

/// Bytes of one Unix address (`sun_path`).
const UNIX_LEN: usize = 108;

/// A CRC32c TLV: type, length, 4 bytes.
const CHECKSUM_LEN: usize = 7;

/// The longest addresses, the TLVs that are accepted, and a checksum. The length field allows
/// 64 KiB, which nobody should make a proxy hold for each connection.
const MAX_PAYLOAD: usize = 2 * UNIX_LEN + MAX_TLVS + CHECKSUM_LEN;

/// `bytes` begin as [`SIGNATURE`] does.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, ParseHeaderError> {
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED>() else {
        return Ok(Parsed::Incomplete);
    };
    let [.., command, family, high, low] = *fixed;
    if command & 0xF0 != VERSION {
        return Err(ParseHeaderError::Version(command >> 4));
    }
    let command = command & 0x0F;
    if command > PROXY {
        return Err(ParseHeaderError::Command(command));
    }
    let payload_len = u16::from_be_bytes([high, low]);
    if usize::from(payload_len) > MAX_PAYLOAD {
        return Err(ParseHeaderError::TooLong(payload_len));
    }
    let Some(payload) = rest.get(..usize::from(payload_len)) else {
        return Ok(Parsed::Incomplete);
    };
    let header = match command {
        // The receiver "must discard the protocol block including the family".
        LOCAL => Header::local(),
        _ => {
            let (origin, tlvs) = parse_origin(family, payload)?;
            Header {
                origin,
                tlvs: parse_tlvs(&bytes[..FIXED + payload.len()], tlvs)?,
            }
        }
    };
    Ok(Parsed::Complete {
        header,
        length: FIXED + payload.len(),
    })
}

/// The addresses, and the TLVs behind them.
fn parse_origin(family: u8, payload: &[u8]) -> Result<(Origin, &[u8]), ParseHeaderError> {
    if family == UNSPEC {
        return Ok((Origin::Unknown, payload));
    }
    let transport = match family & 0x0F {
        STREAM => Transport::Stream,
        DATAGRAM => Transport::Datagram,
        _ => return Err(ParseHeaderError::Family(family)),
    };
    let (source, destination, tlvs) = match family & 0xF0 {
        INET => parse_inet(payload).ok_or(ParseHeaderError::Addresses)?,
        INET6 => parse_inet6(payload).ok_or(ParseHeaderError::Addresses)?,
        UNIX => parse_unix(payload).ok_or(ParseHeaderError::Addresses)?,
        _ => return Err(ParseHeaderError::Family(family)),
    };
    let origin = Origin::Known {
        transport,
        source,
        destination,
    };
    Ok((origin, tlvs))
}

fn parse_inet(payload: &[u8]) -> Option<(Endpoint, Endpoint, &[u8])> {
    let (source, rest) = payload.split_first_chunk::<4>()?;
    let (destination, rest) = rest.split_first_chunk::<4>()?;
    let (source, destination) = (Ipv4Addr::from(*source), Ipv4Addr::from(*destination));
    with_ports(source.into(), destination.into(), rest)
}

fn parse_inet6(payload: &[u8]) -> Option<(Endpoint, Endpoint, &[u8])> {
    let (source, rest) = payload.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    let (source, destination) = (Ipv6Addr::from(*source), Ipv6Addr::from(*destination));
    with_ports(source.into(), destination.into(), rest)
}

fn with_ports(
    source: IpAddr,
    destination: IpAddr,
    rest: &[u8],
) -> Option<(Endpoint, Endpoint, &[u8])> {
    let (&[a, b, c, d], tlvs) = rest.split_first_chunk()?;
    let source = SocketAddr::new(source, u16::from_be_bytes([a, b]));
    let destination = SocketAddr::new(destination, u16::from_be_bytes([c, d]));
    Some((source.into(), destination.into(), tlvs))
}

fn parse_unix(payload: &[u8]) -> Option<(Endpoint, Endpoint, &[u8])> {
    let (source, rest) = payload.split_first_chunk::<UNIX_LEN>()?;
    let (destination, tlvs) = rest.split_first_chunk::<UNIX_LEN>()?;
    Some((unix_endpoint(source), unix_endpoint(destination), tlvs))
}

fn unix_endpoint(field: &[u8; UNIX_LEN]) -> Endpoint {
    match field.iter().rposition(|&byte| byte != 0) {
        None => Endpoint::Unnamed,
        Some(last) if field[0] == 0 => Endpoint::Abstract(field[1..=last].to_vec()),
        Some(_) => {
            // What follows the NUL is of no meaning, zeros or not.
            let path = field.split(|&byte| byte == 0).next().unwrap_or(field);
            Endpoint::Unix(OsStr::from_bytes(path).into())
        }
    }
}

/// The TLVs of `header`, at whose end `tlvs` stand; the checksum is verified and left out.
fn parse_tlvs(header: &[u8], tlvs: &[u8]) -> Result<Tlvs, ParseHeaderError> {
    let mut parsed = Tlvs::new();
    let mut rest = tlvs;
    while !rest.is_empty() {
        let (tlv, behind) = Tlv::split(rest).ok_or(TlvError::Truncated)?;
        match tlv.kind {
            Tlv::CRC32C => {
                let sum: [u8; 4] = tlv
                    .value
                    .try_into()
                    .map_err(|_| TlvError::Value(Tlv::CRC32C))?;
                let behind_at = header.len() - behind.len();
                let before = &header[..behind_at - sum.len()];
                // The sum was taken with zeros in its own place.
                if crc32c::checksum(&[before, &[0; 4], behind]) != u32::from_be_bytes(sum) {
                    return Err(ParseHeaderError::Checksum);
                }
            }
            Tlv::NOOP => {}
            kind => parsed.push(kind, tlv.value)?,
        }
        rest = behind;
    }
    Ok(parsed)
}

pub(super) fn encode(header: &Header, checksum: bool, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(&[0; FIXED - 12]);
    let (command, family) = encode_origin(&header.origin, out);
    out.extend_from_slice(header.tlvs.as_bytes());
    if checksum {
        out.extend_from_slice(&[Tlv::CRC32C, 0, 4, 0, 0, 0, 0]);
    }
    let payload = out.len() - start - FIXED;
    debug_assert!(payload <= MAX_PAYLOAD);
    let [high, low] = (payload as u16).to_be_bytes();
    out[start + 12..start + FIXED].copy_from_slice(&[VERSION | command, family, high, low]);
    if checksum {
        let sum = crc32c::checksum(&[&out[start..]]);
        let at = out.len() - 4;
        out[at..].copy_from_slice(&sum.to_be_bytes());
    }
}

/// Appends the addresses; gives the bytes for the command and for the family.
fn encode_origin(origin: &Origin, out: &mut Vec<u8>) -> (u8, u8) {
    let (transport, source, destination) = match origin {
        Origin::Local => return (LOCAL, UNSPEC),
        Origin::Unknown => return (PROXY, UNSPEC),
        Origin::Known {
            transport,
            source,
            destination,
        } => (*transport, source, destination),
    };
    let transport = match transport {
        Transport::Stream => STREAM,
        Transport::Datagram => DATAGRAM,
    };
    let family = match (source, destination) {
        (Endpoint::Inet(source), Endpoint::Inet(destination)) => {
            let family = match (source.ip(), destination.ip()) {
                (IpAddr::V4(source), IpAddr::V4(destination)) => {
                    out.extend_from_slice(&source.octets());
                    out.extend_from_slice(&destination.octets());
                    INET
                }
                (source, destination) => {
                    out.extend_from_slice(&to_ipv6(source).octets());
                    out.extend_from_slice(&to_ipv6(destination).octets());
                    INET6
                }
            };
            out.extend_from_slice(&source.port().to_be_bytes());
            out.extend_from_slice(&destination.port().to_be_bytes());
            family
        }
        (source, destination) => {
            encode_unix(source, out);
            encode_unix(destination, out);
            UNIX
        }
    };
    (PROXY, family | transport)
}

/// A name that does not fit, which no socket can have, is sent as unnamed.
fn encode_unix(end: &Endpoint, out: &mut Vec<u8>) {
    let (lead, name): (&[u8], &[u8]) = match end {
        Endpoint::Unix(path) => (b"", path.as_os_str().as_bytes()),
        Endpoint::Abstract(name) => (b"\0", name),
        Endpoint::Unnamed | Endpoint::Inet(_) => (b"", b""),
    };
    let end = out.len() + UNIX_LEN;
    if lead.len() + name.len() <= UNIX_LEN {
        out.extend_from_slice(lead);
        out.extend_from_slice(name);
    }
    out.resize(end, 0);
}
