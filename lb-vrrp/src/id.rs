//! The small numbers of the protocol, each valid by construction.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU8;

/// The protocol's version: 2 (RFC 3768) or 3 (RFC 5798, RFC 9568).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// RFC 3768: IPv4, whole seconds, simple-text authentication.
    V2,
    /// RFC 5798 and RFC 9568: IPv4 and IPv6, centiseconds.
    V3,
}

impl Version {
    /// 2 or 3, as on the wire and in configuration.
    pub const fn number(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// The family of a virtual router's addresses. One virtual router has one family; the same
/// [`VirtualRouterId`] may be used once in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6, version 3 of the protocol only.
    V6,
}

impl Family {
    /// The family of `address`.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The multicast group advertisements go to: 224.0.0.18 or ff02::12 (RFC 9568 §5.1).
    pub const fn group(self) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18)),
            Self::V6 => IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12)),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// A virtual router's number on its network, 1 to 255 (Keepalived's `virtual_router_id`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VirtualRouterId(NonZeroU8);

impl VirtualRouterId {
    /// `None` for 0.
    pub const fn new(id: u8) -> Option<Self> {
        match NonZeroU8::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// 1 to 255, as on the wire.
    pub const fn number(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for VirtualRouterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A priority as it travels: 0 says "I stop", 255 "the addresses are my own", 1 to 254 any other
/// node (RFC 9568 §5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Priority(pub u8);

impl Priority {
    /// 0: the sender stops being master.
    pub const STOP: Self = Self(0);
    /// 255: the sender owns the addresses.
    pub const OWNER: Self = Self(255);
    /// 100: what a node has that is given none.
    pub const DEFAULT: Self = Self(100);

    /// Whether this is the address owner's.
    pub const fn is_owner(self) -> bool {
        self.0 == Self::OWNER.0
    }

    /// Whether the sender says that it stops.
    pub const fn is_stop(self) -> bool {
        self.0 == Self::STOP.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
