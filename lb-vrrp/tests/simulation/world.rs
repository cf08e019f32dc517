//! The virtual clock, and everything that happens by it: packets, timers, and what the machines
//! want done.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use lb_vrrp::machine::{Action, Event, Reason, RouterIndex, State};
use lb_vrrp::network::MacAddress;
use lb_vrrp::{Advertisement, Priority};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::Tally;
use crate::check::Watch;
use crate::client::Client;
use crate::network::Network;
use crate::node::{Incoming, Node};
use crate::plan::{Plan, address, source};

/// Something that arrives.
#[derive(Debug)]
enum Arrival {
    Node(usize, usize, Incoming),
    /// The clients hear that a node has an address.
    Client(usize, usize),
}

#[derive(Debug)]
struct Scheduled {
    at: Instant,
    /// In this order, if at the same time.
    number: u64,
    what: Arrival,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) rng: StdRng,
    pub(crate) start: Instant,
    pub(crate) now: Instant,
    pub(crate) network: Network,
    pub(crate) nodes: Vec<Node>,
    pub(crate) clients: Vec<Client>,
    pub(crate) watch: Watch,
    pub(crate) tally: Tally,
    queue: BinaryHeap<Reverse<Scheduled>>,
    numbers: u64,
    /// Written only where it is wanted: it costs more than the rest.
    pub(crate) trace: Option<String>,
    /// The first invariant that did not hold.
    pub(crate) violation: Option<String>,
}

impl World {
    pub(crate) fn new(seed: u64, traced: bool) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let plan = Plan::new(&mut rng);
        let start = tokio::time::Instant::now().into_std();
        let count = plan.nodes.len();
        let mut world = Self {
            rng,
            start,
            now: start,
            network: Network::whole(count, plan.delay),
            nodes: (0..count).map(|_| Node::new(&plan, start)).collect(),
            clients: vec![Client::default(); plan.routers],
            watch: Watch::new(plan.routers, start),
            tally: Tally::default(),
            queue: BinaryHeap::new(),
            numbers: 0,
            trace: traced.then(String::new),
            violation: None,
            plan,
        };
        world.note(format_args!("{:#?}", world.plan.clone()));
        world
    }

    /// Writes a line of the trace.
    pub(crate) fn note(&mut self, line: fmt::Arguments<'_>) {
        if let Some(trace) = &mut self.trace {
            let at = (self.now - self.start).as_secs_f64();
            writeln!(trace, "{at:12.6} {line}").expect("a String takes everything");
        }
    }

    /// An invariant does not hold.
    pub(crate) fn violate(&mut self, what: String) {
        if self.violation.is_none() {
            self.note(format_args!("VIOLATION: {what}"));
            self.violation = Some(what);
        }
    }

    /// Lets `time` pass.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        let mut at_once = 0;
        while self.violation.is_none() {
            let packet = self.queue.peek().map(|Reverse(scheduled)| scheduled.at);
            let timers = self.nodes.iter().enumerate();
            let timer = timers
                .filter_map(|(i, node)| Some((node.poll_timeout()?, i)))
                .min();
            let Some(next) = packet.into_iter().chain(timer.map(|(at, _)| at)).min() else {
                break;
            };
            if next > end {
                break;
            }
            at_once = if next > self.now { 0 } else { at_once + 1 };
            if at_once > 10_000 {
                self.violate("the time stands still: something is always due".to_owned());
            }
            self.now = self.now.max(next);
            self.check_durations();
            // Packets first, as the driver does.
            let index = if packet.is_some_and(|at| at <= self.now) {
                let Reverse(scheduled) = self.queue.pop().expect("it was there");
                self.arrive(scheduled.what)
            } else {
                timer.map(|(_, index)| {
                    let router = self.nodes[index].router.as_mut().expect("it has a timer");
                    router.handle_timeout(self.now);
                    index
                })
            };
            if let Some(index) = index {
                self.settle_node(index);
            }
            self.tally.steps += 1;
        }
        self.now = end;
        self.check_durations();
    }

    /// Does what a node wants done, and looks whether everything holds.
    pub(crate) fn settle_node(&mut self, index: usize) {
        self.act(index);
        self.check_node(index);
        self.check_now();
    }

    fn arrive(&mut self, arrival: Arrival) -> Option<usize> {
        let (index, vr, incoming) = match arrival {
            Arrival::Client(vr, node) => {
                self.clients[vr].hear(self.now, node);
                return None;
            }
            Arrival::Node(index, vr, incoming) => (index, vr, incoming),
        };
        let link = matches!(
            &incoming,
            Incoming::Event(Event::PeerGone { .. } | Event::TakeOver { .. })
        );
        let node = &mut self.nodes[index];
        if !node.up && !link {
            return None;
        }
        if let Incoming::Probe(from) = incoming {
            if node.answers(vr, self.now, self.plan.lifetime()) {
                self.claim(index, from, vr);
            }
            return None;
        }
        node.router.as_ref()?;
        if node.frozen.is_some() {
            node.inbox.push((vr, incoming));
            return None;
        }
        self.receive(index, vr, incoming);
        Some(index)
    }

    /// A process takes what arrived.
    pub(crate) fn receive(&mut self, index: usize, vr: usize, incoming: Incoming) {
        let Some(router) = &mut self.nodes[index].router else {
            return;
        };
        match incoming {
            Incoming::Advertisement(source, heard) => {
                router.handle_advertisement(self.now, RouterIndex(vr), source, &heard);
            }
            Incoming::Event(event) => router.handle_event(self.now, RouterIndex(vr), event),
            Incoming::Probe(_) => {}
        }
    }

    /// Does what a node wants done.
    fn act(&mut self, index: usize) {
        while let Some((RouterIndex(vr), action)) = self.nodes[index]
            .router
            .as_mut()
            .and_then(|router| router.poll_action())
        {
            match action {
                Action::Advertise(priority) => self.advertise(index, vr, priority),
                Action::AddAddresses => self.add(index, vr),
                Action::RemoveAddresses => self.remove(index, vr),
                Action::Announce => self.announce(index, vr),
                Action::Probe => self.probe(index, vr),
                Action::AskSuccessor => self.ask_successor(index, vr),
                Action::Transition(transition) => {
                    self.note(format_args!("node {index} vr {vr}: {transition}"));
                    self.tally.transitions += 1;
                    self.check_transition(index, vr, &transition);
                    let part = &mut self.nodes[index].parts[vr];
                    part.changed = self.now;
                    part.sent.transitions += 1;
                    match (transition.to, transition.reason) {
                        (State::Master, _) => part.yielded = false,
                        (_, Reason::HandedOver(_)) => {
                            // The operator wanted it of every member of a group.
                            for part in &mut self.nodes[index].parts {
                                part.yielded |= self.plan.grouped;
                            }
                            self.nodes[index].parts[vr].yielded = true;
                        }
                        _ => {}
                    }
                }
                Action::Alarm(alarm) => {
                    self.note(format_args!("node {index} vr {vr}: ALARM {alarm}"));
                }
                other => self.violate(format!("unknown action {other:?}")),
            }
        }
    }

    fn advertise(&mut self, index: usize, vr: usize, priority: Priority) {
        self.note(format_args!("node {index} vr {vr}: advertises {priority}"));
        self.nodes[index].parts[vr].sent.advertisements += 1;
        let router = self.nodes[index].router.as_ref().expect("it acts");
        let settings = router.machine(RouterIndex(vr)).settings();
        let advertisement = Advertisement {
            version: settings.version(),
            id: settings.id(),
            priority,
            interval: settings.interval(),
            addresses: settings.addresses().to_vec(),
        };
        let packet = Incoming::Advertisement(source(index, vr), advertisement);
        self.broadcast(index, vr, &packet);
    }

    fn announce(&mut self, index: usize, vr: usize) {
        self.note(format_args!("node {index} vr {vr}: announces"));
        self.nodes[index].parts[vr].sent.announcements += 1;
        if !self.nodes[index].up {
            return;
        }
        for delay in self.network.open_copies(&mut self.rng) {
            self.schedule(delay, Arrival::Client(vr, index));
        }
        self.broadcast(index, vr, &Incoming::Event(claim(index, vr)));
    }

    fn probe(&mut self, index: usize, vr: usize) {
        self.note(format_args!("node {index} vr {vr}: probes"));
        self.nodes[index].parts[vr].sent.probes += 1;
        self.broadcast(index, vr, &Incoming::Probe(index));
    }

    /// `from` answers the probe of `to`.
    fn claim(&mut self, from: usize, to: usize, vr: usize) {
        for delay in self.network.copies(&mut self.rng, from, to) {
            let answer = Incoming::Event(claim(from, vr));
            self.schedule(delay, Arrival::Node(to, vr, answer));
        }
    }

    fn broadcast(&mut self, from: usize, vr: usize, packet: &Incoming) {
        if !self.nodes[from].up {
            return;
        }
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            for delay in self.network.copies(&mut self.rng, from, to) {
                // A whole network keeps the order of what one node sends.
                let delay = if self.network.is_whole() {
                    let last = &mut self.nodes[to].heard[from];
                    *last = (*last).max(self.now + delay);
                    *last - self.now
                } else {
                    delay
                };
                self.schedule(delay, Arrival::Node(to, vr, packet.clone()));
            }
        }
    }

    /// Asks the best other node over the peer link.
    fn ask_successor(&mut self, index: usize, vr: usize) {
        let others = (0..self.nodes.len()).filter(|other| *other != index);
        let best = others
            .filter(|other| self.reached(index, *other))
            .max_by_key(|other| self.rank(*other, vr));
        if let Some(best) = best {
            let from = source(index, vr);
            self.link(best, vr, Event::TakeOver { from });
        }
    }

    /// Something comes over a node's peer link.
    pub(crate) fn link(&mut self, to: usize, vr: usize, event: Event) {
        let delay = self.plan.delay.mul_f64(self.rng.random_range(0.05..=1.0));
        self.schedule(delay, Arrival::Node(to, vr, Incoming::Event(event)));
    }

    /// Whether the peer link reaches an `other` that could be master.
    pub(crate) fn reached(&self, index: usize, other: usize) -> bool {
        self.plan.linked && self.network.linked(index, other) && self.nodes[other].eligible()
    }

    /// How a node ranks: the greatest of all should be master.
    pub(crate) fn rank(&self, index: usize, vr: usize) -> (Priority, usize) {
        let router = self.nodes[index].router.as_ref();
        let priority = router.map(|router| router.machine(RouterIndex(vr)).priority());
        (priority.unwrap_or(Priority::STOP), index)
    }

    /// A packet from nowhere.
    pub(crate) fn forge(&mut self, to: usize, vr: usize, delay: Duration, packet: Incoming) {
        self.schedule(delay, Arrival::Node(to, vr, packet));
    }

    fn schedule(&mut self, delay: Duration, what: Arrival) {
        self.numbers += 1;
        let at = self.now + delay;
        self.queue.push(Reverse(Scheduled {
            at,
            number: self.numbers,
            what,
        }));
    }
}

fn claim(node: usize, vr: usize) -> Event {
    let last = u8::try_from(node).expect("few nodes");
    Event::Claimed {
        address: address(vr),
        by: MacAddress([2, 0, 0, 0, 0, last]),
    }
}
