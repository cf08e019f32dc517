//! The raw sockets of IP protocol 112: one that only sends and one that only receives.
//!
//! The kernel writes the IP header (no `IP_HDRINCL`): the source is the address the sending
//! socket is bound to, and TTL, class and the rest are its options.

use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::task::{Context, Poll};

use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use tokio::io::unix::AsyncFd;

use super::frame::filter;
use super::netlink::Link;
use super::readable::poll_read;
use crate::network::Datagram;
use crate::{Family, sys};

const PROTOCOL: i32 = 112;
/// What a receiver demands of a packet from its own link (RFC 9568 §5.1.1.3).
const TTL: u32 = 255;
/// Class selector 6, as routing protocols have it.
const CLASS: u32 = 0xc0;
/// TC_PRIO_CONTROL: before other packets in the interface's queue.
const PRIORITY: u32 = 7;
/// The longest message: 8 octets, 255 IPv6 addresses and an authentication trailer, and a header.
const LONGEST: usize = 8 + 255 * 16 + 28 + 60;

/// The two sockets on one interface.
pub(super) struct RawSockets {
    family: Family,
    index: u32,
    source: IpAddr,
    send: Socket,
    receive: AsyncFd<Socket>,
    buffer: Box<[u8]>,
}

impl RawSockets {
    /// Opens them on `link`. With `unicast` as TTL they receive what comes to `source`, else what
    /// comes to the group. `foreign` allows a source that is set on another interface.
    pub(super) fn open(
        family: Family,
        link: &Link,
        source: IpAddr,
        unicast: Option<u8>,
        foreign: bool,
    ) -> io::Result<Self> {
        let send = socket(family, link)?;
        // It is to receive nothing, not even what it could.
        send.attach_filter(&filter::nothing())?;
        send.set_priority(PRIORITY)?;
        let hops = unicast.map_or(TTL, u32::from);
        match family {
            Family::V4 => {
                send.set_ttl_v4(hops)?;
                send.set_multicast_ttl_v4(TTL)?;
                send.set_multicast_loop_v4(false)?;
                send.set_tos_v4(CLASS)?;
                sockopt::set_ip_mtu_discover(&send, Ipv4PathMtuDiscovery::DONT)?;
            }
            Family::V6 => {
                send.set_unicast_hops_v6(hops)?;
                send.set_multicast_hops_v6(TTL)?;
                send.set_multicast_loop_v6(false)?;
                send.set_tclass_v6(CLASS)?;
                send.set_multicast_if_v6(link.index)?;
                send.set_freebind_v6(foreign)?;
            }
        }
        send.bind(&address(source, link.index).into())?;

        let receive = socket(family, link)?;
        match family {
            Family::V4 => receive.set_multicast_all_v4(false)?,
            Family::V6 => {
                receive.set_multicast_all_v6(false)?;
                receive.set_recv_hoplimit_v6(true)?;
                sys::set_receive_packet_info_v6(&receive)?;
                receive.set_freebind_v6(foreign)?;
            }
        }
        let local = if unicast.is_some() {
            source
        } else {
            family.group()
        };
        receive.bind(&address(local, link.index).into())?;
        match local {
            _ if unicast.is_some() => {}
            IpAddr::V4(group) => {
                let interface = InterfaceIndexOrAddress::Index(link.index);
                receive.join_multicast_v4_n(&group, &interface)?;
            }
            IpAddr::V6(group) => receive.join_multicast_v6(&group, link.index)?,
        }
        Ok(Self {
            family,
            index: link.index,
            source,
            send,
            receive: sys::readable(receive)?,
            buffer: vec![0; LONGEST].into(),
        })
    }

    /// The address packets leave with.
    pub(super) const fn source(&self) -> IpAddr {
        self.source
    }

    pub(super) fn send(&self, destination: IpAddr, message: &[u8]) -> io::Result<()> {
        if Family::of(destination) != self.family {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let to = address(destination, self.index).into();
        self.send.send_to(message, &to).map(drop)
    }

    /// The next message; `None` for a packet that is none.
    pub(super) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Datagram>>> {
        let buffer = &mut self.buffer;
        match self.family {
            Family::V4 => poll_read(&self.receive, cx, |mut socket: &Socket| {
                let length = socket.read(buffer)?;
                Ok(parse_v4(&buffer[..length]))
            }),
            Family::V6 => poll_read(&self.receive, cx, |socket| {
                let received = sys::receive_v6(socket, buffer)?;
                Ok(Some(Datagram {
                    source: received.source.into(),
                    destination: received.destination.into(),
                    ttl: received.hop_limit,
                    message: buffer[..received.length].to_vec(),
                }))
            }),
        }
    }
}

fn socket(family: Family, link: &Link) -> io::Result<Socket> {
    let domain = match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(PROTOCOL)))?;
    socket.set_nonblocking(true)?;
    socket.bind_device(Some(link.name.as_bytes()))?;
    Ok(socket)
}

/// An IPv6 address of the link is one of this interface's link only.
fn address(ip: IpAddr, index: u32) -> SocketAddr {
    match ip {
        IpAddr::V4(ip) => SocketAddrV4::new(ip, 0).into(),
        IpAddr::V6(ip) => {
            let of_link = ip.is_unicast_link_local() || ip.is_multicast();
            SocketAddrV6::new(ip, 0, 0, if of_link { index } else { 0 }).into()
        }
    }
}

/// A whole IPv4 packet, as a raw socket gives it.
fn parse_v4(packet: &[u8]) -> Option<Datagram> {
    let header = usize::from(packet.first()? & 0xf) * 4;
    let length = usize::from(u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?]));
    if packet[0] >> 4 != 4 || header < 20 {
        return None;
    }
    let message = packet.get(..length)?.get(header..)?;
    let ip = |at: usize| -> Option<IpAddr> {
        let octets: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(octets).into())
    };
    Some(Datagram {
        source: ip(12)?,
        destination: ip(16)?,
        ttl: packet[8],
        message: message.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Keepalived's, captured: 10.77.0.1 > 224.0.0.18, padded behind its end.
    const PACKET: [u8; 46] = [
        0x45, 0xc0, 0, 0x28, 0, 1, 0, 0, 0xff, 0x70, 0xd0, 0x44, 10, 77, 0, 1, 224, 0, 0,
        18, //
        0x21, 0x58, 0x64, 1, 1, 1, 0x78, 0x60, 10, 77, 0, 100, 0x61, 0x62, 0x63, 0x31, 0x32, 0, 0,
        0, //
        0, 0, 0, 0, 0, 0,
    ];

    #[test]
    fn a_message_is_what_follows_the_header_as_far_as_it_says() {
        let datagram = parse_v4(&PACKET).unwrap();
        assert_eq!(datagram.source, IpAddr::from([10, 77, 0, 1]));
        assert_eq!(datagram.destination, Family::V4.group());
        assert_eq!(datagram.ttl, 255);
        assert_eq!(datagram.message, PACKET[20..40]);
    }

    #[test]
    fn options_belong_to_the_header() {
        let mut packet = PACKET.to_vec();
        packet[0] = 0x46;
        packet[3] += 4;
        packet.splice(20..20, [148, 4, 0, 0]); // router alert
        assert_eq!(parse_v4(&packet).unwrap().message, PACKET[20..40]);
    }

    proptest! {
        #[test]
        fn no_packet_panics(packet: Vec<u8>) {
            parse_v4(&packet);
        }

        #[test]
        fn a_packet_that_is_cut_is_none(length in 0_usize..40) {
            prop_assert_eq!(parse_v4(&PACKET[..length]), None);
        }
    }
}
