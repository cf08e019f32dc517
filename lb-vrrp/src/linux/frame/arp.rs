//! ARP over Ethernet (RFC 826): announcements, probes, and who claims what.

use std::net::Ipv4Addr;

use super::{ETHERNET, ethernet, octets};
use crate::network::MacAddress;

pub(crate) const ETHER_TYPE: u16 = 0x0806;
/// Where the sender's protocol address is in a frame.
pub(crate) const SENDER: usize = ETHERNET + 14;

const LENGTH: usize = ETHERNET + 28;
/// Hardware Ethernet, protocol IPv4, their addresses' lengths.
const KIND: [u8; 6] = [0, 1, 8, 0, 6, 4];
const REQUEST: u16 = 1;
const BROADCAST: MacAddress = MacAddress([0xff; 6]);

/// What a frame says of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) address: Ipv4Addr,
    pub(crate) by: MacAddress,
}

/// A gratuitous ARP: a request for the sender's own address. The target's hardware address is
/// the broadcast one, as Keepalived has it.
pub(crate) fn announcement(mac: MacAddress, address: Ipv4Addr) -> [u8; LENGTH] {
    request(mac, address, BROADCAST, address)
}

/// A probe (RFC 5227 §2.1.1): from 0.0.0.0, so that no neighbour learns anything of it.
pub(crate) fn probe(mac: MacAddress, address: Ipv4Addr) -> [u8; LENGTH] {
    request(mac, Ipv4Addr::UNSPECIFIED, MacAddress([0; 6]), address)
}

fn request(
    mac: MacAddress,
    sender: Ipv4Addr,
    target_mac: MacAddress,
    target: Ipv4Addr,
) -> [u8; LENGTH] {
    let mut frame = [0; LENGTH];
    ethernet(&mut frame, BROADCAST, mac, ETHER_TYPE);
    frame[14..20].copy_from_slice(&KIND);
    frame[20..22].copy_from_slice(&REQUEST.to_be_bytes());
    frame[22..28].copy_from_slice(&mac.0);
    frame[28..32].copy_from_slice(&sender.octets());
    frame[32..38].copy_from_slice(&target_mac.0);
    frame[38..].copy_from_slice(&target.octets());
    frame
}

/// Who says that it has which address: every ARP packet, request or reply, says so of its
/// sender. `None` for a probe and for what is no ARP of IPv4 over Ethernet.
pub(crate) fn claim(frame: &[u8]) -> Option<Claim> {
    if octets(frame, 12)? != ETHER_TYPE.to_be_bytes() || octets(frame, 14)? != KIND {
        return None;
    }
    let by = MacAddress(octets(frame, 22)?);
    let address = Ipv4Addr::from(octets::<4>(frame, SENDER)?);
    (!address.is_unspecified()).then_some(Claim { address, by })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bytes;
    use super::*;

    const MAC: MacAddress = MacAddress([0xce, 0xc0, 0x9b, 0x5e, 0xc5, 0x09]);
    const VIP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 100);

    /// Captured from Keepalived 2.2.7 as it became master.
    const KEEPALIVED: &str = "ffffffffffffcec09b5ec5090806\
        0001080006040001cec09b5ec5090a4d0064ffffffffffff0a4d0064";
    /// Captured from `arping`, which pads to Ethernet's minimum.
    const ARPING: &str = "ffffffffffffcec09b5ec5090806\
        0001080006040001cec09b5ec5090a4d00010000000000000a4d0064\
        00000000000000000000000000000000";

    #[test]
    fn an_announcement_is_keepalived_s_octet_for_octet() {
        assert_eq!(announcement(MAC, VIP).as_slice(), bytes(KEEPALIVED));
    }

    #[test]
    fn a_probe_claims_nothing() {
        let frame = probe(MAC, VIP);
        assert_eq!(frame[28..32], [0; 4], "the sender is 0.0.0.0");
        assert_eq!(frame[38..], VIP.octets());
        assert_eq!(claim(&frame), None);
    }

    #[test]
    fn whatever_its_operation_a_frame_claims_its_sender_s_address() {
        let sender = Claim {
            address: Ipv4Addr::new(10, 77, 0, 1),
            by: MAC,
        };
        assert_eq!(claim(&bytes(ARPING)), Some(sender));
        let mut reply = bytes(ARPING);
        reply[21] = 2;
        assert_eq!(claim(&reply), Some(sender));
    }

    proptest! {
        #[test]
        fn what_is_announced_is_claimed(mac: [u8; 6], address in 1_u32..) {
            let (by, address) = (MacAddress(mac), Ipv4Addr::from(address));
            prop_assert_eq!(claim(&announcement(by, address)), Some(Claim { address, by }));
        }

        #[test]
        fn no_frame_panics(frame: Vec<u8>) {
            claim(&frame);
        }

        #[test]
        fn a_frame_that_is_cut_claims_nothing(length in 0_usize..32) {
            prop_assert_eq!(claim(&announcement(MAC, VIP)[..length]), None);
        }
    }
}
