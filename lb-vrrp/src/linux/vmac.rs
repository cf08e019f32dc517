//! The virtual router's own hardware address (RFC 9568 §7.3), on a macvlan: Keepalived's
//! `use_vmac`.
//!
//! Neighbours and switches then need not learn a new address when the master changes. The
//! settings are Keepalived's: only the macvlan answers ARP for what is set on it.

use std::io;

use super::netlink::{Link, Netlink};
use super::sysctl::{self, Changed};
use crate::network::MacAddress;
use crate::{Family, VirtualRouterId};

/// A macvlan of our own.
pub(super) struct Vmac {
    link: Link,
    base: u32,
    changed: Vec<Changed>,
}

impl Vmac {
    /// Makes it on `base` and sets it up. One that a killed predecessor left is replaced.
    pub(super) fn create(
        netlink: &mut Netlink,
        base: &Link,
        family: Family,
        id: VirtualRouterId,
    ) -> io::Result<Self> {
        let name = name(netlink, base, family, id)?;
        let mac = mac(family, id);
        netlink.add_macvlan(&name, base.index, mac)?;
        let gone = || io::Error::from_raw_os_error(libc::ENODEV);
        let link = netlink.link(&name)?.ok_or_else(gone)?;
        let mut vmac = Self {
            link,
            base: base.index,
            changed: Vec::new(),
        };
        let made = vmac
            .settings(base, family)
            .and_then(|()| vmac.set_up(netlink));
        if let Err(error) = made {
            vmac.remove(netlink)?;
            return Err(error);
        }
        Ok(vmac)
    }

    pub(super) const fn link(&self) -> &Link {
        &self.link
    }

    /// Sets it up; while its base is down that may have to wait.
    pub(super) fn set_up(&self, netlink: &mut Netlink) -> io::Result<()> {
        match netlink.set_up(self.link.index) {
            Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => Ok(()),
            result => result,
        }
    }

    /// Removes it. The base's settings are put back unless another virtual router needs them.
    pub(super) fn remove(&mut self, netlink: &mut Netlink) -> io::Result<()> {
        netlink.remove_link(self.link.index)?;
        let shared = |link: &Link| link.base == Some(self.base) && link.name.starts_with("vrrp");
        if netlink.links()?.iter().any(shared) {
            self.changed.clear();
        }
        for changed in self.changed.drain(..) {
            match changed.restore() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {} // with its interface
                result => result?,
            }
        }
        Ok(())
    }

    fn settings(&mut self, base: &Link, family: Family) -> io::Result<()> {
        let own = self.link.name.as_str();
        match family {
            Family::V4 => {
                for (name, value) in [("arp_ignore", "1"), ("accept_local", "1")] {
                    sysctl::set(Family::V4, own, name, value)?;
                }
                sysctl::spread_reverse_path_filter()?;
                sysctl::set(Family::V4, own, "rp_filter", "0")?;
                // `arp_announce` beside Keepalived's two: replies of a virtual address leave by
                // the base, and its question for the next hop would else tell everybody that the
                // address is at the base's own hardware address.
                for (name, value) in [
                    ("arp_ignore", "1"),
                    ("arp_filter", "1"),
                    ("arp_announce", "2"),
                ] {
                    let changed = sysctl::set(Family::V4, &base.name, name, value)?;
                    self.changed.extend(changed);
                }
                absent_is_fine(sysctl::set(Family::V6, own, "disable_ipv6", "1"))
            }
            Family::V6 => {
                // No address but those that are set: none may be made from the virtual MAC,
                // which other nodes have, too.
                for (name, value) in [("addr_gen_mode", "1"), ("accept_ra", "0")] {
                    sysctl::set(Family::V6, own, name, value)?;
                }
                Ok(())
            }
        }
    }
}

/// A kernel without IPv6 has no setting of it.
fn absent_is_fine(result: io::Result<Option<Changed>>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map(drop),
    }
}

/// 00:00:5e:00:01:ID, or 02 in IPv6 (RFC 9568 §7.3).
fn mac(family: Family, id: VirtualRouterId) -> MacAddress {
    let kind = match family {
        Family::V4 => 1,
        Family::V6 => 2,
    };
    MacAddress([0, 0, 0x5e, 0, kind, id.number()])
}

/// A name that is free, once what was left on this base is away.
fn name(
    netlink: &mut Netlink,
    base: &Link,
    family: Family,
    id: VirtualRouterId,
) -> io::Result<String> {
    let first = match family {
        Family::V4 => format!("vrrp.{id}"),
        Family::V6 => format!("vrrp6.{id}"),
    };
    match netlink.link(&first)? {
        None => Ok(first),
        Some(left) if left.base == Some(base.index) && left.mac == mac(family, id) => {
            netlink.remove_link(left.index)?;
            Ok(first)
        }
        // Of the same number on another interface.
        Some(_) => {
            let second = format!("{first}.{}", base.index);
            if let Some(left) = netlink.link(&second)? {
                netlink.remove_link(left.index)?;
            }
            Ok(second)
        }
    }
}
