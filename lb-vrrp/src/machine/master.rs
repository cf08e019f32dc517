//! A master: has the addresses, advertises, and steps down or aside.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Action, Alarm, Machine, Peer, Reason, State, master_down, timers};
use crate::network::MacAddress;
use crate::{Interval, Priority};

/// The timers of a master.
#[derive(Debug, Default)]
pub(super) struct Reign {
    /// `Adver_Timer`.
    advertise: Option<Instant>,
    advertised: Option<Instant>,
    /// It said that it stops, and waits this long for its successor.
    aside: Option<Instant>,
}

/// Out of turn it advertises at most this often, or four times an interval: a forger of lower
/// priorities cannot make it send more.
const OUT_OF_TURN: Duration = Duration::from_millis(50);

impl Reign {
    pub(super) fn next(&self) -> Option<Instant> {
        self.advertise.into_iter().chain(self.aside).min()
    }

    /// The next advertisement comes now, or as soon after the last as is allowed.
    pub(super) fn hasten(&mut self, now: Instant, interval: Interval) {
        let spacing = OUT_OF_TURN.min(interval.duration() / 4);
        let earliest = self.advertised.map_or(now, |last| now.max(last + spacing));
        self.advertise = self.advertise.map(|due| due.min(earliest));
    }
}

impl Machine {
    /// Whether it said that it stops and waits for its successor.
    pub(super) const fn is_stepping_aside(&self) -> bool {
        self.reign.aside.is_some()
    }

    pub(super) fn become_master(&mut self, now: Instant, reason: Reason) {
        self.waiting.clear();
        self.yielded = false;
        self.statistics.master_transitions += 1;
        self.reign = Reign::default();
        self.send_in_turn(now);
        self.actions.push_back(Action::AddAddresses);
        self.announcements.start(now);
        self.announce_if_due(now);
        self.change(State::Master, reason);
        self.master = None;
    }

    /// Gives the addresses up.
    pub(super) fn abdicate(&mut self) {
        self.reign = Reign::default();
        self.announcements.stop();
        self.actions.push_back(Action::RemoveAddresses);
    }

    /// Says that it stops, and keeps the addresses until its successor is heard: nobody's
    /// request falls between the two.
    pub(super) fn step_aside(&mut self, now: Instant) {
        if self.is_stepping_aside() {
            return;
        }
        self.announcements.stop();
        self.advertise(Priority::STOP);
        self.actions.push_back(Action::AskSuccessor);
        let wait = timers::succession(self.settings.version, self.settings.interval);
        self.reign = Reign {
            aside: Some(now + wait),
            ..Reign::default()
        };
    }

    pub(super) fn master_hears(&mut self, now: Instant, peer: Peer) {
        if self.is_stepping_aside() {
            if !peer.priority.is_stop() {
                self.succeeded(now, peer);
            }
            return;
        }
        if peer.priority.is_stop() {
            self.reign.hasten(now, self.settings.interval);
            // Until now it had the addresses, too, and some believe so still.
            self.announcements.start(now);
            return;
        }
        self.statistics.other_master += 1;
        if let Some(stood) = self.overslept(now) {
            self.step_down(
                now,
                peer,
                Reason::Overslept {
                    stood,
                    master: peer.source,
                },
            );
        } else if self.outranks(peer) {
            self.alarm(
                now,
                Alarm::OtherMaster {
                    source: peer.source,
                    priority: peer.priority,
                },
            );
            self.reign.hasten(now, self.settings.interval);
            self.announcements.start(now);
        } else {
            let reason = Reason::Outranked {
                master: peer.source,
                theirs: peer.priority,
                own: self.priority(),
            };
            self.step_down(now, peer, reason);
        }
    }

    /// How long it stood still, if so long that every backup counts it as gone.
    fn overslept(&self, now: Instant) -> Option<Duration> {
        let settings = &self.settings;
        let gone = master_down(
            settings.version,
            Priority(1),
            settings.interval,
            settings.missed,
        );
        let silent = now.saturating_duration_since(self.reign.advertised?);
        (silent > gone).then_some(silent)
    }

    /// Gives way to a better master. The last advertisement, after the addresses are gone, makes
    /// the winner announce them again: no client stays with the loser (Keepalived's
    /// `higher_prio_send_advert`).
    pub(super) fn step_down(&mut self, now: Instant, peer: Peer, reason: Reason) {
        self.abdicate();
        // One that overslept may rank higher: its last word must not depose who took over.
        let below = Priority(peer.priority.0.saturating_sub(1));
        let farewell = if self.outranks(peer) {
            below
        } else {
            self.priority()
        };
        self.advertise(farewell);
        self.follow(now, peer, reason);
    }

    /// The successor is heard: goes.
    fn succeeded(&mut self, now: Instant, peer: Peer) {
        self.abdicate();
        if self.running {
            self.yielded = true;
            self.follow(now, peer, Reason::HandedOver(peer.source));
        } else {
            self.change(State::Initialize, Reason::Stopped);
        }
    }

    pub(super) fn master_hears_claim(&mut self, now: Instant, address: IpAddr, by: MacAddress) {
        if !self.is_stepping_aside() {
            self.statistics.claims += 1;
            self.alarm(now, Alarm::Claimed { address, by });
            self.announcements.claimed(now);
            self.announce_if_due(now);
        }
    }

    pub(super) fn master_timeout(&mut self, now: Instant) {
        if self.reign.aside.is_some_and(|until| until <= now) {
            self.nobody_succeeds(now);
            return;
        }
        if self.reign.advertise.is_some_and(|due| due <= now) {
            if self.overslept(now).is_some() {
                // Nobody took over, but the kernel may have dropped the addresses meanwhile.
                self.actions.push_back(Action::AddAddresses);
                self.announcements.start(now);
            }
            self.send_in_turn(now);
        }
        self.announce_if_due(now);
    }

    fn nobody_succeeds(&mut self, now: Instant) {
        if self.running {
            self.reign = Reign::default();
            self.alarm(now, Alarm::NoSuccessor);
            self.send_in_turn(now);
            self.announcements.start(now);
        } else {
            self.abdicate();
            self.change(State::Initialize, Reason::Stopped);
        }
    }

    /// Advertises, and sets the timer for the next: in step with the last, unless that is past.
    fn send_in_turn(&mut self, now: Instant) {
        let interval = self.settings.interval.duration();
        let in_step = self.reign.advertise.map(|due| due + interval);
        let next = in_step.filter(|next| *next > now);
        self.reign.advertise = Some(next.unwrap_or(now + interval));
        self.reign.advertised = Some(now);
        self.advertise(self.priority());
    }

    fn announce_if_due(&mut self, now: Instant) {
        let settings = &self.settings;
        if self
            .announcements
            .take(now, &settings.schedule, settings.refresh)
        {
            self.actions.push_back(Action::Announce);
        }
    }
}
