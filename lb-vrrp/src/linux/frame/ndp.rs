//! Neighbour discovery (RFC 4861): advertisements nobody asked for, duplicate address detection,
//! and who claims what.

use std::net::Ipv6Addr;

use super::{ETHERNET, ethernet, octets};
use crate::network::MacAddress;

pub(crate) const ETHER_TYPE: u16 = 0x86dd;
/// Where the IPv6 header's next header and hop limit are in a frame.
pub(crate) const NEXT_HEADER: usize = ETHERNET + 6;
/// Where the ICMPv6 type is.
pub(crate) const TYPE: usize = ETHERNET + IPV6;
/// Where the target's address is.
pub(crate) const TARGET: usize = TYPE + 8;

pub(crate) const ICMPV6: u8 = 58;
pub(crate) const ADVERTISEMENT: u8 = 136;

const IPV6: usize = 40;
const OPTIONS: usize = TARGET + 16;
const SOLICITATION: u8 = 135;
const HOP_LIMIT: u8 = 255;
const TARGET_LINK_LAYER_ADDRESS: u8 = 2;
const ROUTER: u8 = 0x80;
const OVERRIDE: u8 = 0x20;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// What an advertisement says of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) address: Ipv6Addr,
    pub(crate) by: MacAddress,
}

/// An unsolicited neighbour advertisement (RFC 4861 §7.2.6) from the address itself to all nodes,
/// with the override flag; `router` where this host forwards.
pub(crate) fn announcement(mac: MacAddress, address: Ipv6Addr, router: bool) -> Vec<u8> {
    let flags = OVERRIDE | if router { ROUTER } else { 0 };
    let mut message = Vec::with_capacity(32);
    message.extend([ADVERTISEMENT, 0, 0, 0, flags, 0, 0, 0]);
    message.extend(address.octets());
    message.extend([TARGET_LINK_LAYER_ADDRESS, 1]);
    message.extend(mac.0);
    frame(mac, address, ALL_NODES, message)
}

/// A neighbour solicitation from the unspecified address, as in duplicate address detection
/// (RFC 4862 §5.4.2): no neighbour learns anything of it.
pub(crate) fn probe(mac: MacAddress, address: Ipv6Addr) -> Vec<u8> {
    let mut message = Vec::with_capacity(24);
    message.extend([SOLICITATION, 0, 0, 0, 0, 0, 0, 0]);
    message.extend(address.octets());
    frame(mac, Ipv6Addr::UNSPECIFIED, solicited_node(address), message)
}

/// Who says that it has which address. `None` for all but a sound neighbour advertisement.
pub(crate) fn claim(frame: &[u8]) -> Option<Claim> {
    let [next_header, hop_limit] = octets(frame, NEXT_HEADER)?;
    if octets(frame, 12)? != ETHER_TYPE.to_be_bytes() || next_header != ICMPV6 {
        return None;
    }
    // From farther than this link it would be a lie (RFC 4861 §7.1.2).
    if hop_limit != HOP_LIMIT || octets(frame, TYPE)? != [ADVERTISEMENT, 0] {
        return None;
    }
    let length = usize::from(u16::from_be_bytes(octets(frame, ETHERNET + 4)?));
    let message = frame.get(TYPE..TYPE + length)?;
    let source = Ipv6Addr::from(octets::<16>(frame, ETHERNET + 8)?);
    let destination = Ipv6Addr::from(octets::<16>(frame, ETHERNET + 24)?);
    if checksum(source, destination, message) != 0 {
        return None;
    }
    let address = Ipv6Addr::from(octets::<16>(frame, TARGET)?);
    let options = message.get(OPTIONS - TYPE..)?;
    // Without the option it is the frame's sender that answers.
    let by = link_layer_address(options).or_else(|| octets(frame, 6).map(MacAddress))?;
    Some(Claim { address, by })
}

fn link_layer_address(mut options: &[u8]) -> Option<MacAddress> {
    loop {
        let [kind, units] = octets(options, 0)?;
        if kind == TARGET_LINK_LAYER_ADDRESS && units > 0 {
            return octets(options, 2).map(MacAddress);
        }
        // Length 0 would not end.
        options = options.get(usize::from(units).max(1) * 8..)?;
    }
}

fn frame(mac: MacAddress, source: Ipv6Addr, to: Ipv6Addr, mut message: Vec<u8>) -> Vec<u8> {
    let sum = checksum(source, to, &message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut frame = vec![0; TYPE];
    ethernet(&mut frame, multicast_mac(to), mac, ETHER_TYPE);
    frame[14] = 0x60;
    // At most 32 octets: they are made above.
    frame[ETHERNET + 5] = message.len() as u8;
    frame[NEXT_HEADER] = ICMPV6;
    frame[NEXT_HEADER + 1] = HOP_LIMIT;
    frame[ETHERNET + 8..ETHERNET + 24].copy_from_slice(&source.octets());
    frame[ETHERNET + 24..ETHERNET + 40].copy_from_slice(&to.octets());
    frame.extend(message);
    frame
}

/// ff02::1:ff00:0 with the address's last 24 bits (RFC 4291 §2.7.1).
fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    let last = u16::from_be_bytes([b, c]);
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), last)
}

/// RFC 2464 §7.
fn multicast_mac(group: Ipv6Addr) -> MacAddress {
    let [.., a, b, c, d] = group.octets();
    MacAddress([0x33, 0x33, a, b, c, d])
}

/// The checksum of RFC 4443 §2.3; 0 over a message that bears its own.
fn checksum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let pairs = |octets: &[u8]| -> u64 {
        octets
            .chunks(2)
            .map(|pair| u64::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u64::from(low)))
            .sum()
    };
    let mut sum = pairs(&source.octets()) + pairs(&destination.octets()) + pairs(message);
    sum += message.len() as u64 + u64::from(ICMPV6);
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bytes;
    use super::*;

    const MAC: MacAddress = MacAddress([0xce, 0xc0, 0x9b, 0x5e, 0xc5, 0x09]);
    const VIP: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0x100);

    /// Captured from Keepalived 2.2.7 as it became master.
    const KEEPALIVED: &str = "333300000001cec09b5ec50986dd \
        6000000000203afffd770000000000000000000000000100ff020000000000000000000000000001 \
        88002a8720000000fd770000000000000000000000000100 0201cec09b5ec509";

    #[test]
    fn an_announcement_is_keepalived_s_octet_for_octet() {
        assert_eq!(announcement(MAC, VIP, false), bytes(KEEPALIVED));
        let router = announcement(MAC, VIP, true);
        assert_eq!(router[TYPE + 4], 0xa0, "the router flag beside override");
        assert!(claim(&router).is_some(), "its checksum is sound");
    }

    #[test]
    fn a_probe_goes_from_nobody_to_the_solicited_node_s_group() {
        let frame = probe(MAC, "fd77::aabb:ccdd".parse().unwrap());
        assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0xbb, 0xcc, 0xdd]);
        assert_eq!(frame[22..38], [0; 16]);
        let group: Ipv6Addr = "ff02::1:ffbb:ccdd".parse().unwrap();
        assert_eq!(frame[38..54], group.octets());
        assert_eq!(frame[NEXT_HEADER..NEXT_HEADER + 2], [58, 255]);
        assert_eq!(frame[TYPE], 135);
        assert_eq!(checksum(Ipv6Addr::UNSPECIFIED, group, &frame[TYPE..]), 0);
        assert_eq!(claim(&frame), None);
    }

    #[test]
    fn an_advertisement_without_its_option_is_of_the_frame_s_sender() {
        let whole = announcement(MAC, VIP, false);
        let message = whole[TYPE..TYPE + 24].to_vec();
        let mut message = message;
        message[2..4].fill(0);
        let sender = MacAddress([2, 0, 0, 0, 0, 7]);
        let short = frame(sender, VIP, ALL_NODES, message);
        assert_eq!(
            claim(&short),
            Some(Claim {
                address: VIP,
                by: sender
            })
        );
    }

    #[test]
    fn what_came_from_afar_or_is_broken_claims_nothing() {
        for at in [
            NEXT_HEADER,
            NEXT_HEADER + 1,
            TYPE,
            TYPE + 1,
            TYPE + 2,
            TARGET,
        ] {
            let mut frame = announcement(MAC, VIP, false);
            frame[at] ^= 1;
            assert_eq!(claim(&frame), None, "octet {at}");
        }
    }

    proptest! {
        #[test]
        fn what_is_announced_is_claimed(mac: [u8; 6], address: u128, router: bool) {
            let (by, address) = (MacAddress(mac), Ipv6Addr::from(address));
            let frame = announcement(by, address, router);
            prop_assert_eq!(claim(&frame), Some(Claim { address, by }));
        }

        #[test]
        fn no_frame_panics(frame: Vec<u8>) {
            claim(&frame);
            link_layer_address(&frame);
        }
    }
}
