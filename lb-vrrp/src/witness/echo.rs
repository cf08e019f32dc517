//! ICMP and ICMPv6 echo as bytes (RFC 792, RFC 4443 §4).

use crate::Family;

/// What a reply must carry back; random, so that no other's reply is taken for ours.
pub(super) type Token = [u8; 16];

/// Type, code, checksum, identifier, sequence, token.
const LENGTH: usize = 8 + size_of::<Token>();

/// An echo request. ICMPv6's checksum is left to the kernel.
pub(super) fn request(family: Family, identifier: u16, token: Token) -> [u8; LENGTH] {
    let mut message = [0; LENGTH];
    message[0] = match family {
        Family::V4 => 8,
        Family::V6 => 128,
    };
    message[4..6].copy_from_slice(&identifier.to_be_bytes());
    message[6..8].copy_from_slice(&1_u16.to_be_bytes());
    message[8..].copy_from_slice(&token);
    if family == Family::V4 {
        let sum = checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    message
}

/// Whether `message`, which begins with the ICMP header, is the reply to the request with
/// `token`. Its checksum was the kernel's to verify.
pub(super) fn is_reply(family: Family, message: &[u8], token: Token) -> bool {
    let reply = match family {
        Family::V4 => 0,
        Family::V6 => 129,
    };
    message.len() == LENGTH && message[..2] == [reply, 0] && message[8..] == token
}

/// What follows the IPv4 header that a raw socket gives; empty if there is nothing.
pub(super) fn without_header(packet: &[u8]) -> &[u8] {
    let words = packet.first().map_or(0, |byte| byte & 0x0f);
    packet.get(usize::from(words) * 4..).unwrap_or_default()
}

/// RFC 1071, over an even number of octets.
fn checksum(message: &[u8]) -> u16 {
    let words = message.as_chunks().0.iter();
    let sum: u32 = words.map(|&word| u32::from(u16::from_be_bytes(word))).sum();
    let folded = (sum >> 16) + (sum & 0xffff);
    !((folded + (folded >> 16)) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Token = *b"0123456789abcdef";

    #[test]
    fn a_request_sums_to_nothing() {
        let message = request(Family::V4, 0xfffe, TOKEN);
        assert_eq!(checksum(&message), 0);
        assert_eq!(message[..2], [8, 0]);
        assert_eq!(
            request(Family::V6, 7, TOKEN)[..8],
            [128, 0, 0, 0, 0, 7, 0, 1]
        );
    }

    #[test]
    fn only_the_reply_with_the_token_is_ours() {
        let mut reply = request(Family::V4, 1, TOKEN);
        assert!(!is_reply(Family::V4, &reply, TOKEN), "the request itself");
        reply[0] = 0;
        assert!(is_reply(Family::V4, &reply, TOKEN));
        assert!(!is_reply(Family::V6, &reply, TOKEN));
        assert!(!is_reply(Family::V4, &reply[..20], TOKEN));
        assert!(!is_reply(Family::V4, &reply, *b"another's token."));
    }

    #[test]
    fn headers_of_any_length_are_left_out() {
        let packet = |words: u8| [&[0x40 | words][..], &[0; 23], b"icmp"].concat();
        assert_eq!(without_header(&packet(6)), b"icmp");
        assert_eq!(without_header(&packet(15)), b"");
        assert_eq!(without_header(&[]), b"");
    }
}
