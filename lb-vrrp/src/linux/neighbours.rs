//! The packet socket by which neighbours are told of an address, and overheard.

use std::io::{self, Read as _};
use std::net::IpAddr;
use std::task::{Context, Poll};

use socket2::{Domain, Socket, Type};
use tokio::io::unix::AsyncFd;

use super::frame::{arp, filter, ndp};
use super::readable::poll_read;
use crate::network::MacAddress;
use crate::{Family, sys};

/// The longest frame that is looked at: Ethernet's.
const LONGEST: usize = 1514;

/// ARP or neighbour discovery on one interface.
pub(super) struct Neighbours {
    family: Family,
    index: u32,
    socket: AsyncFd<Socket>,
}

impl Neighbours {
    /// Opens it; of what is heard, only what claims one of `addresses` comes out.
    pub(super) fn open(family: Family, index: u32, addresses: &[IpAddr]) -> io::Result<Self> {
        // Protocol 0 receives nothing until the filter is there.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        socket.attach_filter(&filter::claims(family, addresses))?;
        sys::set_ignore_outgoing(&socket)?;
        let ether_type = match family {
            Family::V4 => arp::ETHER_TYPE,
            Family::V6 => ndp::ETHER_TYPE,
        };
        sys::bind_packet(&socket, index, ether_type)?;
        let socket = sys::readable(socket)?;
        Ok(Self {
            family,
            index,
            socket,
        })
    }

    /// The interface's index.
    pub(super) const fn index(&self) -> u32 {
        self.index
    }

    /// Tells everybody that `address` is at `mac`; `router` where this host forwards.
    pub(super) fn announce(
        &self,
        mac: MacAddress,
        address: IpAddr,
        router: bool,
    ) -> io::Result<()> {
        match address {
            IpAddr::V4(address) => self.send(&arp::announcement(mac, address)),
            IpAddr::V6(address) => self.send(&ndp::announcement(mac, address, router)),
        }
    }

    /// Asks who has `address`.
    pub(super) fn probe(&self, mac: MacAddress, address: IpAddr) -> io::Result<()> {
        match address {
            IpAddr::V4(address) => self.send(&arp::probe(mac, address)),
            IpAddr::V6(address) => self.send(&ndp::probe(mac, address)),
        }
    }

    fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.get_ref().send(frame).map(drop)
    }

    /// The next claim of another, or of this host's; `None` for a frame that is none.
    pub(super) fn poll_claim(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<(IpAddr, MacAddress)>>> {
        let mut frame = [0; LONGEST];
        poll_read(&self.socket, cx, |mut socket: &Socket| {
            let length = socket.read(&mut frame)?;
            let frame = &frame[..length];
            Ok(match self.family {
                Family::V4 => arp::claim(frame).map(|claim| (claim.address.into(), claim.by)),
                Family::V6 => ndp::claim(frame).map(|claim| (claim.address.into(), claim.by)),
            })
        })
    }
}
