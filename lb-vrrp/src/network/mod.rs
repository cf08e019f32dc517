//! What a virtual router needs of the system it runs on.
//!
//! One [`Network`] serves one virtual router on one interface. Everything is done at once and
//! without waiting: a netlink request is answered by the kernel before the call returns, and a
//! raw socket never blocks for 40 bytes. What arrives comes out of [`Network::poll_event`].

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::{VirtualAddress, VirtualRoute};

/// Sends and receives advertisements and sets addresses, for one virtual router.
///
/// [`linux`](crate::linux) has the real one, [`mock`](crate::mock) one in memory.
pub trait Network: Send {
    /// Sends one VRRP message (no IP header) with TTL 255 from this node's source address.
    ///
    /// # Errors
    /// Whatever the socket says; the caller counts it and goes on.
    fn send(&mut self, destination: IpAddr, message: &[u8]) -> io::Result<()>;

    /// Sets the addresses, or sets their lifetimes anew where they are set already. With a
    /// lifetime the kernel removes them by itself unless this is called again in time.
    ///
    /// # Errors
    /// The first failure, after all were tried.
    fn add_addresses(
        &mut self,
        addresses: &[VirtualAddress],
        lifetime: Option<Duration>,
    ) -> io::Result<()>;

    /// Removes the addresses; one that is not there is none the worse.
    ///
    /// # Errors
    /// The first failure, after all were tried.
    fn remove_addresses(&mut self, addresses: &[VirtualAddress]) -> io::Result<()>;

    /// Tells every neighbour that `address` is here: one gratuitous ARP request, or one
    /// unsolicited neighbour advertisement.
    ///
    /// # Errors
    /// Whatever the socket says.
    fn announce(&mut self, address: &VirtualAddress) -> io::Result<()>;

    /// Asks whether anybody has `address`, without claiming it: an ARP probe (RFC 5227), or a
    /// neighbour solicitation from the unspecified address (RFC 4862). An answer arrives as
    /// [`NetworkEvent::Claimed`].
    ///
    /// # Errors
    /// Whatever the socket says.
    fn probe(&mut self, address: &VirtualAddress) -> io::Result<()>;

    /// Sets the routes; one that is there is replaced.
    ///
    /// # Errors
    /// The first failure, after all were tried; [`io::ErrorKind::Unsupported`] where there are
    /// none.
    fn add_routes(&mut self, routes: &[VirtualRoute]) -> io::Result<()> {
        refuse(routes)
    }

    /// Removes the routes; one that is not there is none the worse.
    ///
    /// # Errors
    /// As [`Self::add_routes`].
    fn remove_routes(&mut self, routes: &[VirtualRoute]) -> io::Result<()> {
        refuse(routes)
    }

    /// What happens next. The first event after opening is the state of the interface.
    ///
    /// # Errors
    /// Of what cannot be read; the virtual router is then in fault, and this is called again
    /// after a second.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<NetworkEvent>>;
}

fn refuse(routes: &[VirtualRoute]) -> io::Result<()> {
    if routes.is_empty() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this network has no routes",
    ))
}

/// Something that happened on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkEvent {
    /// A packet of IP protocol 112.
    Received(Datagram),
    /// The interface's state, at first and whenever it changes.
    Interface(InterfaceState),
    /// An interface that is only tracked has changed.
    Tracked {
        /// Its name.
        interface: String,
        /// Whether it is up and has a carrier.
        up: bool,
    },
    /// An address that is set here is gone, and this node did not remove it.
    Lost(IpAddr),
    /// Another host says, in ARP or neighbour discovery, that it has `address`.
    Claimed {
        /// The virtual address.
        address: IpAddr,
        /// Who says so.
        by: MacAddress,
    },
}

/// One received VRRP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Who sent it.
    pub source: IpAddr,
    /// The group, or this node's own address.
    pub destination: IpAddr,
    /// IPv4's TTL or IPv6's hop limit, as it arrived.
    pub ttl: u8,
    /// The VRRP message: what follows the IP header, as far as the IP header says.
    pub message: Vec<u8>,
}

/// What an interface can do now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceState {
    /// Whether it exists, is up and has a carrier.
    pub up: bool,
    /// The address advertisements come from: the configured one, else the interface's primary
    /// address (IPv4) or its link-local one (IPv6). `None` while it has none.
    pub source: Option<IpAddr>,
    /// The largest packet it carries, in octets.
    pub mtu: u32,
}

/// A hardware address of Ethernet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MacAddress(pub [u8; 6]);

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
