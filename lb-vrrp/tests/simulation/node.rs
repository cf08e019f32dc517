//! One node: a process with its [`Router`], and the kernel under it.

use std::time::{Duration, Instant};

use lb_vrrp::Advertisement;
use lb_vrrp::machine::{Effect, Event, Router, RouterIndex, State, Tracker};
use std::net::IpAddr;

use crate::plan::{Plan, source};

/// What a node receives.
#[derive(Clone, Debug)]
pub(crate) enum Incoming {
    Advertisement(IpAddr, Advertisement),
    Event(Event),
    /// Somebody asks whether the address is here: the kernel answers.
    Probe(usize),
}

/// What the kernel and the simulation know of one virtual router on one node.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The addresses are set.
    pub(crate) held: bool,
    /// Setting them again is right now: they were lost, or may have been.
    pub(crate) may_add_again: bool,
    /// It must set them again before this step ends.
    pub(crate) must_add_again: bool,
    /// It gave them away when asked to.
    pub(crate) yielded: bool,
    /// When its state changed last.
    pub(crate) changed: Instant,
    pub(crate) sent: Sent,
}

/// What it sent in the second that began then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) second: Instant,
    pub(crate) advertisements: u32,
    pub(crate) announcements: u32,
    pub(crate) probes: u32,
    pub(crate) transitions: u32,
}

#[derive(Debug)]
pub(crate) struct Node {
    /// `None` where no process runs.
    pub(crate) router: Option<Router>,
    /// It stands still since then; packets wait.
    pub(crate) frozen: Option<Instant>,
    pub(crate) inbox: Vec<(usize, Incoming)>,
    /// When addresses that no process refreshes are gone.
    pub(crate) orphaned: Option<Instant>,
    pub(crate) up: bool,
    pub(crate) faulty: bool,
    pub(crate) isolated: bool,
    pub(crate) stopping: bool,
    pub(crate) weight: i16,
    /// When the last packet of each other node arrives.
    pub(crate) heard: Vec<Instant>,
    pub(crate) parts: Vec<Part>,
}

/// What is tracked with a weight, and what without.
pub(crate) const WEIGHED: Tracker = Tracker(1);
pub(crate) const VITAL: Tracker = Tracker(2);

impl Node {
    /// A node without a process.
    pub(crate) fn new(plan: &Plan, now: Instant) -> Self {
        let sent = Sent {
            second: now,
            advertisements: 0,
            announcements: 0,
            probes: 0,
            transitions: 0,
        };
        let part = Part {
            held: false,
            may_add_again: false,
            must_add_again: false,
            yielded: false,
            changed: now,
            sent,
        };
        Self {
            router: None,
            frozen: None,
            inbox: Vec::new(),
            orphaned: None,
            up: true,
            faulty: false,
            isolated: false,
            stopping: false,
            weight: 0,
            heard: vec![now; plan.nodes.len()],
            parts: vec![part; plan.routers],
        }
    }

    /// Starts its process. What an earlier one left is removed first.
    pub(crate) fn boot(&mut self, plan: &Plan, index: usize, now: Instant) {
        let mut router = Router::new();
        for vr in 0..plan.routers {
            router.add(format!("VI_{vr}"), plan.settings(index, vr));
        }
        if plan.grouped {
            router.group(router.indices());
        }
        self.router = Some(router);
        self.stopping = false;
        self.orphaned = None;
        for part in &mut self.parts {
            part.held = false;
            part.yielded = false;
            part.changed = now;
        }
        for vr in 0..plan.routers {
            self.tell(now, vr, self.interface(index, vr));
            self.tell(
                now,
                vr,
                Event::Witness {
                    reachable: !self.isolated,
                },
            );
        }
        self.tell_trackers(plan, now);
        self.router.as_mut().expect("it has just begun").start(now);
    }

    pub(crate) fn interface(&self, index: usize, vr: usize) -> Event {
        Event::Interface {
            up: self.up,
            source: Some(source(index, vr)),
        }
    }

    /// The weight belongs to the first virtual router, and so does what is vital, in a
    /// sync group: its other members must fail with it.
    pub(crate) fn tell_trackers(&mut self, plan: &Plan, now: Instant) {
        let weight = Effect::Weight(self.weight);
        let vital = if self.faulty {
            Effect::Fault("the script fails".into())
        } else {
            Effect::Fine
        };
        let told = |tracker, effect| Event::Tracked { tracker, effect };
        self.tell(now, 0, told(WEIGHED, weight));
        let vital_to = if plan.grouped { 1 } else { plan.routers };
        for vr in 0..vital_to {
            self.tell(now, vr, told(VITAL, vital.clone()));
        }
    }

    pub(crate) fn tell(&mut self, now: Instant, vr: usize, event: Event) {
        if let Some(router) = &mut self.router {
            router.handle_event(now, RouterIndex(vr), event);
        }
    }

    /// Its state, while a process runs that does not stand still.
    pub(crate) fn state(&self, vr: usize) -> Option<State> {
        let awake = self.router.as_ref().filter(|_| self.frozen.is_none());
        awake.map(|router| router.machine(RouterIndex(vr)).state())
    }

    /// Whether it serves the address now.
    pub(crate) fn serves(&self, vr: usize) -> bool {
        self.up && self.state(vr) == Some(State::Master)
    }

    /// Whether it could be master of everything it has.
    pub(crate) fn eligible(&self) -> bool {
        self.router.is_some()
            && self.frozen.is_none()
            && self.up
            && !self.faulty
            && !self.isolated
            && !self.stopping
    }

    /// When it is to be woken.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let awake = self.router.as_ref().filter(|_| self.frozen.is_none());
        awake?.poll_timeout()
    }

    /// Whether its kernel answers for the address: a frozen process's does, and a dead one's
    /// until the addresses expire.
    pub(crate) fn answers(&self, vr: usize, now: Instant, lifetime: Duration) -> bool {
        let kept = match (self.orphaned, self.frozen) {
            (Some(since), _) | (None, Some(since)) => now < since + lifetime,
            (None, None) => true,
        };
        self.up && self.parts[vr].held && kept
    }
}
