//! Advertisements of somebody who is no node.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use lb_benches::rig::{Host, Rig};
use socket2::{Domain, Protocol, Socket, Type};

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

/// A socket on the client's host.
pub(super) struct Forger(Socket);

impl Forger {
    /// One whose packets have this TTL.
    pub(super) fn new(rig: &Rig, ttl: u32) -> Self {
        let open = || {
            let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(112)))?;
            socket.bind_device(Some(b"eth0"))?;
            socket.set_multicast_ttl_v4(ttl)?;
            Ok(socket)
        };
        Self(rig.within(Host::Client, open).expect("a raw socket"))
    }

    /// Sends to the group. A queue that is full is what a flood is for.
    pub(super) fn send(&self, message: &[u8]) {
        match self.0.send_to(message, &SocketAddrV4::new(GROUP, 0).into()) {
            Err(error)
                if error.kind() != io::ErrorKind::WouldBlock
                    && error.raw_os_error() != Some(105) =>
            {
                panic!("cannot send: {error}")
            }
            _ => {}
        }
    }
}

/// Version 2, every second, for the one address.
pub(super) fn v2(id: u8, priority: u8, kind: u8, password: [u8; 8], address: Ipv4Addr) -> Vec<u8> {
    let header = [0x21, id, priority, 1, kind, 1, 0, 0];
    summed([&header[..], &address.octets(), &password].concat())
}

/// Version 3, with the checksum of RFC 9568, every `interval` hundredths of a second, for the one address.
pub(super) fn v3(id: u8, priority: u8, interval: u8, address: Ipv4Addr) -> Vec<u8> {
    let header = [0x31, id, priority, 1, 0, interval, 0, 0];
    summed([&header[..], &address.octets()].concat())
}

/// With the checksum that it should have (RFC 1071).
pub(super) fn summed(mut message: Vec<u8>) -> Vec<u8> {
    message[6..8].fill(0);
    let words = message.chunks(2);
    let sum: u32 = words
        .map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0)))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    let checksum = u16::try_from(folded).map_or(0, |folded| !folded);
    message[6..8].copy_from_slice(&checksum.to_be_bytes());
    message
}
