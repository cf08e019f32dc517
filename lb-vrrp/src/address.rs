//! An address that moves, and how it is set.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use thiserror::Error;

use crate::Family;

/// A virtual address as it is set on an interface: Keepalived's line in `virtual_ipaddress`.
///
/// ```
/// use lb_vrrp::VirtualAddress;
///
/// let address: VirtualAddress = "192.0.2.100/24".parse()?;
/// assert_eq!(address.prefix_len(), 24);
/// // Without a prefix it is a host's: /32 or /128.
/// assert_eq!("192.0.2.100".parse::<VirtualAddress>()?.prefix_len(), 32);
/// # Ok::<(), lb_vrrp::ParseVirtualAddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualAddress {
    net: IpNet,
    interface: Option<String>,
    label: Option<String>,
    scope: Scope,
}

/// How far an address is valid: `scope` of `ip address`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everywhere: `global`, the default.
    #[default]
    Global,
    /// On the link only: `link`.
    Link,
    /// On this host only: `host`.
    Host,
}

impl VirtualAddress {
    /// `address` with the length of its network's prefix, in bits.
    pub const fn new(net: IpNet) -> Self {
        Self {
            net,
            interface: None,
            label: None,
            scope: Scope::Global,
        }
    }

    /// Sets it on another interface than the one that advertises.
    #[must_use]
    pub fn on(mut self, interface: impl Into<String>) -> Self {
        self.interface = Some(interface.into());
        self
    }

    /// The label `ip address` shows, IPv4 only; at most 15 octets.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// How far it is valid.
    #[must_use]
    pub const fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The address itself.
    pub const fn ip(&self) -> IpAddr {
        match self.net {
            IpNet::V4(net) => IpAddr::V4(net.addr()),
            IpNet::V6(net) => IpAddr::V6(net.addr()),
        }
    }

    /// The length of the network's prefix, in bits.
    pub fn prefix_len(&self) -> u8 {
        self.net.prefix_len()
    }

    /// IPv4 or IPv6.
    pub const fn family(&self) -> Family {
        Family::of(self.ip())
    }

    /// The interface it is set on, where that is not the one that advertises.
    pub fn interface(&self) -> Option<&str> {
        self.interface.as_deref()
    }

    /// Its label, where it has one.
    pub fn label_text(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// How far it is valid.
    pub const fn scope_of(&self) -> Scope {
        self.scope
    }
}

impl fmt::Display for VirtualAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.net.fmt(f)
    }
}

impl From<IpNet> for VirtualAddress {
    fn from(net: IpNet) -> Self {
        Self::new(net)
    }
}

impl FromStr for VirtualAddress {
    type Err = ParseVirtualAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let net = match text.parse::<IpNet>() {
            Ok(net) => net,
            Err(_) => IpNet::from(
                text.parse::<IpAddr>()
                    .map_err(|_| ParseVirtualAddressError(text.to_owned()))?,
            ),
        };
        Ok(Self::new(net))
    }
}

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no address: write it as 192.0.2.100, 192.0.2.100/24 or 2001:db8::100/64")]
pub struct ParseVirtualAddressError(String);
