//! Ethernet frames as octets: what is said of an address on the link, and what is heard.
//!
//! Pure: nothing here has a socket.

pub(crate) mod arp;
pub(crate) mod filter;
pub(crate) mod ndp;

use crate::network::MacAddress;

/// The header's length: destination, source, EtherType.
const ETHERNET: usize = 14;

fn ethernet(frame: &mut [u8], destination: MacAddress, source: MacAddress, ether_type: u16) {
    frame[..6].copy_from_slice(&destination.0);
    frame[6..12].copy_from_slice(&source.0);
    frame[12..ETHERNET].copy_from_slice(&ether_type.to_be_bytes());
}

/// `N` octets of `frame` from `at` on, if it is as long.
fn octets<const N: usize>(frame: &[u8], at: usize) -> Option<[u8; N]> {
    frame.get(at..at + N)?.try_into().ok()
}

/// The octets of a capture as `tcpdump -xx` writes it.
#[cfg(test)]
fn bytes(hex: &str) -> Vec<u8> {
    let hex: String = hex.split_whitespace().collect();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}
