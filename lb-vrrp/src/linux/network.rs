//! One virtual router's side of the system.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;

use super::attachment::{Attachment, Heard};
use super::builder::{LinuxNetworkBuilder, OpenError, Settings};
use super::claim::Claim;
use super::firewall::Firewall;
use super::neighbours::Neighbours;
use super::netlink::{Change, Link, Monitor, Netlink};
use super::sysctl;
use crate::network::{InterfaceState, MacAddress, Network, NetworkEvent};
use crate::{Family, VirtualAddress, VirtualRoute, VirtualRouterId};

/// The real [`Network`]: raw sockets, packet sockets and netlink, for one virtual router on one
/// interface.
///
/// It has no thread and no task: everything happens in the calls, and what arrives comes out of
/// [`Network::poll_event`]. The interface may be missing, go and come back. CAP_NET_ADMIN and
/// CAP_NET_RAW suffice.
///
/// [`close`](Self::close) or dropping it removes all it has set: addresses, routes, the macvlan,
/// the nftables table. What a killed predecessor left is removed by
/// [`Network::remove_addresses`]; with a lifetime the kernel does so by itself.
///
/// ```no_run
/// use lb_vrrp::linux::LinuxNetwork;
/// use lb_vrrp::{Family, VirtualRouterId};
///
/// # fn open() -> Result<(), Box<dyn std::error::Error>> {
/// let id = VirtualRouterId::new(51).ok_or("0 is no virtual router")?;
/// let network = LinuxNetwork::builder("eth0", Family::V4, id)
///     .addresses(["192.0.2.100/24".parse()?])
///     .open()?;
/// # Ok(())
/// # }
/// ```
pub struct LinuxNetwork {
    pub(super) settings: Settings,
    pub(super) runtime: Handle,
    pub(super) netlink: Netlink,
    pub(super) monitor: Monitor,
    pub(super) attachment: Option<Attachment>,
    /// For addresses that are set on other interfaces.
    pub(super) elsewhere: Vec<(MacAddress, Neighbours)>,
    firewall: Option<Firewall>,
    pub(super) reported: Option<InterfaceState>,
    pub(super) tracked: Vec<Tracked>,
    pub(super) held: Vec<Held>,
    /// Virtual addresses the system has by itself, for ever: their owner's.
    pub(super) own: HashSet<IpAddr>,
    routes: Vec<(u32, VirtualRoute)>,
    /// The hardware addresses of this host, read when they are wanted.
    pub(super) macs: Option<HashSet<MacAddress>>,
    pub(super) events: VecDeque<NetworkEvent>,
    waker: Option<Waker>,
    /// What the kernel told could not be followed: all is to be read anew.
    pub(super) behind: bool,
    _claim: Claim,
}

pub(super) struct Tracked {
    pub(super) name: String,
    pub(super) index: Option<u32>,
    pub(super) up: Option<bool>,
}

/// An address this node has set.
pub(super) struct Held {
    pub(super) index: u32,
    pub(super) address: VirtualAddress,
}

impl LinuxNetwork {
    /// Begins one on `interface`, for the virtual router `id` of `family`.
    pub fn builder(interface: &str, family: Family, id: VirtualRouterId) -> LinuxNetworkBuilder {
        LinuxNetworkBuilder::new(interface, family, id)
    }

    pub(super) fn open(settings: Settings, runtime: Handle) -> Result<Self, OpenError> {
        let claim = Claim::make(&settings).map_err(OpenError::System)?;
        let claim =
            claim.ok_or_else(|| OpenError::Twice(settings.interface.clone(), settings.id))?;
        Self::open_alone(settings, runtime, claim).map_err(OpenError::System)
    }

    fn open_alone(settings: Settings, runtime: Handle, claim: Claim) -> io::Result<Self> {
        // The monitor first: what changes while the rest is read is not missed.
        let monitor = Monitor::open()?;
        let tracked = |name: &String| Tracked {
            name: name.clone(),
            index: None,
            up: None,
        };
        let mut network = Self {
            runtime,
            netlink: Netlink::open()?,
            monitor,
            attachment: None,
            elsewhere: Vec::new(),
            firewall: None,
            reported: None,
            tracked: settings.tracked.iter().map(tracked).collect(),
            held: Vec::new(),
            own: HashSet::new(),
            routes: Vec::new(),
            macs: None,
            events: VecDeque::new(),
            waker: None,
            behind: false,
            settings,
            _claim: claim,
        };
        // Sockets can be had without it, and a master then advertises what it cannot have.
        network.netlink.may_set_addresses()?;
        if !network.settings.accept {
            let Settings { family, id, .. } = network.settings;
            let mut firewall = Firewall::new(family, &network.settings.interface, id);
            firewall.cover(network.settings.addresses.iter().map(VirtualAddress::ip))?;
            network.firewall = Some(firewall);
        }
        network.refresh()?;
        Ok(network)
    }

    /// Removes all it has set.
    ///
    /// # Errors
    /// The first failure, after all was tried.
    pub fn close(mut self) -> io::Result<()> {
        self.remove_all()
    }

    fn remove_all(&mut self) -> io::Result<()> {
        let mut result = Ok(());
        for (index, route) in std::mem::take(&mut self.routes) {
            result = result.and(self.netlink.remove_route(&route, index));
        }
        for Held { index, address } in std::mem::take(&mut self.held) {
            if !self.keeps(address.ip()) {
                result = result.and(self.netlink.remove_address(index, &address));
            }
        }
        if let Some(mut attachment) = self.attachment.take() {
            result = result.and(attachment.remove(&mut self.netlink));
        }
        if let Some(mut firewall) = self.firewall.take() {
            result = result.and(firewall.remove());
        }
        result
    }

    /// Whether an owner's interface had this address before: it is not this process's to remove,
    /// and may be the only one by which the host is reached.
    fn keeps(&self, ip: IpAddr) -> bool {
        self.settings.owner && self.own.contains(&ip)
    }

    pub(super) fn holds(&self, ip: IpAddr) -> bool {
        self.held.iter().any(|held| held.address.ip() == ip)
    }

    pub(super) fn is_virtual(&self, ip: IpAddr) -> bool {
        self.holds(ip)
            || self
                .settings
                .addresses
                .iter()
                .any(|address| address.ip() == ip)
    }

    /// Where something is set: `interface`, or the one that advertises.
    fn place(&mut self, interface: Option<&str>) -> io::Result<Link> {
        let missing = || io::Error::from_raw_os_error(libc::ENODEV);
        let link = match interface {
            Some(name) => self.netlink.link(name)?,
            None => self.attachment.as_ref().map(|open| open.carrier().clone()),
        };
        link.ok_or_else(missing)
    }

    fn add_address(
        &mut self,
        address: &VirtualAddress,
        lifetime: Option<Duration>,
    ) -> io::Result<()> {
        let Link { index, name, .. } = self.place(address.interface())?;
        if address.family() == Family::V4 && address.prefix_len() < 32 && !self.holds(address.ip())
        {
            promote_secondaries(&name);
        }
        // The owner's own address would be gone with this process, if it had a lifetime.
        if !self.own.contains(&address.ip()) {
            self.netlink.add_address(index, address, lifetime)?;
        }
        let same = |held: &&mut Held| held.index == index && held.address.ip() == address.ip();
        match self.held.iter_mut().find(same) {
            Some(held) => held.address.clone_from(address),
            None => self.held.push(Held {
                index,
                address: address.clone(),
            }),
        }
        Ok(())
    }

    fn remove_address(&mut self, address: &VirtualAddress) -> io::Result<()> {
        let here = match self.place(address.interface()) {
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => None,
            link => Some(link?.index),
        };
        // Where it was set counts, too: the interface may have another name by now.
        let is_it = |held: &Held| held.address.ip() == address.ip();
        let set = self.held.iter().filter(|held| is_it(held));
        let places: HashSet<u32> = set.map(|held| held.index).chain(here).collect();
        // First, that its removal is not taken for another's.
        self.held.retain(|held| !is_it(held));
        if self.keeps(address.ip()) {
            return Ok(());
        }
        self.own.remove(&address.ip());
        let mut result = Ok(());
        for index in places {
            result = result.and(self.netlink.remove_address(index, address));
        }
        result
    }

    /// The sockets for an address that is set on another interface, opened at its first use.
    fn elsewhere(&mut self, name: &str) -> io::Result<(MacAddress, &Neighbours)> {
        let missing = || io::Error::from_raw_os_error(libc::ENODEV);
        let link = self.netlink.link(name)?.ok_or_else(missing)?;
        let at = self
            .elsewhere
            .iter()
            .position(|(_, open)| open.index() == link.index);
        let at = match at {
            Some(at) => at,
            None => {
                let _sockets_belong_here = self.runtime.enter();
                let addresses = self.settings.watched();
                let open = Neighbours::open(self.settings.family, link.index, &addresses)?;
                self.elsewhere.push((link.mac, open));
                // It has to be polled before it wakes anybody.
                if let Some(waker) = self.waker.take() {
                    waker.wake();
                }
                self.elsewhere.len() - 1
            }
        };
        let (mac, open) = &mut self.elsewhere[at];
        *mac = link.mac;
        Ok((*mac, open))
    }

    fn is_router(&self, interface: &str) -> bool {
        self.settings.family == Family::V6
            && sysctl::read(Family::V6, interface, "forwarding").is_ok_and(|value| value != "0")
    }
}

impl Network for LinuxNetwork {
    fn send(&mut self, destination: IpAddr, message: &[u8]) -> io::Result<()> {
        let raw = self.attachment.as_ref().and_then(Attachment::raw);
        let raw = raw.ok_or(io::ErrorKind::NetworkDown)?;
        raw.send(destination, message)
    }

    fn add_addresses(
        &mut self,
        addresses: &[VirtualAddress],
        lifetime: Option<Duration>,
    ) -> io::Result<()> {
        let mut result = Ok(());
        if let Some(firewall) = &mut self.firewall {
            result = firewall.cover(addresses.iter().map(VirtualAddress::ip));
        }
        for address in addresses {
            result = result.and(self.add_address(address, lifetime));
        }
        result
    }

    fn remove_addresses(&mut self, addresses: &[VirtualAddress]) -> io::Result<()> {
        let mut result = Ok(());
        for address in addresses {
            result = result.and(self.remove_address(address));
        }
        result
    }

    fn announce(&mut self, address: &VirtualAddress) -> io::Result<()> {
        let router = |network: &Self, on: &str| network.is_router(on);
        if let Some(name) = address.interface() {
            let router = router(self, name);
            let (mac, neighbours) = self.elsewhere(name)?;
            return neighbours.announce(mac, address.ip(), router);
        }
        let router = router(self, &self.settings.interface);
        let open = self.attachment.as_ref().ok_or(io::ErrorKind::NetworkDown)?;
        open.announce(address.ip(), router)
    }

    fn probe(&mut self, address: &VirtualAddress) -> io::Result<()> {
        if let Some(name) = address.interface() {
            let (mac, neighbours) = self.elsewhere(name)?;
            return neighbours.probe(mac, address.ip());
        }
        let open = self.attachment.as_ref().ok_or(io::ErrorKind::NetworkDown)?;
        open.probe(address.ip())
    }

    fn add_routes(&mut self, routes: &[VirtualRoute]) -> io::Result<()> {
        let mut result = Ok(());
        for route in routes {
            let added = self
                .place(route.interface())
                .and_then(|Link { index, .. }| {
                    self.netlink.add_route(route, index)?;
                    self.routes.retain(|(_, set)| set != route);
                    self.routes.push((index, route.clone()));
                    Ok(())
                });
            result = result.and(added);
        }
        result
    }

    fn remove_routes(&mut self, routes: &[VirtualRoute]) -> io::Result<()> {
        let mut result = Ok(());
        for route in routes {
            self.routes.retain(|(_, set)| set != route);
            let removed = match self.place(route.interface()) {
                Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(()),
                link => link.and_then(|link| self.netlink.remove_route(route, link.index)),
            };
            result = result.and(removed);
        }
        result
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<NetworkEvent>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(Ok(event));
            }
            if std::mem::take(&mut self.behind) {
                self.apply(vec![Change::Anything])?;
                continue;
            }
            if let Poll::Ready(changes) = self.monitor.poll_changes(cx) {
                self.apply(changes?)?;
                continue;
            }
            match self.poll_heard(cx)? {
                Poll::Ready(Heard::Message(datagram)) => {
                    return Poll::Ready(Ok(NetworkEvent::Received(datagram)));
                }
                Poll::Ready(Heard::Claim { address, by }) => {
                    let wanted =
                        self.is_virtual(address) || self.settings.witnesses.contains(&address);
                    if wanted && self.is_foreign(address, by)? {
                        return Poll::Ready(Ok(NetworkEvent::Claimed { address, by }));
                    }
                }
                Poll::Pending => {
                    self.waker = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        }
    }
}

impl Drop for LinuxNetwork {
    fn drop(&mut self) {
        if let Err(error) = self.remove_all() {
            tracing::warn!(%error, interface = self.settings.interface, "could not remove all");
        }
    }
}

/// Removing the first address of a subnet would take the others with it, of which the kernel
/// makes secondary ones; a /32 has no others.
fn promote_secondaries(interface: &str) {
    // Read-only in many a container; systemd sets it everywhere.
    if let Err(error) = sysctl::set(Family::V4, interface, "promote_secondaries", "1") {
        tracing::warn!(%error, interface, "promote_secondaries cannot be set");
    }
}
