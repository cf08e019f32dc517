//! Who is who: the nodes, their addresses, and the addresses that move between them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The virtual address of IPv4 profiles.
pub const VIRTUAL_V4: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 100);
/// The virtual address of IPv6 profiles.
pub const VIRTUAL_V6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0x100);
/// The link-local virtual address that VRRP wants before it (RFC 9568 section 5.2.9).
pub const VIRTUAL_LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x88);

/// The identifier of the virtual router.
pub const VIRTUAL_ROUTER_ID: u8 = 88;

/// A router of the rig. `A` is the one that fails, as a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// 10.77.0.1
    A,
    /// 10.77.0.2
    B,
    /// 10.77.0.3
    C,
}

impl Node {
    /// How it names itself in every answer.
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::C => "c",
        }
    }

    /// The node of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::A, Self::B, Self::C]
            .into_iter()
            .find(|node| node.name() == name)
    }

    /// Its own IPv4 address.
    pub fn v4(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, self.number())
    }

    /// Its own global IPv6 address.
    pub fn v6(self) -> Ipv6Addr {
        Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, self.number().into())
    }

    fn number(self) -> u8 {
        match self {
            Self::A => 1,
            Self::B => 2,
            Self::C => 3,
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The addresses of whoever tells the world of the other side.
pub(super) fn client() -> (Ipv4Addr, Ipv6Addr) {
    let v6 = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0xfe);
    (Ipv4Addr::new(10, 77, 0, 254), v6)
}

/// The unspecified address of the same family.
pub(super) fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}
