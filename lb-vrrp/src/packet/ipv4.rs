//! The IPv4 header, which a raw socket hands over with the packet (raw(7)).
//!
//! IPv6 needs none of this: its raw sockets give the payload alone, and the rest as ancillary data.

use std::net::Ipv4Addr;

use thiserror::Error;

/// A header without options, in octets.
pub const HEADER: usize = 20;

/// What of an IPv4 packet VRRP looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Who sent it.
    pub source: Ipv4Addr,
    /// To whom.
    pub destination: Ipv4Addr,
    /// Its TTL.
    pub ttl: u8,
    /// Which protocol is inside; VRRP's is [`PROTOCOL`](super::PROTOCOL).
    pub protocol: u8,
    /// What follows the header and its options, as far as the total length says: what Ethernet
    /// padded is left out.
    pub message: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads `bytes`, which begin with the header. The kernel has verified its checksum.
    ///
    /// # Errors
    /// If they are no whole IPv4 packet, or a fragment of one: a raw socket is given whole ones.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NoPacket> {
        let header: &[u8; HEADER] = bytes.first_chunk().ok_or(NoPacket::Short)?;
        if header[0] >> 4 != 4 {
            return Err(NoPacket::Version(header[0] >> 4));
        }
        let header_length = usize::from(header[0] & 0xf) * 4;
        let total_length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if header_length < HEADER {
            return Err(NoPacket::HeaderLength(header_length));
        }
        let message = bytes
            .get(..total_length)
            .and_then(|packet| packet.get(header_length..))
            .ok_or(NoPacket::TotalLength(total_length))?;
        // The flag for more, and the offset.
        if u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0 {
            return Err(NoPacket::Fragment);
        }
        let [.., a, b, c, d, e, f, g, h] = *header;
        Ok(Self {
            source: Ipv4Addr::new(a, b, c, d),
            destination: Ipv4Addr::new(e, f, g, h),
            ttl: header[8],
            protocol: header[9],
            message,
        })
    }
}

/// Why bytes are no IPv4 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoPacket {
    /// Less than a header.
    #[error("an IPv4 header has 20 octets")]
    Short,
    /// Another version of IP.
    #[error("IP version {0} in place of 4")]
    Version(u8),
    /// A header of fewer octets than one has.
    #[error("a header length of {0} octets")]
    HeaderLength(usize),
    /// More octets than there are, or fewer than the header.
    #[error("a total length of {0} octets, which is not there or less than the header")]
    TotalLength(usize),
    /// A part of a packet.
    #[error("a fragment")]
    Fragment,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(first: u8, total: u16, rest: usize) -> Vec<u8> {
        let mut bytes = vec![first, 0xc0];
        bytes.extend(total.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 255, 112, 0, 0, 10, 77, 0, 1, 224, 0, 0, 18]);
        bytes.extend((0..rest).map(|n| n as u8));
        bytes
    }

    #[test]
    fn the_total_length_ends_the_message() {
        let bytes = packet(0x45, 32, 26);
        let parsed = Packet::parse(&bytes).unwrap();
        assert_eq!(parsed.source, Ipv4Addr::new(10, 77, 0, 1));
        assert_eq!(parsed.destination, Ipv4Addr::new(224, 0, 0, 18));
        assert_eq!((parsed.ttl, parsed.protocol), (255, 112));
        assert_eq!(parsed.message, &bytes[20..32]);
    }

    #[test]
    fn options_are_no_message() {
        let bytes = packet(0x46, 36, 16);
        assert_eq!(Packet::parse(&bytes).unwrap().message, &bytes[24..36]);
    }

    #[test]
    fn what_is_no_packet() {
        let parse = |bytes: &[u8]| Packet::parse(bytes).unwrap_err();
        assert_eq!(parse(&packet(0x45, 20, 0)[..19]), NoPacket::Short);
        assert_eq!(parse(&packet(0x65, 20, 0)), NoPacket::Version(6));
        assert_eq!(parse(&packet(0x44, 20, 0)), NoPacket::HeaderLength(16));
        assert_eq!(parse(&packet(0x45, 33, 12)), NoPacket::TotalLength(33));
        assert_eq!(parse(&packet(0x45, 19, 12)), NoPacket::TotalLength(19));
        assert_eq!(parse(&packet(0x4f, 32, 12)), NoPacket::TotalLength(32));
        for (at, value) in [(6, 0x20), (7, 0x01), (6, 0x1f)] {
            let mut bytes = packet(0x45, 32, 12);
            bytes[at] = value;
            assert_eq!(parse(&bytes), NoPacket::Fragment);
        }
        let mut unfragmented = packet(0x45, 32, 12);
        unfragmented[6] = 0x40;
        assert!(Packet::parse(&unfragmented).is_ok(), "do not fragment");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_packet_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Packet::parse(&bytes);
        }

        #[test]
        fn a_message_is_within_the_bytes(
            first in 0x45u8..=0x4f, total in 0u16..200, rest in 0usize..200,
        ) {
            let bytes = packet(first, total, rest);
            if let Ok(packet) = Packet::parse(&bytes) {
                let header = usize::from(first & 0xf) * 4;
                prop_assert_eq!(packet.message, &bytes[header..usize::from(total)]);
            }
        }
    }
}
