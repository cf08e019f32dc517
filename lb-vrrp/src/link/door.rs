//! The connections others dial to watch this node.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};

use super::connection::{Connection, Ended};
use super::peer::Node;
use super::protocol::{Incarnation, Message, Received, Rejection, SendError, Session};
use super::socket;

/// Connections that have not finished the handshake.
const HALF_OPEN: usize = 16;
/// How long each may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Connections that have; only who has the key gets here.
const WATCHERS: usize = 64;
/// A watcher pings each second; one that has not for so long is gone.
const IDLE: Duration = Duration::from_secs(10);
/// After an error of `accept`, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);
/// How many are accepted before the runtime has a turn.
const AT_ONCE: usize = 32;

pub(super) struct Door {
    listener: TcpListener,
    paused: Option<Instant>,
    half_open: Vec<HalfOpen>,
    watchers: Vec<Watcher>,
}

struct HalfOpen {
    connection: Connection,
    from: SocketAddr,
    until: Instant,
}

struct Watcher {
    connection: Connection,
    incarnation: Incarnation,
    until: Instant,
}

/// What [`Door::poll`] noticed.
pub(super) enum Visit {
    /// Another process watches this one now.
    Watched(Incarnation, SocketAddr),
    /// Somebody was not accepted.
    Rejected(SocketAddr, Rejection),
}

impl Door {
    pub(super) const fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            paused: None,
            half_open: Vec::new(),
            watchers: Vec::new(),
        }
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Does all there is to do at `now`. `known` says whether a host is one of the peers'.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        node: &Node,
        greeting: &Message,
        known: impl Fn(IpAddr) -> bool,
    ) -> Poll<Visit> {
        self.poll_watchers(cx, now);
        if let Poll::Ready(visit) = self.poll_half_open(cx, now, greeting) {
            return Poll::Ready(visit);
        }
        if self.paused.is_some_and(|until| now < until) {
            return Poll::Pending;
        }
        self.paused = None;
        for _ in 0..AT_ONCE {
            match self.listener.poll_accept(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) if socket::closed(&error) => {}
                Poll::Ready(Err(_)) => {
                    self.paused = Some(now + PAUSE);
                    return Poll::Pending;
                }
                Poll::Ready(Ok((stream, from))) => {
                    if let Some(visit) = self.admit(stream, from, now, node, &known) {
                        return Poll::Ready(visit);
                    }
                    if let Poll::Ready(visit) = self.poll_half_open(cx, now, greeting) {
                        return Poll::Ready(visit);
                    }
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Lets a connection in; where there are too many, the oldest gives way, and strangers first:
    /// a flood then has to outrun a handshake to keep a peer out.
    fn admit(
        &mut self,
        stream: TcpStream,
        from: SocketAddr,
        now: Instant,
        node: &Node,
        known: impl Fn(IpAddr) -> bool,
    ) -> Option<Visit> {
        let crowded = (self.half_open.len() >= HALF_OPEN).then(|| {
            let oldest_stranger = self
                .half_open
                .iter()
                .position(|half_open| !known(half_open.from.ip()));
            let out = self.half_open.remove(oldest_stranger.unwrap_or(0));
            Visit::Rejected(out.from, Rejection::Crowded)
        });
        if socket::accepted(&stream).is_ok() {
            let session = Session::node(&node.key, node.incarnation, rand::random());
            self.half_open.push(HalfOpen {
                connection: Connection::new(stream, session),
                from,
                until: now + HANDSHAKE,
            });
        }
        crowded
    }

    fn poll_half_open(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        greeting: &Message,
    ) -> Poll<Visit> {
        let mut at = 0;
        while let Some(half_open) = self.half_open.get_mut(at) {
            let outcome = half_open.connection.poll_received(cx);
            if outcome.is_pending() && now < half_open.until {
                at += 1;
                continue;
            }
            let HalfOpen {
                connection, from, ..
            } = self.half_open.remove(at);
            match outcome {
                Poll::Ready(Ok(Received::Established(incarnation))) => {
                    self.welcome(connection, incarnation, now, greeting);
                    return Poll::Ready(Visit::Watched(incarnation, from));
                }
                Poll::Ready(Err(Ended::Rejected(why))) => {
                    return Poll::Ready(Visit::Rejected(from, why));
                }
                Poll::Pending => return Poll::Ready(Visit::Rejected(from, Rejection::Slow)),
                // It went away, as a monitor's check of the port does.
                Poll::Ready(Err(Ended::Socket(_)) | Ok(Received::Message(_))) => {}
            }
        }
        Poll::Pending
    }

    /// A process watches by one connection: the newest.
    fn welcome(
        &mut self,
        mut connection: Connection,
        incarnation: Incarnation,
        now: Instant,
        greeting: &Message,
    ) {
        self.watchers
            .retain(|watcher| watcher.incarnation != incarnation);
        if self.watchers.len() >= WATCHERS {
            self.watchers.remove(0);
        }
        if connection.send(greeting).is_ok() {
            self.watchers.push(Watcher {
                connection,
                incarnation,
                until: now + IDLE,
            });
        }
    }

    fn poll_watchers(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.watchers.retain_mut(|watcher| {
            loop {
                match watcher.connection.poll_received(cx) {
                    Poll::Ready(Ok(Received::Message(Message::Ping))) => {
                        watcher.until = now + IDLE;
                        if watcher.connection.send(&Message::Pong).is_err() {
                            return false;
                        }
                    }
                    Poll::Ready(Ok(_)) => watcher.until = now + IDLE,
                    Poll::Ready(Err(_)) => return false,
                    Poll::Pending => return now < watcher.until,
                }
            }
        });
    }

    /// When something here falls due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let half_open = self.half_open.iter().map(|half_open| half_open.until);
        let watchers = self.watchers.iter().map(|watcher| watcher.until);
        half_open.chain(watchers).chain(self.paused).min()
    }

    /// Says `message` to all who watch; one that does not read is disconnected.
    pub(super) fn tell_all(&mut self, message: &Message) {
        self.watchers
            .retain_mut(|watcher| watcher.connection.send(message).is_ok());
    }

    /// Says `message` to the process `to`.
    pub(super) fn tell(&mut self, to: Incarnation, message: &Message) -> Result<(), SendError> {
        let at = self
            .watchers
            .iter()
            .position(|watcher| watcher.incarnation == to)
            .ok_or(SendError::NotUp)?;
        let outcome = self.watchers[at].connection.send(message);
        if outcome == Err(SendError::Full) {
            self.watchers.remove(at);
        }
        outcome
    }
}
