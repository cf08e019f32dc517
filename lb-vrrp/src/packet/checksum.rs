//! The Internet checksum (RFC 1071), and over what the versions of VRRP take it.
//!
//! RFC 5798 was read in two ways for IPv4: Keepalived, FRR and the dissectors put a pseudo-header
//! of the addresses before the message; Cisco, Juniper, Arista and at last RFC 9568 §5.2.8 take the
//! message alone. Keepalived up to 1.3.6 had a third form: in unicast its pseudo-header named the
//! multicast group as destination (`old_unicast_checksum`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Family;

/// VRRP's protocol number in IPv4, and its next header in IPv6.
pub const PROTOCOL: u8 = 112;

/// What a checksum of version 3 over IPv4 covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumForm {
    /// The message and an IPv4 pseudo-header: RFC 5798 as Keepalived reads it.
    PseudoHeader,
    /// The message alone: RFC 9568, and Keepalived's `v3_checksum_as_v2`.
    Message,
    /// A pseudo-header with 224.0.0.18 in place of the unicast destination: Keepalived up to 1.3.6.
    OldUnicast,
}

impl ChecksumForm {
    /// Every form, in the order in which they are tried on a sender not heard before.
    pub const ALL: [Self; 3] = [Self::PseudoHeader, Self::Message, Self::OldUnicast];

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for ChecksumForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PseudoHeader => "pseudo-header",
            Self::Message => "message",
            Self::OldUnicast => "old unicast",
        })
    }
}

/// Which [`ChecksumForm`] is sent, and which are accepted. It matters in version 3 over IPv4 only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChecksumPolicy {
    /// Accepts every form. Sends with the pseudo-header until a peer is heard, then as that peer
    /// does: in unicast the one it sends to, in multicast the one last heard.
    #[default]
    Auto,
    /// The pseudo-header only, as Keepalived without options.
    PseudoHeader,
    /// The message only, as RFC 9568 says.
    Message,
}

impl ChecksumPolicy {
    pub(super) fn accepts(self, form: ChecksumForm) -> bool {
        match self {
            Self::Auto => true,
            Self::PseudoHeader => form == ChecksumForm::PseudoHeader,
            Self::Message => form == ChecksumForm::Message,
        }
    }
}

/// A running sum. Pieces have an even number of octets, as all of a VRRP message's have.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum(u64);

impl Sum {
    pub(super) fn add(self, piece: &[u8]) -> Self {
        let (words, rest) = piece.as_chunks::<2>();
        debug_assert!(rest.is_empty(), "an odd piece");
        Self(words.iter().fold(self.0, |sum, word| {
            sum + u64::from(u16::from_be_bytes(*word))
        }))
    }

    /// The pseudo-header of `source`'s family (RFC 793, RFC 8200 §8.1) for `length` octets.
    pub(super) fn pseudo_header(self, source: IpAddr, destination: IpAddr, length: usize) -> Self {
        let sum = self.add_address(source).add_address(destination);
        // The upper halves of IPv6's length are zero: no message is that long.
        Self(sum.0 + u64::from(PROTOCOL) + length as u64)
    }

    fn add_address(self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => self.add(&Ipv4Addr::octets(&address)),
            IpAddr::V6(address) => self.add(&Ipv6Addr::octets(&address)),
        }
    }

    fn folded(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        sum as u16
    }

    /// What goes into the field, which was zero while summing.
    pub(super) fn checksum(self) -> u16 {
        !self.folded()
    }

    /// Whether a message that was summed with its field is whole.
    pub(super) fn is_whole(self) -> bool {
        self.folded() == 0xffff
    }
}

/// The sum's start for a message of `length` octets of version 3 over IPv4 in `form`.
pub(super) fn start(form: ChecksumForm, source: IpAddr, destination: IpAddr, length: usize) -> Sum {
    let sum = Sum::default();
    match form {
        ChecksumForm::PseudoHeader => sum.pseudo_header(source, destination, length),
        ChecksumForm::Message => sum,
        ChecksumForm::OldUnicast => sum.pseudo_header(source, Family::V4.group(), length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        let sum = Sum::default().add(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.folded(), 0xddf2);
        assert!(sum.add(&sum.checksum().to_be_bytes()).is_whole());
    }

    #[test]
    fn forms_have_an_index_each() {
        for (index, form) in ChecksumForm::ALL.into_iter().enumerate() {
            assert_eq!(form.index(), index);
        }
    }
}
