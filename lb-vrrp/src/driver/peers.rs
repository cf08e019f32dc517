//! The peer link, in terms of virtual routers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::{Driver, Report, Said, Seat, now};
use crate::link::{LinkEvent, PeerLink, Proof, RouterState, RouterView, next_in_line};
use crate::machine::{Event, Machine, Router, RouterIndex, State};
use crate::{Family, VirtualRouterId};

/// This node's end of the link.
pub(super) struct Peers {
    link: PeerLink,
}

impl Peers {
    pub(super) const fn new(link: PeerLink) -> Self {
        Self { link }
    }

    /// Tells every peer what the virtual routers do now, if that has changed.
    pub(super) fn publish(&mut self, router: &Router, seats: &[Seat]) {
        let view = |(index, seat): (_, &Seat)| {
            let machine = router.machine(index);
            RouterView {
                id: machine.settings().id(),
                family: machine.settings().family(),
                interface: seat.publisher.interface().to_string(),
                source: machine.source(),
                priority: machine.priority(),
                state: match machine.state() {
                    State::Initialize => RouterState::Initialize,
                    State::Backup => RouterState::Backup,
                    State::Master => RouterState::Master,
                    State::Fault => RouterState::Fault,
                },
            }
        };
        let views = router.indices().zip(seats).map(view).collect();
        // A set of virtual routers too large for one message is beyond what 255 ids allow.
        let _ = self.link.set_view(views);
    }

    /// Asks the best backup to take over from `machine` now.
    pub(super) fn ask_successor(&mut self, machine: &Machine) {
        let settings = machine.settings();
        let (id, family) = (settings.id(), settings.family());
        let best = self
            .link
            .views()
            .flat_map(|(peer, routers)| routers.iter().map(move |router| (peer, router)))
            .filter(|(_, router)| {
                (router.id, router.family, router.state) == (id, family, RouterState::Backup)
            })
            .max_by_key(|(_, router)| (router.priority, router.source));
        if let Some((peer, _)) = best {
            // Whoever cannot be asked hears priority 0.
            let _ = self.link.take_over(peer, id, family);
        }
    }

    /// Says goodbye, once the addresses are given away.
    pub(super) fn close(self) {
        self.link.close();
    }

    /// What a dead or resigning peer's routers mean for this node's: each of them whose master
    /// it was, with whether this node is next.
    fn concerned<'a>(
        &'a self,
        router: &'a Router,
        views: &'a [RouterView],
    ) -> impl Iterator<Item = (RouterIndex, IpAddr, bool)> + 'a {
        router.indices().filter_map(move |index| {
            let machine = router.machine(index);
            let settings = machine.settings();
            let (id, family) = (settings.id(), settings.family());
            let master = machine.master()?.source;
            let theirs = |view: &&RouterView| {
                (view.id, view.family, view.source) == (id, family, Some(master))
            };
            views.iter().find(theirs)?;
            let own = (machine.priority(), machine.source()?);
            let live = self.link.views().map(|(_, routers)| routers);
            Some((index, master, next_in_line(id, family, own, live)))
        })
    }
}

/// What a peer with these routers asks to be taken over, and who it is there. Where no
/// advertisement was heard yet, its word is enough, if only one router here can be meant. Where a
/// number is in use on two interfaces, it is about the one whose master said that it stops.
fn asked(
    router: &Router,
    views: &[RouterView],
    id: VirtualRouterId,
    family: Family,
) -> Vec<(RouterIndex, IpAddr)> {
    let meant = |index: &RouterIndex| {
        let settings = router.machine(*index).settings();
        (settings.id(), settings.family()) == (id, family)
    };
    let alone = router.indices().filter(meant).count() == 1;
    let theirs = views
        .iter()
        .filter(|view| (view.id, view.family) == (id, family));
    let sources: Vec<_> = theirs.filter_map(|view| view.source).collect();
    let of = |index| {
        let from = match router.machine(index).master() {
            Some(master) => sources.iter().find(|source| **source == master.source),
            None => sources.first().filter(|_| alone),
        };
        Some((index, *from?))
    };
    let mut asked: Vec<_> = router.indices().filter(meant).filter_map(of).collect();
    if asked.len() > 1 {
        asked.retain(|(index, _)| router.machine(*index).is_offered());
    }
    asked
}

impl Driver {
    pub(super) fn poll_peers(&mut self, cx: &mut Context<'_>) -> bool {
        let mut busy = false;
        while let Some(peers) = &mut self.peers {
            let Poll::Ready(event) = peers.link.poll_event(cx) else {
                break;
            };
            busy = true;
            self.peer_event(now(), &event);
            // At once, and not after the next of many events.
            self.act(now());
        }
        busy
    }

    fn peer_event(&mut self, now: Instant, event: &LinkEvent) {
        let Some(peers) = &self.peers else { return };
        match event {
            LinkEvent::Gone { routers, .. } => {
                let concerned: Vec<_> = peers.concerned(&self.router, routers).collect();
                for (index, source, next_in_line) in concerned {
                    let gone = Event::PeerGone {
                        source,
                        next_in_line,
                    };
                    self.router.handle_event(now, index, gone);
                }
            }
            LinkEvent::TakeOver { peer, id, family } => {
                let views = peers.link.views().find(|(other, _)| other == peer);
                let routers = views.map(|(_, routers)| routers).unwrap_or_default();
                for (index, from) in asked(&self.router, routers, *id, *family) {
                    self.router
                        .handle_event(now, index, Event::TakeOver { from });
                }
            }
            _ => {}
        }
        if let Some((peer, said)) = words(event) {
            let about: Arc<str> = format!("peer {peer}").into();
            self.report(&Report { about, said });
        }
    }
}

/// What an event is in the log, if anything.
fn words(event: &LinkEvent) -> Option<(SocketAddr, Said)> {
    Some(match event {
        LinkEvent::Up { peer } => (*peer, Said::Notice("linked".to_owned())),
        LinkEvent::Gone { peer, how, .. } => {
            let proof = match how {
                Proof::Goodbye => "it said goodbye",
                Proof::Replaced => "another answers in its place",
                _ => "its host refuses connections",
            };
            (
                *peer,
                Said::Trouble(format!("its process is gone: {proof}")),
            )
        }
        LinkEvent::Lost { peer, why } => {
            let text = format!("the link is lost, which proves nothing: {why}");
            (*peer, Said::Trouble(text))
        }
        LinkEvent::Rejected { from, why } => (*from, Said::Trouble(why.to_string())),
        LinkEvent::View { .. } | LinkEvent::TakeOver { .. } => return None,
    })
}
