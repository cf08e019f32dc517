//! One machine under a clock of its own: every row of the state tables, and every extension.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::*;
use crate::{VirtualRouterId, network::MacAddress};

mod backup;
mod hostile;
mod master;
mod preempt;
mod probe;
mod stepping_aside;
mod sync_group;
mod table;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A node of the same network.
fn peer(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

const MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);

/// Version 2, 1 s, 192.0.2.100.
fn v2(priority: u8) -> Builder {
    Settings::builder(VirtualRouterId::new(7).unwrap())
        .priority(Priority(priority))
        .addresses([ip("192.0.2.100")])
}

fn v3(priority: u8, centiseconds: u16) -> Builder {
    let interval = Interval::from_centiseconds(Version::V3, centiseconds).unwrap();
    v2(priority).version(Version::V3).interval(interval)
}

/// A machine at 192.0.2.10, and its clock.
struct Node {
    machine: Machine,
    begin: Instant,
    now: Instant,
}

impl Node {
    /// Not started yet.
    fn idle(settings: &Builder) -> Self {
        let now = tokio::time::Instant::now().into_std();
        let mut machine = Machine::new(settings.clone().build().unwrap());
        let source = Some(peer(10));
        machine.handle_event(now, Event::Interface { up: true, source });
        Self {
            machine,
            begin: now,
            now,
        }
    }

    fn started(settings: &Builder) -> Self {
        let mut node = Self::idle(settings);
        node.machine.start(node.now);
        node.actions();
        node
    }

    /// A started one that has become master by silence.
    fn master(settings: &Builder) -> Self {
        let mut node = Self::started(settings);
        while node.state() != State::Master {
            node.now = node.machine.poll_timeout().unwrap();
            node.machine.handle_timeout(node.now);
        }
        node.actions();
        node
    }

    fn state(&self) -> State {
        self.machine.state()
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.machine.poll_action()).collect()
    }

    /// Lets time pass; what was wanted meanwhile.
    fn pass(&mut self, time: Duration) -> Vec<Action> {
        let end = self.now + time;
        while let Some(due) = self.machine.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.machine.handle_timeout(self.now);
        }
        self.now = end;
        self.actions()
    }

    /// Lets time pass until the state changes; how long that took.
    fn until_it_changes(&mut self) -> (Duration, Vec<Action>) {
        let (before, state) = (self.now, self.state());
        while self.state() == state {
            assert!(self.now < before + ms(600_000), "{state} for ten minutes");
            self.now = self.machine.poll_timeout().expect("something is due");
            self.machine.handle_timeout(self.now);
        }
        (self.now - before, self.actions())
    }

    /// An advertisement as this node would send it, but for the source and the priority.
    fn hears(&mut self, from: u8, priority: u8) -> Vec<Action> {
        let like = self.advertisement(priority);
        self.hears_packet(from, &like)
    }

    fn advertisement(&self, priority: u8) -> Advertisement {
        let settings = self.machine.settings();
        Advertisement {
            version: settings.version(),
            id: settings.id(),
            priority: Priority(priority),
            interval: settings.interval(),
            addresses: settings.addresses().to_vec(),
        }
    }

    fn hears_packet(&mut self, from: u8, packet: &Advertisement) -> Vec<Action> {
        self.machine
            .handle_advertisement(self.now, peer(from), packet);
        self.actions()
    }

    fn event(&mut self, event: Event) -> Vec<Action> {
        self.machine.handle_event(self.now, event);
        self.actions()
    }

    fn weigh(&mut self, weight: i16) -> Vec<Action> {
        let effect = Effect::Weight(weight);
        self.event(Event::Tracked {
            tracker: Tracker(1),
            effect,
        })
    }

    fn claimed(&mut self) -> Vec<Action> {
        let address = ip("192.0.2.100");
        self.event(Event::Claimed { address, by: MAC })
    }
}

/// The advertisements among `actions`.
fn advertised(actions: &[Action]) -> Vec<u8> {
    let priority = |action: &Action| match action {
        Action::Advertise(priority) => Some(priority.0),
        _ => None,
    };
    actions.iter().filter_map(priority).collect()
}

fn alarms(actions: &[Action]) -> Vec<Alarm> {
    let alarm = |action: &Action| match action {
        Action::Alarm(alarm) => Some(alarm.clone()),
        _ => None,
    };
    actions.iter().filter_map(alarm).collect()
}

fn reasons(actions: &[Action]) -> Vec<Reason> {
    let reason = |action: &Action| match action {
        Action::Transition(transition) => Some(transition.reason.clone()),
        _ => None,
    };
    actions.iter().filter_map(reason).collect()
}

fn count(actions: &[Action], what: &Action) -> usize {
    actions.iter().filter(|action| *action == what).count()
}
