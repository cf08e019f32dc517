//! How a network follows what becomes of its interface and its addresses.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll};

use super::attachment::{Attachment, Heard, poll_claim};
use super::netlink::{Address, Change, Link};
use super::network::{LinuxNetwork, Tracked};
use crate::network::{InterfaceState, MacAddress, NetworkEvent};

impl LinuxNetwork {
    /// Reads the interfaces and addresses anew, and follows what they are now.
    pub(super) fn refresh(&mut self) -> io::Result<()> {
        let link = self.netlink.link(&self.settings.interface)?;
        let addresses = self.netlink.addresses(self.settings.family)?;
        let source = link.as_ref().and_then(|link| self.source(link, &addresses));
        self.attach(link.as_ref(), source)?;
        let state = link.map_or_else(InterfaceState::default, |link| InterfaceState {
            up: link.up,
            source,
            mtu: link.mtu,
        });
        if self.reported.as_ref() != Some(&state) {
            self.reported = Some(state.clone());
            self.events.push_back(NetworkEvent::Interface(state));
        }
        for tracked in &mut self.tracked {
            let link = self.netlink.link(&tracked.name)?;
            let up = link.as_ref().is_some_and(|link| link.up);
            tracked.index = link.map(|link| link.index);
            if tracked.up.replace(up) != Some(up) {
                self.events.push_back(NetworkEvent::Tracked {
                    interface: tracked.name.clone(),
                    up,
                });
            }
        }
        Ok(())
    }

    fn source(&mut self, link: &Link, addresses: &[Address]) -> Option<IpAddr> {
        if let Some(source) = self.settings.source {
            let here = addresses
                .iter()
                .any(|address| address.ip == source && address.usable);
            return here.then_some(source);
        }
        let here: Vec<&Address> = addresses.iter().filter(|a| a.index == link.index).collect();
        self.own
            .retain(|ip| here.iter().any(|address| address.ip == *ip));
        for address in &here {
            if address.permanent && self.is_virtual(address.ip) && !self.holds(address.ip) {
                self.own.insert(address.ip);
            }
        }
        let fits = |address: &Address| match address.ip {
            IpAddr::V4(_) => true,
            IpAddr::V6(ip) => ip.is_unicast_link_local() && address.usable,
        };
        let real = |address: &Address| fits(address) && !self.is_virtual(address.ip);
        here.iter()
            .find(|address| real(address) && !address.secondary)
            .or_else(|| here.iter().find(|address| real(address)))
            .or_else(|| here.iter().find(|a| fits(a) && self.own.contains(&a.ip)))
            .map(|address| address.ip)
    }

    /// Opens what is to be open on `link`.
    fn attach(&mut self, link: Option<&Link>, source: Option<IpAddr>) -> io::Result<()> {
        let runtime = self.runtime.clone();
        let _sockets_belong_here = runtime.enter();
        if let Some(attachment) = &mut self.attachment {
            let same = link.is_some_and(|link| link.index == attachment.index());
            let carrier = attachment.carrier();
            let whole = same
                && self
                    .netlink
                    .link(&carrier.name)?
                    .is_some_and(|l| l.index == carrier.index);
            if !whole {
                attachment.remove(&mut self.netlink)?;
                self.attachment = None;
                // What was set on it went with it, whenever the kernel says so.
                self.verify()?;
            }
        }
        let Some(link) = link else { return Ok(()) };
        let result = self.attach_to(link, source);
        match result {
            // Gone since it was listed: the change is on its way.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ENXIO)) => {
                self.attachment = None;
                Ok(())
            }
            result => result,
        }
    }

    fn attach_to(&mut self, link: &Link, source: Option<IpAddr>) -> io::Result<()> {
        let attachment = match &mut self.attachment {
            Some(attachment) => attachment,
            None => {
                let link = link.clone();
                let open = Attachment::open(&mut self.netlink, &self.settings, link)?;
                self.attachment.insert(open)
            }
        };
        attachment.update(&mut self.netlink, &self.settings, link, source)
    }

    /// Follows what the kernel tells.
    pub(super) fn apply(&mut self, changes: Vec<Change>) -> io::Result<()> {
        let (mut refresh, mut verify) = (false, false);
        for change in changes {
            match change {
                Change::Link { index, name } => {
                    self.macs = None;
                    refresh |= self.concerns(index, Some(&name));
                }
                // The echo of a lifetime set anew.
                Change::Added { ip, .. } if self.holds(ip) => {}
                Change::Added { index, ip } => {
                    refresh |= self.concerns(index, None) || self.settings.source == Some(ip);
                }
                Change::Removed { index, ip } => {
                    verify |= self.holds(ip);
                    refresh |= self.concerns(index, None) || self.settings.source == Some(ip);
                }
                Change::Anything => {
                    self.macs = None;
                    (refresh, verify) = (true, true);
                }
            }
        }
        let mut result = Ok(());
        if verify {
            result = self.verify();
        }
        if refresh {
            result = result.and_then(|()| self.refresh());
        }
        self.behind = result.is_err();
        result
    }

    fn concerns(&self, index: u32, name: Option<&str>) -> bool {
        let attached = self
            .attachment
            .as_ref()
            .is_some_and(|open| open.index() == index || open.carrier().index == index);
        let tracked =
            |tracked: &Tracked| tracked.index == Some(index) || Some(tracked.name.as_str()) == name;
        attached || name == Some(&self.settings.interface) || self.tracked.iter().any(tracked)
    }

    /// Finds which addresses are gone. The kernel tells of those this node removed as well, and
    /// later, when they may be set again: only what is there now counts.
    fn verify(&mut self) -> io::Result<()> {
        let set: HashSet<(u32, IpAddr)> = self
            .netlink
            .addresses(self.settings.family)?
            .into_iter()
            .map(|address| (address.index, address.ip))
            .collect();
        let events = &mut self.events;
        self.held.retain(|held| {
            let there = set.contains(&(held.index, held.address.ip()));
            if !there {
                events.push_back(NetworkEvent::Lost(held.address.ip()));
            }
            there
        });
        Ok(())
    }

    /// Whether a claim is another's. This host may answer for an address on any of its
    /// interfaces. The virtual hardware address is every node's: while the address is held here,
    /// a frame with it may be this node's own that came back.
    pub(super) fn is_foreign(&mut self, address: IpAddr, by: MacAddress) -> io::Result<bool> {
        let twin = self
            .settings
            .vmac
            .then(|| self.attachment.as_ref().map(|open| open.carrier().mac));
        if twin.flatten() == Some(by) {
            return Ok(!self.holds(address));
        }
        let macs = match &mut self.macs {
            Some(macs) => macs,
            None => {
                let links = self.netlink.links()?;
                self.macs
                    .insert(links.into_iter().map(|link| link.mac).collect())
            }
        };
        Ok(!macs.contains(&by))
    }

    pub(super) fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Heard>> {
        if let Some(attachment) = &mut self.attachment
            && let Poll::Ready(heard) = attachment.poll_heard(cx)
        {
            return Poll::Ready(heard);
        }
        for (_, neighbours) in &self.elsewhere {
            if let Poll::Ready(claim) = poll_claim(neighbours, cx) {
                return Poll::Ready(claim.map(|(address, by)| Heard::Claim { address, by }));
            }
        }
        Poll::Pending
    }
}
