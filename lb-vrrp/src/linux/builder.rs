//! What a virtual router on Linux is made of, checked before anything is opened.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;

use thiserror::Error;

use super::LinuxNetwork;
use crate::{Family, VirtualAddress, VirtualRouterId};

/// The longest name the kernel takes, in octets.
const LONGEST_NAME: usize = 15;

/// Builds a [`LinuxNetwork`]; from [`LinuxNetwork::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct LinuxNetworkBuilder {
    settings: Settings,
}

/// What was said, once it is known to be sound.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) interface: String,
    pub(super) family: Family,
    pub(super) id: VirtualRouterId,
    pub(super) peers: Option<Vec<IpAddr>>,
    pub(super) ttl: u8,
    pub(super) source: Option<IpAddr>,
    pub(super) addresses: Vec<VirtualAddress>,
    pub(super) witnesses: Vec<IpAddr>,
    pub(super) tracked: BTreeSet<String>,
    pub(super) vmac: bool,
    pub(super) accept: bool,
    pub(super) owner: bool,
}

impl Settings {
    /// Every address of which it matters who has it.
    pub(super) fn watched(&self) -> Vec<IpAddr> {
        let addresses = self.addresses.iter().map(VirtualAddress::ip);
        addresses.chain(self.witnesses.iter().copied()).collect()
    }
}

impl LinuxNetworkBuilder {
    pub(super) fn new(interface: &str, family: Family, id: VirtualRouterId) -> Self {
        Self {
            settings: Settings {
                interface: interface.to_owned(),
                family,
                id,
                peers: None,
                ttl: 255,
                source: None,
                addresses: Vec::new(),
                witnesses: Vec::new(),
                tracked: BTreeSet::new(),
                vmac: false,
                accept: true,
                owner: false,
            },
        }
    }

    /// The virtual addresses: those whose claims by others are told of, and to which nothing gets
    /// through without [`Self::accept`]. They are not set by this.
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = VirtualAddress>) -> Self {
        self.settings.addresses.extend(addresses);
        self
    }

    /// Other addresses of which it is told, as of a claim, who has them: a witness's targets that
    /// are asked by [`Network::probe`](crate::network::Network::probe).
    pub fn witnesses(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.settings.witnesses.extend(addresses);
        self
    }

    /// Speaks to these nodes alone and listens on this node's own address (`unicast_peer`),
    /// instead of the multicast group.
    pub fn unicast_peers(mut self, peers: impl IntoIterator<Item = IpAddr>) -> Self {
        self.settings.peers.get_or_insert_default().extend(peers);
        self
    }

    /// The TTL or hop limit of unicast packets, 255 by default (`unicast_ttl`).
    pub const fn ttl(mut self, ttl: u8) -> Self {
        self.settings.ttl = ttl;
        self
    }

    /// The address packets come from (`mcast_src_ip`, `unicast_src_ip`); it has to be set on this
    /// host. By default the interface's primary address, or its link-local one in IPv6.
    pub const fn source(mut self, source: IpAddr) -> Self {
        self.settings.source = Some(source);
        self
    }

    /// Watches one more interface (`track_interface`).
    pub fn track(mut self, interface: impl Into<String>) -> Self {
        self.settings.tracked.insert(interface.into());
        self
    }

    /// Puts the virtual addresses on a macvlan that has the virtual router's own hardware address
    /// (`use_vmac`). False by default.
    pub const fn vmac(mut self, vmac: bool) -> Self {
        self.settings.vmac = vmac;
        self
    }

    /// Whether what is sent to the virtual addresses is taken in (`accept`), true by default.
    /// If not, an nftables table drops it: the program `nft` has to be there.
    pub const fn accept(mut self, accept: bool) -> Self {
        self.settings.accept = accept;
        self
    }

    /// Whether this node owns the addresses (priority 255). Those that the interface has by itself
    /// are then never removed. False by default.
    pub const fn owner(mut self, owner: bool) -> Self {
        self.settings.owner = owner;
        self
    }

    /// Opens it. The interface need not exist yet.
    ///
    /// # Errors
    /// What is not sound, and what the system refuses: CAP_NET_ADMIN and CAP_NET_RAW are needed.
    ///
    /// # Panics
    /// In a runtime without I/O, as tokio's own sockets do.
    pub fn open(self) -> Result<LinuxNetwork, OpenError> {
        let settings = self.settings;
        let mut names = vec![&settings.interface];
        names.extend(&settings.tracked);
        if let Some(name) = names.into_iter().find(|name| !is_name(name)) {
            return Err(OpenError::Interface(name.clone()));
        }
        for address in &settings.addresses {
            if let Some(name) = address.interface().filter(|name| !is_name(name)) {
                return Err(OpenError::Interface(name.to_owned()));
            }
        }
        let addresses = settings.addresses.iter().map(VirtualAddress::ip);
        let peers = settings.peers.iter().flatten().copied();
        let witnesses = settings.witnesses.iter().copied();
        let mut all = addresses
            .chain(peers)
            .chain(witnesses)
            .chain(settings.source);
        if let Some(other) = all.find(|ip| Family::of(*ip) != settings.family) {
            return Err(OpenError::Family(other, settings.family));
        }
        drop(all);
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| OpenError::Runtime)?;
        LinuxNetwork::open(settings, runtime)
    }
}

/// As the kernel has it; a name becomes part of a path below `/proc/sys`.
fn is_name(name: &str) -> bool {
    let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | ':' | '\0');
    (1..=LONGEST_NAME).contains(&name.len()) && name != "." && name != ".." && !name.contains(bad)
}

/// Why a [`LinuxNetwork`] cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A name no interface can have.
    #[error("{0:?} cannot be an interface's name: 1 to 15 octets, without blank, / and :")]
    Interface(String),
    /// An address is of the other family.
    #[error("{0} is no address of a virtual router of {1}")]
    Family(IpAddr, Family),
    /// It was opened outside of a tokio runtime.
    #[error("a network is opened within a tokio runtime")]
    Runtime,
    /// Another process on this host runs it.
    #[error("another process on this host runs virtual router {1} on {0}")]
    Twice(String, VirtualRouterId),
    /// The system refuses.
    #[error("the system refuses")]
    System(#[source] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder(interface: &str) -> LinuxNetworkBuilder {
        let id = VirtualRouterId::new(88).unwrap();
        LinuxNetworkBuilder::new(interface, Family::V4, id)
    }

    #[test]
    fn what_is_not_sound_is_refused_before_anything_is_opened() {
        for name in ["", "..", "a/b", "a b", "a:1", "sixteen-octets-x"] {
            let error = builder(name).open().err().unwrap();
            assert!(matches!(error, OpenError::Interface(_)), "{name}: {error}");
            let error = builder("eth0").track(name).open().err().unwrap();
            assert!(matches!(error, OpenError::Interface(_)), "{name}: {error}");
        }
        let error = builder("eth0")
            .source("fe80::1".parse().unwrap())
            .open()
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "fe80::1 is no address of a virtual router of IPv4"
        );
        let error = builder("eth0").open().err().unwrap();
        assert!(matches!(error, OpenError::Runtime), "{error}");
    }
}
