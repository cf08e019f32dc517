//! What is open on an interface while it exists.

use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll};

use super::builder::Settings;
use super::neighbours::Neighbours;
use super::netlink::{Link, Netlink};
use super::raw::RawSockets;
use super::readable::is_passing;
use super::vmac::Vmac;
use crate::network::{Datagram, MacAddress};

/// Sockets on one interface, and its macvlan.
pub(super) struct Attachment {
    link: Link,
    vmac: Option<Vmac>,
    /// None while the interface has no address to send from.
    raw: Option<RawSockets>,
    /// On the interface itself.
    neighbours: Neighbours,
    /// On the macvlan: a frame from another node's, which has the same hardware address, comes to
    /// it alone.
    twins: Option<Neighbours>,
    /// Claims are read before messages this time: a flood of the one does not hide the other.
    claims_first: bool,
}

/// What one of the sockets has received.
pub(super) enum Heard {
    Message(Datagram),
    Claim { address: IpAddr, by: MacAddress },
}

impl Attachment {
    pub(super) fn open(netlink: &mut Netlink, settings: &Settings, link: Link) -> io::Result<Self> {
        let addresses = settings.watched();
        let open = |index| Neighbours::open(settings.family, index, &addresses);
        let neighbours = open(link.index)?;
        let mut vmac = None;
        if settings.vmac {
            vmac = Some(Vmac::create(netlink, &link, settings.family, settings.id)?);
        }
        let twins = vmac
            .as_ref()
            .map(|vmac| open(vmac.link().index))
            .transpose();
        let twins = match (twins, &mut vmac) {
            (Err(error), Some(vmac)) => {
                vmac.remove(netlink)?;
                return Err(error);
            }
            (twins, _) => twins?,
        };
        Ok(Self {
            link,
            vmac,
            raw: None,
            neighbours,
            twins,
            claims_first: false,
        })
    }

    /// The interface's index.
    pub(super) const fn index(&self) -> u32 {
        self.link.index
    }

    /// Where addresses are set, and frames about them leave.
    pub(super) fn carrier(&self) -> &Link {
        self.vmac.as_ref().map_or(&self.link, Vmac::link)
    }

    pub(super) const fn raw(&self) -> Option<&RawSockets> {
        self.raw.as_ref()
    }

    /// Takes over what the interface is now, and opens the raw sockets for `source`.
    pub(super) fn update(
        &mut self,
        netlink: &mut Netlink,
        settings: &Settings,
        link: &Link,
        source: Option<IpAddr>,
    ) -> io::Result<()> {
        if let Some(vmac) = self.vmac.as_ref().filter(|_| link.up && !self.link.up) {
            vmac.set_up(netlink)?;
        }
        self.link.clone_from(link);
        if self.raw.as_ref().map(RawSockets::source) == source {
            return Ok(());
        }
        self.raw = None;
        let Some(source) = source else { return Ok(()) };
        let unicast = settings.peers.is_some().then_some(settings.ttl);
        let foreign = self.vmac.is_some() || settings.source.is_some();
        let carrier = self.carrier();
        match RawSockets::open(settings.family, carrier, source, unicast, foreign) {
            Ok(raw) => self.raw = Some(raw),
            // Gone since it was listed: the change is on its way.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// See [`Neighbours::announce`].
    pub(super) fn announce(&self, address: IpAddr, router: bool) -> io::Result<()> {
        let neighbours = self.twins.as_ref().unwrap_or(&self.neighbours);
        neighbours.announce(self.carrier().mac, address, router)
    }

    /// See [`Neighbours::probe`]. With the interface's own hardware address always: a switch that
    /// saw the virtual one here would take it from the master.
    pub(super) fn probe(&self, address: IpAddr) -> io::Result<()> {
        self.neighbours.probe(self.link.mac, address)
    }

    /// What is received next: messages and claims by turns.
    pub(super) fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Heard>> {
        self.claims_first = !self.claims_first;
        let first = if self.claims_first {
            self.poll_claims(cx)
        } else {
            self.poll_messages(cx)
        };
        if first.is_ready() {
            return first;
        }
        if self.claims_first {
            self.poll_messages(cx)
        } else {
            self.poll_claims(cx)
        }
    }

    fn poll_messages(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Heard>> {
        while let Some(raw) = &mut self.raw {
            match raw.poll_receive(cx) {
                Poll::Ready(Ok(Some(datagram))) => {
                    return Poll::Ready(Ok(Heard::Message(datagram)));
                }
                Poll::Ready(Err(error)) if !is_passing(&error) => return Poll::Ready(Err(error)),
                Poll::Ready(_) => {}
                Poll::Pending => break,
            }
        }
        Poll::Pending
    }

    fn poll_claims(&self, cx: &mut Context<'_>) -> Poll<io::Result<Heard>> {
        if let Poll::Ready(claim) = poll_claim(&self.neighbours, cx) {
            let heard = claim.map(|(address, by)| Heard::Claim { address, by });
            return Poll::Ready(heard);
        }
        let twin = self.carrier().mac;
        while let Some(neighbours) = &self.twins {
            match poll_claim(neighbours, cx) {
                Poll::Ready(Ok((address, by))) if by == twin => {
                    return Poll::Ready(Ok(Heard::Claim { address, by }));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(_)) => {} // heard on the interface itself, too
                Poll::Pending => break,
            }
        }
        Poll::Pending
    }

    /// Removes what is no socket.
    pub(super) fn remove(&mut self, netlink: &mut Netlink) -> io::Result<()> {
        self.raw = None;
        self.twins = None;
        self.vmac
            .take()
            .map_or(Ok(()), |mut vmac| vmac.remove(netlink))
    }
}

/// The next claim that is one.
pub(super) fn poll_claim(
    neighbours: &Neighbours,
    cx: &mut Context<'_>,
) -> Poll<io::Result<(IpAddr, MacAddress)>> {
    loop {
        match neighbours.poll_claim(cx) {
            Poll::Ready(Ok(Some(claim))) => return Poll::Ready(Ok(claim)),
            Poll::Ready(Err(error)) if !is_passing(&error) => return Poll::Ready(Err(error)),
            Poll::Ready(_) => {}
            Poll::Pending => return Poll::Pending,
        }
    }
}
