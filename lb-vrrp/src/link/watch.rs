//! What is known of one peer, and when to dial: pure, with the time as an argument.
//!
//! A closed connection is a question, not an answer. It is asked by dialling again at once: a
//! refusal proves that the process is gone, a handshake with the same incarnation that it is
//! alive, one with another that it was replaced. A dying process's sockets are closed one after
//! the other, so its listener may outlive the connection for a moment and reset what it has just
//! accepted: for [`PROBE`] such answers are asked again. Everything else proves nothing.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::event::{LinkEvent, Loss, PeerState, Proof};
use super::protocol::Incarnation;
use super::view::RouterView;

/// How long a closed connection is asked after; the kernel closes a process's sockets within
/// microseconds, so this is for a busy machine.
const PROBE: Duration = Duration::from_millis(50);
/// Between two questions: the finest a timer of the runtime does.
const PROBE_SPACING: Duration = Duration::from_millis(1);
/// Between two attempts otherwise: doubled from the first to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// For one attempt, with its handshake.
const ATTEMPT: Duration = Duration::from_secs(5);
/// Between two pings.
const PING: Duration = Duration::from_secs(1);
/// Without a word from the peer, three pings: then the link is lost.
pub(super) const SILENCE: Duration = Duration::from_secs(3);

/// The state of one peer.
pub(super) struct Watch {
    peer: SocketAddr,
    phase: Phase,
    known: Option<Known>,
    /// Until when a closed connection is asked after.
    probe: Option<Instant>,
    backoff: Duration,
}

enum Phase {
    Waiting { until: Instant },
    Dialling { until: Instant },
    Up { heard: Instant, ping: Instant },
}

/// The process last talked with, unless it is proved gone.
struct Known {
    incarnation: Incarnation,
    routers: Vec<RouterView>,
    lost: bool,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Connect to the peer.
    Dial,
    /// Close the connection, or give up the attempt.
    HangUp,
    /// Send a ping.
    Ping,
}

type Events = VecDeque<LinkEvent>;

impl Watch {
    pub(super) const fn new(peer: SocketAddr, now: Instant) -> Self {
        Self {
            peer,
            phase: Phase::Waiting { until: now },
            known: None,
            probe: None,
            backoff: BACKOFF.0,
        }
    }

    pub(super) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(super) const fn state(&self) -> PeerState {
        match &self.known {
            None => PeerState::Absent,
            Some(known) if known.lost => PeerState::Lost,
            Some(_) => PeerState::Up,
        }
    }

    /// The process and its view, while the link is up.
    pub(super) fn live(&self) -> Option<(Incarnation, &[RouterView])> {
        let known = self.known.as_ref().filter(|known| !known.lost)?;
        Some((known.incarnation, &known.routers))
    }

    /// Whether the connection is established.
    pub(super) const fn connected(&self) -> bool {
        matches!(self.phase, Phase::Up { .. })
    }

    /// What has fallen due. To be called until `None`, after the sockets were read: what has
    /// arrived counts even if this process slept for longer than the deadline.
    pub(super) fn due(&mut self, now: Instant, events: &mut Events) -> Option<Due> {
        if self.probe.is_some_and(|end| now >= end) {
            self.lose(Loss::Closed, events);
        }
        match &mut self.phase {
            Phase::Waiting { until } if now >= *until => {
                let until = now + ATTEMPT;
                self.phase = Phase::Dialling { until };
                Some(Due::Dial)
            }
            Phase::Dialling { until } if now >= *until => {
                self.wait(now);
                Some(Due::HangUp)
            }
            // This process did not run and sent no ping: the silence is its own.
            Phase::Up { heard, ping } if now >= *ping + PING => {
                *heard = now;
                *ping = now + PING;
                Some(Due::Ping)
            }
            Phase::Up { heard, .. } if now >= *heard + SILENCE => {
                self.lose(Loss::Silent, events);
                self.phase = Phase::Waiting { until: now };
                Some(Due::HangUp)
            }
            Phase::Up { ping, .. } if now >= *ping => {
                *ping = now + PING;
                Some(Due::Ping)
            }
            _ => None,
        }
    }

    /// When [`due`](Self::due) is to be asked again.
    pub(super) fn deadline(&self) -> Instant {
        let next = match self.phase {
            Phase::Waiting { until } | Phase::Dialling { until } => until,
            Phase::Up { heard, ping } => ping.min(heard + SILENCE),
        };
        self.probe.map_or(next, |end| end.min(next))
    }

    /// The handshake is over.
    pub(super) fn established(&mut self, now: Instant, who: Incarnation, events: &mut Events) {
        self.phase = Phase::Up {
            heard: now,
            ping: now + PING,
        };
        self.probe = None;
        self.backoff = BACKOFF.0;
        let peer = self.peer;
        let up = match &mut self.known {
            // The connection was closed, and nothing else happened: not worth a word.
            Some(known) if known.incarnation == who => std::mem::take(&mut known.lost),
            _ => {
                self.gone(Proof::Replaced, events);
                self.known = Some(Known {
                    incarnation: who,
                    routers: Vec::new(),
                    lost: false,
                });
                true
            }
        };
        if up {
            events.push_back(LinkEvent::Up { peer });
        }
    }

    /// Something came in on an established connection.
    pub(super) fn heard(&mut self, now: Instant) {
        if let Phase::Up { heard, .. } = &mut self.phase {
            *heard = now;
        }
    }

    /// The peer's view came in.
    pub(super) fn view(&mut self, routers: Vec<RouterView>, events: &mut Events) {
        if let Some(known) = &mut self.known
            && known.routers != routers
        {
            known.routers.clone_from(&routers);
            let peer = self.peer;
            events.push_back(LinkEvent::View { peer, routers });
        }
    }

    /// The peer says that it ends.
    pub(super) fn goodbye(&mut self, now: Instant, events: &mut Events) {
        self.gone(Proof::Goodbye, events);
        self.wait(now);
    }

    /// An attempt was refused by the peer's host.
    pub(super) fn refused(&mut self, now: Instant, events: &mut Events) {
        self.gone(Proof::Refused, events);
        self.wait(now);
    }

    /// An attempt ended in another way.
    pub(super) fn failed(&mut self, now: Instant) {
        if self.probe.is_some() {
            let until = now + PROBE_SPACING;
            self.phase = Phase::Waiting { until };
        } else {
            self.wait(now);
        }
    }

    /// An established connection was closed or reset by the other end.
    pub(super) fn closed(&mut self, now: Instant) {
        self.probe = Some(now + PROBE);
        self.phase = Phase::Waiting { until: now };
    }

    /// An established connection ended by an error of the system.
    pub(super) fn broke(&mut self, now: Instant, why: Loss, events: &mut Events) {
        self.lose(why, events);
        self.phase = Phase::Waiting { until: now };
    }

    /// There is a sign that the peer may be there: no need to wait.
    pub(super) fn hurry(&mut self, now: Instant) {
        if let Phase::Waiting { until } = &mut self.phase {
            *until = now;
        }
    }

    fn wait(&mut self, now: Instant) {
        let until = now + self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF.1);
        self.phase = Phase::Waiting { until };
    }

    fn gone(&mut self, how: Proof, events: &mut Events) {
        self.probe = None;
        if let Some(known) = self.known.take() {
            events.push_back(LinkEvent::Gone {
                peer: self.peer,
                how,
                routers: known.routers,
            });
        }
    }

    fn lose(&mut self, why: Loss, events: &mut Events) {
        self.probe = None;
        if let Some(known) = &mut self.known
            && !std::mem::replace(&mut known.lost, true)
        {
            let peer = self.peer;
            events.push_back(LinkEvent::Lost { peer, why });
        }
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
