//! A backup: waits for its master's silence.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Action, Alarm, Machine, Peer, Probe, Reason, Settings, State, master_down, skew};
use crate::network::MacAddress;
use crate::{Interval, Priority};

/// The timers of a backup, and what it will say when they run out.
#[derive(Debug)]
pub(super) struct Waiting {
    /// `Active_Down_Timer`.
    down: Option<Instant>,
    /// When the next probe is to go out; always before `down`.
    probe: Option<Instant>,
    /// A probe went out: what is heard of the address now is an answer.
    probed: bool,
    /// Who answered since the last advertisement.
    answer: Option<MacAddress>,
    /// Not all that came since the last advertisement was read.
    overrun: bool,
    /// When the master was last heard, or the waiting began.
    heard: Option<Instant>,
    /// `Active_Adver_Interval`: the master's, learned from what it sends.
    interval: Interval,
    /// Why `down` is sooner than the master's silence alone would make it.
    cause: Option<Reason>,
    /// From when a master of lower priority may be preempted.
    preempt_from: Option<Instant>,
    /// Its first wait is short; whoever answers a probe makes it a whole one.
    hopeful: bool,
    /// The time has run out, and the sync group has not decided yet.
    wants: bool,
    /// The time has run out, and a witness is waited for.
    stalled: bool,
}

/// Probes go out this long before the time runs out, within the skew time: they cost nothing.
const PROBE_BEFORE: Duration = Duration::from_millis(10);

/// An advertisement is on its way no longer than this, or half an interval.
const LATE: Duration = Duration::from_millis(200);

impl Waiting {
    pub(super) const fn new(interval: Interval) -> Self {
        Self {
            down: None,
            probe: None,
            probed: false,
            answer: None,
            overrun: false,
            heard: None,
            interval,
            cause: None,
            preempt_from: None,
            hopeful: false,
            wants: false,
            stalled: false,
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.interval);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.probe.into_iter().chain(self.down).min()
    }

    /// Somebody has the address: remembered until an advertisement comes.
    pub(super) fn answered(&mut self, by: MacAddress) {
        if self.probed {
            self.answer = Some(by);
        }
    }

    /// Silence says less now than who answers for the address.
    pub(super) const fn overrun(&mut self) {
        self.overrun = true;
    }

    /// The skew time follows the priority while the timer runs.
    pub(super) fn shift(&mut self, settings: &Settings, before: Priority, after: Priority) {
        let skew = |priority| skew(settings.version, priority, self.interval);
        let moved = |at: Instant| {
            let later = at + skew(after);
            later.checked_sub(skew(before)).unwrap_or(later)
        };
        self.down = self.down.map(moved);
        self.probe = self.probe.map(moved);
    }

    /// Waits until `down`, and asks before whether somebody has the address.
    fn until(&mut self, now: Instant, down: Instant, probe: Probe) {
        self.down = Some(down);
        self.wants = false;
        let window = PROBE_BEFORE.min(down.saturating_duration_since(now) / 2);
        self.probe = (probe != Probe::Off).then(|| down - window);
    }

    /// Waits at most until `down`, for this reason. Never longer than before: a flood of
    /// priority 0 must not hold the timer back.
    pub(super) fn at_most(&mut self, down: Instant, cause: Reason) {
        if self.down.is_none_or(|before| down < before) {
            self.down = Some(down);
            self.probe = None;
        }
        self.cause = Some(cause);
    }
}

impl Machine {
    /// Whether the sync group decides that this router, whose time has run out, becomes master.
    pub(super) const fn wants_master(&self) -> bool {
        self.waiting.wants && !self.isolated
    }

    /// Whether its master was last heard to say that it stops.
    pub(crate) const fn is_offered(&self) -> bool {
        matches!(self.waiting.cause, Some(Reason::MasterStopped(_)))
    }

    fn down_interval(&self) -> Duration {
        let Settings {
            version, missed, ..
        } = self.settings;
        master_down(version, self.priority(), self.waiting.interval, missed)
    }

    fn skew(&self) -> Duration {
        skew(
            self.settings.version,
            self.priority(),
            self.waiting.interval,
        )
    }

    /// Whether the last master that was accepted may still be there.
    fn hears_its_master(&self, now: Instant) -> bool {
        let down = self.down_interval();
        self.waiting.heard.is_some_and(|heard| now < heard + down)
    }

    /// Begins to wait; a `hopeful` one for little more than the skew time.
    pub(super) fn become_backup(&mut self, now: Instant, reason: Reason, hopeful: bool) {
        self.waiting = Waiting::new(self.settings.interval);
        self.waiting.hopeful = hopeful;
        self.waiting.heard = Some(now);
        let wait = if hopeful {
            // The skew time of a high priority is too short for an answer.
            self.skew().max(PROBE_BEFORE * 2)
        } else {
            self.down_interval()
        };
        self.waiting.until(now, now + wait, self.settings.probe);
        self.change(State::Backup, reason);
    }

    /// Steps down for `peer`, whose interval is learned.
    pub(super) fn follow(&mut self, now: Instant, peer: Peer, reason: Reason) {
        self.become_backup(now, reason, false);
        self.accept(now, peer);
    }

    /// `peer` is the master: waits anew. In version 3 its interval is learned, as the RFCs demand:
    /// who can forge an advertisement can make a backup wait for three times 40.95 s, until the
    /// master's next one. Only authentication keeps that out.
    fn accept(&mut self, now: Instant, peer: Peer) {
        self.master = Some(peer);
        self.waiting = Waiting::new(peer.interval);
        self.waiting.heard = Some(now);
        let down = now + self.down_interval();
        self.waiting.until(now, down, self.settings.probe);
    }

    pub(super) fn backup_hears(&mut self, now: Instant, peer: Peer) {
        if peer.priority.is_stop() {
            // Of a node that is no master any more it says nothing: who follows it was heard
            // already. The RFCs take it from anybody, and so depose the successor.
            if self
                .master
                .is_none_or(|master| master.source == peer.source)
            {
                let soon = now + self.skew();
                self.waiting
                    .at_most(soon, Reason::MasterStopped(peer.source));
            }
            return;
        }
        let own = self.priority();
        // The owner of the addresses preempts always (RFC 9568 §6.1).
        let preempts = self.settings.preempt || own.is_owner();
        if peer.priority >= own || !preempts || self.yielded {
            self.accept(now, peer);
            return;
        }
        let delay = self.settings.preempt_delay;
        if !delay.is_zero() && !own.is_owner() {
            let from = *self.waiting.preempt_from.get_or_insert(now + delay);
            if now < from {
                self.accept(now, peer);
                self.waiting.preempt_from = Some(from);
                return;
            }
        }
        // Discarded: the timer runs on, and what ends it is no silence.
        let fell = self
            .master
            .is_some_and(|master| master.source == peer.source && master.priority >= own);
        let better = |master: Peer| master.source != peer.source && master.priority >= own;
        if self.hears_its_master(now) && self.master.is_some_and(better) {
            // The last word of a master's loser. The master is still waited for.
            return;
        }
        let cause = Reason::Preempted {
            master: peer.source,
            theirs: peer.priority,
            own,
        };
        self.master = Some(peer);
        self.waiting.answer = None;
        self.waiting.probe = None;
        if fell {
            self.waiting.at_most(now + self.skew(), cause);
        } else if !matches!(self.waiting.cause, Some(Reason::MasterStopped(_))) {
            self.waiting.cause = Some(cause);
        }
    }

    pub(super) fn peer_gone(&mut self, now: Instant, source: IpAddr, next_in_line: bool) {
        let ours = self.master.is_some_and(|master| master.source == source);
        if self.state != State::Backup || !ours {
            return;
        }
        let wait = if next_in_line {
            Duration::ZERO
        } else {
            self.skew()
        };
        self.depart(now, source);
        self.waiting.at_most(now + wait, Reason::MasterGone(source));
        self.backup_timeout(now);
    }

    pub(super) fn asked(&mut self, now: Instant, from: IpAddr) {
        // Who is not master any more has nothing to hand over.
        let master = self.master.filter(|_| self.hears_its_master(now));
        let hands_over = master.is_none_or(|master| master.source == from);
        if self.state == State::Backup && hands_over {
            self.depart(now, from);
            self.waiting.at_most(now, Reason::Asked(from));
            self.backup_timeout(now);
        }
    }

    /// The peer link was quicker than the last advertisement of `source`: that one would depose
    /// its successor, so it is not heeded when it comes.
    fn depart(&mut self, now: Instant, source: IpAddr) {
        let late = LATE.min(self.settings.interval.duration() / 2);
        self.departed = Some((source, now + late));
    }

    pub(super) fn witness(&mut self, now: Instant, reachable: bool) {
        let regained = self.isolated && reachable;
        self.isolated = !reachable;
        if !regained || self.state != State::Backup {
            return;
        }
        if std::mem::take(&mut self.waiting.stalled) {
            self.waiting.down = Some(now);
        }
        self.backup_timeout(now);
    }

    pub(super) fn backup_timeout(&mut self, now: Instant) {
        if self.waiting.down.is_some_and(|down| down <= now) {
            self.time_ran_out(now);
        } else if self.waiting.probe.is_some_and(|probe| probe <= now) {
            self.actions.push_back(Action::Probe);
            self.waiting.probed = true;
            // Once more half-way, for a probe or an answer that is lost.
            let down = self.waiting.down.expect("a probe comes before the end");
            let rest = down - now;
            self.waiting.probe = (rest > PROBE_BEFORE / 2).then(|| now + rest / 2);
        }
    }

    fn time_ran_out(&mut self, now: Instant) {
        let settings = &self.settings;
        let retry = now + settings.interval.duration();
        if self.isolated {
            // At first it is asked anew, and may answer yet.
            if std::mem::replace(&mut self.waiting.stalled, true) {
                self.alarm(now, Alarm::Isolated);
            }
            self.waiting.until(now, retry, Probe::Off);
            self.waiting.probed = false;
            self.waiting.answer = None;
            return;
        }
        // What was heard of the master says more than who answers for its address.
        let silence = self.waiting.cause.is_none();
        // In a flood, silence is no proof.
        let holds = settings.probe == Probe::Hold
            || (settings.probe == Probe::Alarm && self.waiting.overrun);
        let heeds = holds || (settings.probe == Probe::Alarm && self.waiting.hopeful);
        if silence && heeds && !self.waiting.probed {
            // The timer was moved, or this node woke late: it asks all the same.
            self.actions.push_back(Action::Probe);
            self.waiting.probed = true;
            self.waiting.down = Some(now + PROBE_BEFORE);
            self.waiting.probe = None;
            return;
        }
        if let Some(by) = self.waiting.answer
            && silence
        {
            if std::mem::take(&mut self.waiting.hopeful) {
                // It only hoped that nobody has the address: now it waits as every backup.
                self.waiting.answer = None;
                let down = now + self.down_interval();
                self.waiting.until(now, down, self.settings.probe);
                return;
            }
            self.alarm(now, Alarm::OwnerAlive { by, held: holds });
            if holds {
                self.waiting.answer = None;
                self.waiting.overrun = false;
                self.waiting.until(now, retry, Probe::Hold);
                return;
            }
        }
        if self.grouped {
            self.waiting.wants = true;
            self.waiting.down = None;
            self.waiting.probe = None;
        } else {
            let reason = self.takeover_reason(now);
            self.become_master(now, reason);
        }
    }

    /// Why this backup takes over now.
    pub(super) fn takeover_reason(&mut self, now: Instant) -> Reason {
        let silent = self
            .waiting
            .heard
            .map_or(Duration::ZERO, |heard| now.saturating_duration_since(heard));
        self.waiting.cause.take().unwrap_or(Reason::Silence {
            master: self.master.map(|master| master.source),
            silent,
        })
    }
}
