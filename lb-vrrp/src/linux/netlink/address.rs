//! Addresses, with their lifetimes.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope, CacheInfo,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::Netlink;
use crate::{Family, Scope, VirtualAddress};

/// For ever, in the kernel's seconds.
const FOREVER: u32 = u32::MAX;

/// An address that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) index: u32,
    pub(crate) ip: IpAddr,
    /// The kernel will not remove it by itself.
    pub(crate) permanent: bool,
    /// Another address of its subnet came first (IPv4).
    pub(crate) secondary: bool,
    /// Duplicate address detection is done with it, well (IPv6).
    pub(crate) usable: bool,
}

impl Address {
    pub(super) fn of(message: &AddressMessage) -> Option<Self> {
        let mut flags = AddressFlags::from_bits_retain(message.header.flags.bits().into());
        let (mut local, mut peer) = (None, None);
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Local(ip) => local = Some(*ip),
                AddressAttribute::Address(ip) => peer = Some(*ip),
                AddressAttribute::Flags(all) => flags = *all,
                _ => {}
            }
        }
        Some(Self {
            index: message.header.index,
            ip: local.or(peer)?,
            permanent: flags.contains(AddressFlags::Permanent),
            secondary: flags.contains(AddressFlags::Secondary),
            usable: !flags.intersects(AddressFlags::Tentative | AddressFlags::Dadfailed),
        })
    }
}

impl Netlink {
    /// Every address of `family`, in the kernel's order.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(crate) fn addresses(&mut self, family: Family) -> io::Result<Vec<Address>> {
        let mut message = AddressMessage::default();
        message.header.family = address_family(family);
        let answer = self.dump(&RouteNetlinkMessage::GetAddress(message))?;
        let address = |message| match message {
            RouteNetlinkMessage::NewAddress(message) => Address::of(&message),
            _ => None,
        };
        Ok(answer.into_iter().filter_map(address).collect())
    }

    /// Sets `address` on an interface, or its lifetime anew.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(crate) fn add_address(
        &mut self,
        index: u32,
        address: &VirtualAddress,
        lifetime: Option<Duration>,
    ) -> io::Result<()> {
        let mut message = plain(index, address);
        message
            .attributes
            .push(AddressAttribute::CacheInfo(cache_info(address, lifetime)));
        if address.family() == Family::V6 {
            // A master answers for it at once: detection would keep it silent for a second.
            message.header.flags = AddressHeaderFlags::Nodad;
            message
                .attributes
                .push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
        let message = RouteNetlinkMessage::NewAddress(message);
        self.request(message, NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Removes `address` from an interface; one that is not there is none the worse.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(crate) fn remove_address(
        &mut self,
        index: u32,
        address: &VirtualAddress,
    ) -> io::Result<()> {
        let message = RouteNetlinkMessage::DelAddress(plain(index, address));
        match self.request(message, 0) {
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(libc::EADDRNOTAVAIL | libc::ENODEV | libc::ENXIO)
                ) =>
            {
                Ok(())
            }
            result => result,
        }
    }

    /// Finds out whether this process may set addresses at all: removes one from no interface.
    ///
    /// # Errors
    /// [`io::ErrorKind::PermissionDenied`] without CAP_NET_ADMIN.
    pub(crate) fn may_set_addresses(&mut self) -> io::Result<()> {
        self.remove_address(
            0,
            &VirtualAddress::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into()),
        )
    }
}

pub(super) fn address_family(family: Family) -> AddressFamily {
    match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    }
}

fn plain(index: u32, address: &VirtualAddress) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = address_family(address.family());
    message.header.prefix_len = address.prefix_len();
    message.header.index = index;
    message.header.scope = match address.scope_of() {
        Scope::Global => AddressScope::Universe,
        Scope::Link => AddressScope::Link,
        Scope::Host => AddressScope::Host,
    };
    message.attributes = vec![
        AddressAttribute::Local(address.ip()),
        AddressAttribute::Address(address.ip()),
    ];
    if let Some(label) = address.label_text() {
        message
            .attributes
            .push(AddressAttribute::Label(label.to_owned()));
    }
    message
}

fn cache_info(address: &VirtualAddress, lifetime: Option<Duration>) -> CacheInfo {
    let mut info = CacheInfo::default();
    info.ifa_valid = lifetime.map_or(FOREVER, seconds);
    // A host's IPv6 address would else be chosen as the source of what this node itself begins;
    // Keepalived deprecates it, too.
    let deprecated = address.family() == Family::V6 && address.prefix_len() == 128;
    info.ifa_preferred = if deprecated { 0 } else { info.ifa_valid };
    info
}

/// The kernel counts whole seconds, and 0 is none at all.
fn seconds(lifetime: Duration) -> u32 {
    let part = u64::from(lifetime.subsec_nanos() > 0);
    let whole = lifetime.as_secs().saturating_add(part);
    u32::try_from(whole).unwrap_or(FOREVER).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_rounded_up_to_whole_seconds() {
        for (milliseconds, expected) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (2000, 2)] {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), expected);
        }
        assert_eq!(seconds(Duration::MAX), FOREVER);
    }

    #[test]
    fn a_host_s_ipv6_address_is_never_preferred_as_a_source() {
        let preferred = |text: &str| {
            let address = text.parse().unwrap();
            cache_info(&address, Some(Duration::from_secs(2))).ifa_preferred
        };
        assert_eq!(preferred("fd77::100"), 0);
        assert_eq!(preferred("fd77::100/64"), 2);
        assert_eq!(preferred("192.0.2.1"), 2);
    }
}
