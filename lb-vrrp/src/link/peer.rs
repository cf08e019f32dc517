//! The connection this node dials to watch one peer.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::net::TcpStream;

use super::connection::{Connection, Ended};
use super::event::{LinkEvent, Loss};
use super::protocol::{Incarnation, Key, Message, Received, Rejection, Session};
use super::socket;
use super::watch::{Due, Watch};

/// What both sides of the link need to know of this node.
pub(super) struct Node {
    pub(super) bind: SocketAddr,
    pub(super) key: Key,
    pub(super) incarnation: Incarnation,
}

pub(super) struct Peer {
    pub(super) watch: Watch,
    line: Line,
    /// Why the last attempt failed, while there is no connection.
    pub(super) failure: Option<io::Error>,
}

enum Line {
    Idle,
    Connecting(TcpStream),
    Open(Box<Connection>),
}

/// What [`Peer::poll`] leaves to the link to decide.
pub(super) enum Noticed {
    /// A handshake is over: [`Peer::accept`] or [`Peer::reject`] it.
    Established(Incarnation),
    /// The peer was not accepted.
    Rejected(Rejection),
}

type Events = VecDeque<LinkEvent>;

impl Peer {
    pub(super) const fn new(peer: SocketAddr, now: Instant) -> Self {
        Self {
            watch: Watch::new(peer, now),
            line: Line::Idle,
            failure: None,
        }
    }

    /// Whether its host has the address `ip`.
    pub(super) fn is_at(&self, ip: IpAddr) -> bool {
        self.watch.peer().ip() == ip
    }

    /// Does all there is to do at `now`.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        node: &Node,
        events: &mut Events,
    ) -> Poll<Noticed> {
        loop {
            // First what has arrived, then what is overdue.
            while let Poll::Ready(noticed) = self.poll_line(cx, now, node, events) {
                if let Some(noticed) = noticed {
                    return Poll::Ready(noticed);
                }
            }
            match self.watch.due(now, events) {
                None => return Poll::Pending,
                Some(Due::Dial) => self.dial(now, node, events),
                Some(Due::HangUp) => self.line = Line::Idle,
                Some(Due::Ping) => {
                    // Full means that it does not read: its silence will be noticed.
                    if let Line::Open(connection) = &mut self.line {
                        let _ = connection.send(&Message::Ping);
                    }
                }
            }
        }
    }

    pub(super) fn accept(&mut self, now: Instant, who: Incarnation, events: &mut Events) {
        self.watch.established(now, who, events);
    }

    pub(super) fn reject(&mut self, now: Instant) {
        self.line = Line::Idle;
        self.watch.failed(now);
    }

    fn dial(&mut self, now: Instant, node: &Node, events: &mut Events) {
        match socket::dial(node.bind, self.watch.peer()).and_then(TcpStream::from_std) {
            Ok(stream) => self.line = Line::Connecting(stream),
            Err(error) => self.attempt_failed(now, error, events),
        }
    }

    fn attempt_failed(&mut self, now: Instant, error: io::Error, events: &mut Events) {
        if socket::refuses(&error) {
            self.watch.refused(now, events);
        } else {
            self.watch.failed(now);
        }
        self.failure = Some(error);
    }

    fn poll_line(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        node: &Node,
        events: &mut Events,
    ) -> Poll<Option<Noticed>> {
        match std::mem::replace(&mut self.line, Line::Idle) {
            Line::Idle => Poll::Pending,
            Line::Connecting(stream) => {
                let Poll::Ready(outcome) = poll_connected(&stream, cx) else {
                    self.line = Line::Connecting(stream);
                    return Poll::Pending;
                };
                match outcome {
                    Ok(()) => {
                        self.failure = None;
                        let nonce = rand::random();
                        let session = Session::watcher(&node.key, node.incarnation, nonce);
                        self.line = Line::Open(Box::new(Connection::new(stream, session)));
                    }
                    Err(error) => self.attempt_failed(now, error, events),
                }
                Poll::Ready(None)
            }
            Line::Open(mut connection) => {
                let received = connection.poll_received(cx);
                self.line = Line::Open(connection);
                let noticed = match ready!(received) {
                    Ok(Received::Established(who)) => Some(Noticed::Established(who)),
                    Ok(Received::Message(message)) => {
                        self.message(now, message, events);
                        None
                    }
                    Err(ended) => self.ended(now, ended, events),
                };
                Poll::Ready(noticed)
            }
        }
    }

    fn message(&mut self, now: Instant, message: Message, events: &mut Events) {
        self.watch.heard(now);
        match message {
            Message::View(routers) => self.watch.view(routers, events),
            Message::TakeOver { id, family } => {
                let peer = self.watch.peer();
                events.push_back(LinkEvent::TakeOver { peer, id, family });
            }
            Message::Goodbye => {
                self.line = Line::Idle;
                self.watch.goodbye(now, events);
            }
            Message::Ping | Message::Pong => {}
        }
    }

    fn ended(&mut self, now: Instant, ended: Ended, events: &mut Events) -> Option<Noticed> {
        self.line = Line::Idle;
        let up = self.watch.connected();
        match ended {
            Ended::Rejected(why) => {
                if up {
                    self.watch.closed(now);
                } else {
                    self.watch.failed(now);
                }
                return Some(Noticed::Rejected(why));
            }
            // A reset handshake is no refusal: the listener may be about to close.
            Ended::Socket(error) if !up => {
                self.failure = Some(error);
                self.watch.failed(now);
            }
            Ended::Socket(error) if socket::closed(&error) => self.watch.closed(now),
            Ended::Socket(error) => self.watch.broke(now, Loss::Failed(error.kind()), events),
        }
        None
    }
}

/// Ready when `stream` is connected, or will not be.
fn poll_connected(stream: &TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    ready!(stream.poll_write_ready(cx))?;
    if let Some(error) = stream.take_error()? {
        return Poll::Ready(Err(error));
    }
    let peer = stream.peer_addr()?;
    // On one host a port without a listener may connect to itself (simultaneous open).
    if stream.local_addr()? == peer {
        return Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into()));
    }
    Poll::Ready(Ok(()))
}
