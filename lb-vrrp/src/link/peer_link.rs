//! The link itself: every peer, the door, and one timer.

use std::collections::{HashSet, VecDeque};
use std::future::{Future, poll_fn};
use std::io;
use std::mem::{self, Discriminant};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::net::TcpListener;
use tokio::time::{Instant, Sleep};

use super::builder::{Builder, Settings};
use super::door::{Door, Visit};
use super::event::{LinkEvent, PeerState};
use super::peer::{Node, Noticed, Peer};
use super::protocol::{Incarnation, Message, Rejection, SendError, TooLong};
use super::socket;
use super::view::RouterView;
use crate::{Family, VirtualRouterId};

/// What is remembered as told of strangers; with more, only the count goes on.
const TOLD: usize = 64;

/// This node's end of the links to all of its peers; see the [module](super).
///
/// Everything happens while it is polled: it spawns nothing. Nothing here blocks.
pub struct PeerLink {
    node: Node,
    peers: Vec<Peer>,
    door: Door,
    /// This node's view, as it is sent.
    view: Message,
    events: VecDeque<LinkEvent>,
    told: HashSet<(IpAddr, Discriminant<Rejection>)>,
    rejections: u64,
    timer: Pin<Box<Sleep>>,
}

impl PeerLink {
    /// See [`Builder`].
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn open(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::from_std(socket::listen(settings.bind)?)?;
        let now = Instant::now();
        Ok(Self {
            peers: settings
                .peers
                .into_iter()
                .map(|peer| Peer::new(peer, now.into_std()))
                .collect(),
            node: Node {
                bind: settings.bind,
                key: settings.key,
                incarnation: Incarnation(rand::random()),
            },
            door: Door::new(listener),
            view: Message::View(Vec::new()),
            events: VecDeque::new(),
            told: HashSet::new(),
            rejections: 0,
            timer: Box::pin(tokio::time::sleep_until(now)),
        })
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// Of the socket.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.door.local_addr()
    }

    /// What happens next. May be dropped at any time; no event is lost.
    pub async fn next(&mut self) -> LinkEvent {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// What happens next. It never ends.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        loop {
            self.poll_sockets(cx);
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(event);
            }
            let peers = self.peers.iter().map(|peer| peer.watch.deadline());
            if let Some(deadline) = peers.chain(self.door.deadline()).min() {
                self.timer.as_mut().reset(Instant::from_std(deadline));
                if self.timer.as_mut().poll(cx).is_ready() {
                    continue;
                }
            }
            return Poll::Pending;
        }
    }

    fn poll_sockets(&mut self, cx: &mut Context<'_>) {
        let now = Instant::now().into_std();
        for at in 0..self.peers.len() {
            while let Poll::Ready(noticed) =
                self.peers[at].poll(cx, now, &self.node, &mut self.events)
            {
                let address = self.peers[at].watch.peer();
                match noticed {
                    Noticed::Rejected(why) => self.reject(address, why),
                    Noticed::Established(who) => match self.already(at, who) {
                        Some(other) => {
                            self.peers[at].reject(now);
                            self.reject(address, Rejection::Twice(other));
                        }
                        None => {
                            self.forgive(address.ip());
                            self.peers[at].accept(now, who, &mut self.events);
                        }
                    },
                }
            }
        }
        loop {
            let (peers, view) = (&self.peers, &self.view);
            let known = |ip| peers.iter().any(|peer| peer.is_at(ip));
            match self.door.poll(cx, now, &self.node, view, known) {
                Poll::Pending => break,
                Poll::Ready(Visit::Rejected(from, why)) => self.reject(from, why),
                Poll::Ready(Visit::Watched(who, from)) => {
                    self.forgive(from.ip());
                    self.hurry(now, who);
                }
            }
        }
    }

    /// The other peer whose process `who` is. One process behind two addresses would count
    /// twice, and it is what a man in the middle gets who leads one peer's address to another.
    fn already(&self, at: usize, who: Incarnation) -> Option<SocketAddr> {
        self.peers
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .find(|(_, peer)| peer.watch.live().is_some_and(|(live, _)| live == who))
            .map(|(_, peer)| peer.watch.peer())
    }

    /// A process that watches this one can be watched: no need to wait for the next attempt.
    fn hurry(&mut self, now: std::time::Instant, who: Incarnation) {
        if self.watched(who).is_none() {
            for peer in &mut self.peers {
                peer.watch.hurry(now);
            }
        }
    }

    fn watched(&self, who: Incarnation) -> Option<&Peer> {
        let is = |peer: &&Peer| peer.watch.live().is_some_and(|(live, _)| live == who);
        self.peers.iter().find(is)
    }

    fn reject(&mut self, from: SocketAddr, why: Rejection) {
        self.rejections += 1;
        let host = from.ip();
        let is_peer = self.peers.iter().any(|peer| peer.is_at(host));
        let room = is_peer || self.told.len() < TOLD;
        if room && self.told.insert((host, mem::discriminant(&why))) {
            self.events.push_back(LinkEvent::Rejected { from, why });
        }
    }

    fn forgive(&mut self, host: IpAddr) {
        self.told.retain(|(told, _)| *told != host);
    }

    /// Sets this node's view and sends it to every peer, if it has changed.
    ///
    /// # Errors
    /// The view does not fit into one message (some 1500 virtual routers); the old one stays.
    pub fn set_view(&mut self, routers: Vec<RouterView>) -> Result<(), TooLong> {
        let view = Message::View(routers);
        if view != self.view {
            view.encode(&mut Vec::new())?;
            self.door.tell_all(&view);
            self.view = view;
        }
        Ok(())
    }

    /// Asks `peer` to take over a virtual router now (planned handover).
    ///
    /// # Errors
    /// No link to `peer`, or none from it; or it does not read.
    pub fn take_over(
        &mut self,
        peer: SocketAddr,
        id: VirtualRouterId,
        family: Family,
    ) -> Result<(), SendError> {
        let (who, _) = self
            .peers
            .iter()
            .find(|known| known.watch.peer() == peer)
            .and_then(|known| known.watch.live())
            .ok_or(SendError::NotUp)?;
        self.door.tell(who, &Message::TakeOver { id, family })
    }

    /// Tells every peer that this process ends, and closes. Call it when the addresses are
    /// given up: the successor acts on it at once.
    pub fn close(mut self) {
        self.door.tell_all(&Message::Goodbye);
    }

    /// The peers whose link is up, and what each said last; for
    /// [`next_in_line`](super::next_in_line).
    pub fn views(&self) -> impl Iterator<Item = (SocketAddr, &[RouterView])> {
        self.peers.iter().filter_map(|peer| {
            let (_, routers) = peer.watch.live()?;
            Some((peer.watch.peer(), routers))
        })
    }

    /// Every peer and how its link stands.
    pub fn peers(&self) -> impl Iterator<Item = (SocketAddr, PeerState)> {
        self.peers
            .iter()
            .map(|peer| (peer.watch.peer(), peer.watch.state()))
    }

    /// Why the last attempt to connect to `peer` failed, while its link is not up: what a peer
    /// that was never there lacks an event for.
    pub fn failure(&self, peer: SocketAddr) -> Option<&io::Error> {
        let is = |known: &&Peer| known.watch.peer() == peer;
        self.peers.iter().find(is)?.failure.as_ref()
    }

    /// How many connections were not accepted so far, either way.
    pub const fn rejections(&self) -> u64 {
        self.rejections
    }
}
