//! The protocol without sockets and without a clock (RFC 9568 §6, RFC 3768 §6).
//!
//! A [`Machine`] is one virtual router. It is told what happens and when, and what it wants done
//! comes out as [`Action`]s; when it wants to be woken, [`Machine::poll_timeout`] says. So the
//! same code runs under the Linux driver, under a mock and in a simulated network of many nodes.
//!
//! Where it is better than the RFCs let it be, it stays on the safe side of them:
//! - who steps down sends one last advertisement, so that the winner speaks up at once;
//! - who stops says so and stays until its successor is heard, so that nothing is lost;
//! - a master whose priority falls below a backup's is succeeded after the skew time;
//! - a flood of priority 0, of lower priorities or of claims costs a bounded number of packets.
//!
//! ```
//! use std::time::Duration;
//! use lb_vrrp::machine::{Action, Event, Machine, Settings, State};
//! use lb_vrrp::{Priority, VirtualRouterId};
//!
//! let id = VirtualRouterId::new(90).expect("not 0");
//! let settings = Settings::builder(id).addresses(["192.0.2.100".parse()?]).build()?;
//! let mut machine = Machine::new(settings);
//!
//! let start = tokio::time::Instant::now().into_std();
//! machine.handle_event(start, Event::Interface { up: true, source: Some("192.0.2.1".parse()?) });
//! machine.start(start);
//! assert_eq!(machine.state(), State::Backup);
//!
//! // Nobody advertises for 3 intervals and the skew time of priority 100: it takes over.
//! while machine.state() == State::Backup {
//!     let due = machine.poll_timeout().expect("a backup waits for its master's silence");
//!     machine.handle_timeout(due);
//! }
//! let actions: Vec<_> = std::iter::from_fn(|| machine.poll_action()).collect();
//! assert!(actions.contains(&Action::Advertise(Priority(100))));
//! assert!(actions.contains(&Action::AddAddresses));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

mod action;
mod alarms;
mod announcements;
mod backup;
mod event;
mod fitness;
mod master;
mod router;
mod settings;
mod state;
mod statistics;
#[cfg(test)]
mod tests;
mod timers;
mod tracking;

pub use self::action::{Action, Alarm};
pub use self::event::Event;
pub use self::router::{Router, RouterIndex};
pub use self::settings::{Builder, Probe, Settings, SettingsError};
pub use self::state::{Reason, State, Transition};
pub use self::statistics::Statistics;
pub use self::timers::{master_down, skew};
pub use self::tracking::{Effect, Tracker};

use self::announcements::Announcements;
use self::backup::Waiting;
use self::master::Reign;
use self::tracking::Tracking;
use crate::{Advertisement, Interval, Priority, Version};

/// The master a backup listens to, or another that a master hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where its advertisements come from.
    pub source: IpAddr,
    /// The priority it last advertised.
    pub priority: Priority,
    /// How often it advertises.
    pub interval: Interval,
}

/// One virtual router.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    state: State,
    running: bool,
    /// Its timers are the sync group's to act on: it does not become master by itself.
    grouped: bool,
    tracking: Tracking,
    waiting: Waiting,
    reign: Reign,
    announcements: Announcements,
    /// The last other master that was accepted, or that took over.
    master: Option<Peer>,
    /// Who is gone or has handed over by the word of the peer link, and until when what it
    /// advertised before may still arrive.
    departed: Option<(IpAddr, Instant)>,
    /// This node gave the addresses away when asked to, and does not preempt who has them now.
    yielded: bool,
    /// No witness is reached.
    isolated: bool,
    alarms: HashMap<Alarm, Instant>,
    actions: VecDeque<Action>,
    statistics: Statistics,
}

impl Machine {
    /// A virtual router that is not started.
    pub fn new(settings: Settings) -> Self {
        Self {
            waiting: Waiting::new(settings.interval),
            settings,
            state: State::Initialize,
            running: false,
            grouped: false,
            tracking: Tracking::new(),
            reign: Reign::default(),
            announcements: Announcements::default(),
            master: None,
            departed: None,
            yielded: false,
            isolated: false,
            alarms: HashMap::new(),
            actions: VecDeque::new(),
            statistics: Statistics::default(),
        }
    }

    /// What it was told before it started.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its state.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Its priority with everything it tracks: what it advertises while master.
    pub fn priority(&self) -> Priority {
        self.tracking.priority(self.settings.priority)
    }

    /// The address it advertises from, while the interface has one.
    pub const fn source(&self) -> Option<IpAddr> {
        self.tracking.source()
    }

    /// The other node that is master, as far as this one heard.
    pub const fn master(&self) -> Option<Peer> {
        self.master
    }

    /// What it counted.
    pub const fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Whether it was stopped and has nothing left to do but its actions.
    pub fn is_stopped(&self) -> bool {
        !self.running && self.state == State::Initialize
    }

    /// Starts it: a backup as soon as it can run, or master if it owns the addresses.
    pub fn start(&mut self, now: Instant) {
        self.running = true;
        self.yielded = false;
        self.assess(now);
    }

    /// Stops it. A master says so, keeps the addresses until its successor is heard, and is
    /// stopped then ([`is_stopped`](Self::is_stopped)); without a successor after the skew time
    /// of the lowest priority and a moment.
    pub fn stop(&mut self, now: Instant) {
        self.running = false;
        if self.state == State::Master {
            self.step_aside(now);
        } else {
            self.rest(State::Initialize, Reason::Stopped);
        }
    }

    /// Takes an advertisement that [`packet`](crate::packet) found valid, from `source`.
    pub fn handle_advertisement(&mut self, now: Instant, source: IpAddr, heard: &Advertisement) {
        let active = matches!(self.state, State::Backup | State::Master);
        if !active || self.source() == Some(source) {
            return;
        }
        self.statistics.received_advertisements += 1;
        if heard.priority.is_stop() {
            self.statistics.received_priority_zero += 1;
        } else if self
            .departed
            .is_some_and(|(who, until)| who == source && now < until)
        {
            return;
        }
        if heard.interval != self.settings.interval && self.interval_differs(now, source, heard) {
            return;
        }
        if !same_addresses(&heard.addresses, &self.settings.addresses) {
            // RFC 3768 would drop it: two masters for a misspelled address. Keepalived does not.
            self.statistics.address_list_errors += 1;
            self.alarm(now, Alarm::AddressesDiffer { source });
        }
        let peer = Peer {
            source,
            priority: heard.priority,
            interval: heard.interval,
        };
        if self.state == State::Master {
            self.master_hears(now, peer);
        } else {
            self.backup_hears(now, peer);
        }
    }

    /// Whether the advertisement is dropped because of its interval: RFC 3768 §7.1 MUST, while
    /// version 3 learns it.
    fn interval_differs(&mut self, now: Instant, source: IpAddr, heard: &Advertisement) -> bool {
        self.statistics.interval_errors += 1;
        let differs = Alarm::IntervalDiffers {
            source,
            theirs: heard.interval,
            own: self.settings.interval,
        };
        self.alarm(now, differs);
        self.settings.version == Version::V2
    }

    /// Takes anything else that happened.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Interface { up, source } => {
                self.tracking.set_interface(up, source);
                self.assess(now);
            }
            Event::Tracked { tracker, effect } => {
                self.reweigh(now, |tracking| tracking.set(tracker, effect));
                self.assess(now);
            }
            Event::Witness { reachable } => self.witness(now, reachable),
            Event::Claimed { address, by } => match self.state {
                State::Master => self.master_hears_claim(now, address, by),
                State::Backup => self.waiting.answered(by),
                State::Initialize | State::Fault => {}
            },
            Event::Lost { address } if self.state == State::Master => {
                // One answer for all that went together: it sets every address.
                if !self.actions.contains(&Action::AddAddresses) {
                    self.alarm(now, Alarm::AddressLost { address });
                    self.actions.push_back(Action::AddAddresses);
                }
                if !self.is_stepping_aside() {
                    self.announcements.start(now);
                }
            }
            Event::Lost { .. } => {}
            Event::Overrun => self.waiting.overrun(),
            Event::PeerGone {
                source,
                next_in_line,
            } => self.peer_gone(now, source, next_in_line),
            Event::TakeOver { from } => self.asked(now, from),
            Event::HandOver if self.state == State::Master => self.step_aside(now),
            Event::HandOver => {}
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, if nothing comes before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Backup => self.waiting.next(),
            State::Master => {
                let settings = &self.settings;
                let announce = self
                    .announcements
                    .next(&settings.schedule, settings.refresh);
                self.reign.next().into_iter().chain(announce).min()
            }
            State::Initialize | State::Fault => None,
        }
    }

    /// Does what is due. Packets that arrived before are to be handled first: after a pause they
    /// say what happened meanwhile.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.state {
            State::Backup => self.backup_timeout(now),
            State::Master => self.master_timeout(now),
            State::Initialize | State::Fault => {}
        }
    }

    /// The next thing to do. To be called until `None` after each of the calls above: what is not
    /// taken is kept, in order and without a limit.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The priority that this node's addresses and source address rank with.
    fn outranks(&self, peer: Peer) -> bool {
        let own = (self.priority(), self.source());
        own > (peer.priority, Some(peer.source))
    }

    fn advertise(&mut self, priority: Priority) {
        self.statistics.sent_advertisements += 1;
        self.statistics.sent_priority_zero += u64::from(priority.is_stop());
        self.actions.push_back(Action::Advertise(priority));
    }

    fn change(&mut self, to: State, reason: Reason) {
        let from = std::mem::replace(&mut self.state, to);
        self.actions
            .push_back(Action::Transition(Transition { from, to, reason }));
    }
}

/// Whether two lists have the same addresses, in any order.
fn same_addresses(theirs: &[IpAddr], own: &[IpAddr]) -> bool {
    theirs == own || (theirs.len() == own.len() && own.iter().all(|ip| theirs.contains(ip)))
}
