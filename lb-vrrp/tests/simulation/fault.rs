//! What goes wrong, and what an operator does.

use lb_vrrp::machine::{Event, RouterIndex};
use lb_vrrp::{Advertisement, Priority, VirtualRouterId};
use rand::RngExt;
use std::time::Duration;

use crate::node::Incoming;
use crate::plan::{address, source};
use crate::world::World;

/// One thing that happens to one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process dies; its kernel goes on and answers for the addresses until they expire.
    Crash(usize),
    /// The whole node dies.
    PowerOff(usize),
    Boot(usize),
    /// The process is asked to stop.
    Stop(usize),
    HandOver(usize),
    /// The process stands still.
    Freeze(usize),
    Thaw(usize),
    InterfaceDown(usize),
    InterfaceUp(usize),
    /// Something vital that it tracks fails.
    Fail(usize),
    Recover(usize),
    /// What it tracks changes its priority.
    Weigh(usize, i16),
    /// It reaches no witness.
    Isolate(usize),
    Rejoin(usize),
    /// Somebody removes its addresses.
    Lose(usize),
}

impl Fault {
    /// Any, of a node that it can happen to; a master rather than others.
    pub(crate) fn any(world: &mut World) -> Option<Self> {
        let masters = (0..world.nodes.len()).find(|index| world.nodes[*index].serves(0));
        let any = world.rng.random_range(0..world.nodes.len());
        let n = masters
            .filter(|_| world.rng.random_bool(0.5))
            .unwrap_or(any);
        let weight = world.rng.random_range(-120..=120);
        let fault = match world.rng.random_range(0..15) {
            0 => Self::Crash(n),
            1 => Self::PowerOff(n),
            2 => Self::Boot(n),
            3 => Self::Stop(n),
            4 => Self::HandOver(n),
            5 => Self::Freeze(n),
            6 => Self::Thaw(n),
            7 => Self::InterfaceDown(n),
            8 => Self::InterfaceUp(n),
            9 => Self::Fail(n),
            10 => Self::Recover(n),
            11 => Self::Weigh(n, if weight > 0 { 0 } else { weight }),
            12 => Self::Isolate(n),
            13 => Self::Rejoin(n),
            _ => Self::Lose(n),
        };
        fault.is_possible(world).then_some(fault)
    }

    pub(crate) const fn node(self) -> usize {
        match self {
            Self::Crash(n)
            | Self::PowerOff(n)
            | Self::Boot(n)
            | Self::Stop(n)
            | Self::HandOver(n)
            | Self::Freeze(n)
            | Self::Thaw(n)
            | Self::InterfaceDown(n)
            | Self::InterfaceUp(n)
            | Self::Fail(n)
            | Self::Recover(n)
            | Self::Weigh(n, _)
            | Self::Isolate(n)
            | Self::Rejoin(n)
            | Self::Lose(n) => n,
        }
    }

    /// Whether a master does not stay one.
    pub(crate) const fn is_leaving(self) -> bool {
        matches!(
            self,
            Self::Crash(_)
                | Self::PowerOff(_)
                | Self::Stop(_)
                | Self::HandOver(_)
                | Self::Freeze(_)
                | Self::InterfaceDown(_)
                | Self::Fail(_)
        )
    }

    pub(crate) fn is_possible(self, world: &World) -> bool {
        let node = &world.nodes[self.node()];
        let awake = node.router.is_some() && node.frozen.is_none() && !node.stopping;
        match self {
            Self::Boot(_) => node.router.is_none(),
            Self::Thaw(_) => node.frozen.is_some(),
            Self::InterfaceDown(_) => awake && node.up,
            Self::InterfaceUp(_) => awake && !node.up,
            Self::Fail(_) => awake && !node.faulty,
            Self::Recover(_) => awake && node.faulty,
            Self::Weigh(_, weight) => awake && node.weight != weight,
            Self::Isolate(_) => awake && !node.isolated,
            Self::Rejoin(_) => awake && node.isolated,
            Self::Crash(_) | Self::PowerOff(_) => node.router.is_some(),
            Self::Stop(_) | Self::HandOver(_) | Self::Freeze(_) | Self::Lose(_) => awake,
        }
    }

    /// Lets it happen.
    pub(crate) fn strike(self, world: &mut World) {
        world.note(format_args!("{self:?}"));
        let now = world.now;
        let n = self.node();
        let routers = world.plan.routers;
        let plan = world.plan.clone();
        let node = &mut world.nodes[n];
        match self {
            Self::Crash(_) => {
                node.orphaned = Some(node.frozen.unwrap_or(now));
                die(world, n);
                world.tell_of_death(n);
            }
            Self::PowerOff(_) => {
                node.parts.iter_mut().for_each(|part| part.held = false);
                die(world, n);
            }
            Self::Boot(_) => node.boot(&plan, n, now),
            Self::Stop(_) => {
                node.stopping = true;
                node.router.as_mut().expect("it is awake").stop(now);
            }
            Self::HandOver(_) => {
                for vr in 0..if plan.grouped { 1 } else { routers } {
                    node.tell(now, vr, Event::HandOver);
                }
            }
            Self::Freeze(_) => node.frozen = Some(now),
            Self::Thaw(_) => world.thaw(n),
            Self::InterfaceDown(_) | Self::InterfaceUp(_) => {
                node.up = matches!(self, Self::InterfaceUp(_));
                for vr in 0..routers {
                    node.tell(now, vr, node.interface(n, vr));
                }
            }
            Self::Fail(_) | Self::Recover(_) => {
                node.faulty = matches!(self, Self::Fail(_));
                node.tell_trackers(&plan, now);
            }
            Self::Weigh(_, weight) => {
                node.weight = weight;
                node.tell_trackers(&plan, now);
            }
            Self::Isolate(_) | Self::Rejoin(_) => {
                node.isolated = matches!(self, Self::Isolate(_));
                let reachable = !node.isolated;
                for vr in 0..routers {
                    node.tell(now, vr, Event::Witness { reachable });
                }
            }
            Self::Lose(_) => {
                for vr in 0..routers {
                    world.lose(n, vr);
                }
            }
        }
        world.settle_node(n);
    }
}

fn die(world: &mut World, n: usize) {
    let node = &mut world.nodes[n];
    node.router = None;
    node.frozen = None;
    node.inbox.clear();
}

impl World {
    /// The peer links of a dead process close, and who was linked knows.
    fn tell_of_death(&mut self, dead: usize) {
        let alive: Vec<_> = (0..self.nodes.len())
            .filter(|other| self.reached(dead, *other))
            .collect();
        for vr in 0..self.plan.routers {
            let best = alive
                .iter()
                .max_by_key(|other| self.rank(**other, vr))
                .copied();
            for &other in &alive {
                let event = Event::PeerGone {
                    source: source(dead, vr),
                    next_in_line: best == Some(other),
                };
                self.link(other, vr, event);
            }
        }
    }

    /// A process goes on: packets that arrived are first, as the driver does it.
    pub(crate) fn thaw(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        let Some(since) = node.frozen.take() else {
            return;
        };
        for part in &mut node.parts {
            part.may_add_again = true;
        }
        for (vr, incoming) in std::mem::take(&mut node.inbox) {
            self.receive(n, vr, incoming);
        }
        if self.now > since + self.plan.lifetime() {
            for vr in 0..self.plan.routers {
                self.lose(n, vr);
            }
        }
        if let Some(router) = &mut self.nodes[n].router {
            router.handle_timeout(self.now);
        }
        self.settle_node(n);
    }

    /// The addresses of a master are gone by another's hand.
    fn lose(&mut self, n: usize, vr: usize) {
        let now = self.now;
        let node = &mut self.nodes[n];
        if node.parts[vr].held {
            node.parts[vr].may_add_again = true;
            node.parts[vr].must_add_again = true;
        }
        node.tell(
            now,
            vr,
            Event::Lost {
                address: address(vr),
            },
        );
    }

    /// A flood from a stranger on the network: priorities or claims.
    pub(crate) fn flood(&mut self) {
        let to = self.rng.random_range(0..self.nodes.len());
        let vr = self.rng.random_range(0..self.plan.routers);
        let highest = *[0, 1, 60, 255]
            .get(self.rng.random_range(0..4))
            .expect("four");
        let kind = self.rng.random_range(0..3);
        let every = self.plan.longest_interval().duration() / 50;
        self.note(format_args!(
            "flood of kind {kind}, up to {highest}, at node {to} vr {vr}"
        ));
        for count in 0..self.rng.random_range(1..100) {
            let packet = match kind {
                0 => Incoming::Event(Event::Claimed {
                    address: address(vr),
                    by: lb_vrrp::network::MacAddress([6, 6, 6, 6, 6, 6]),
                }),
                _ => Incoming::Advertisement(source(99, vr), self.forgery(vr, highest)),
            };
            self.forge(to, vr, every * count, packet);
        }
    }

    fn forgery(&mut self, vr: usize, highest: u8) -> Advertisement {
        Advertisement {
            version: self.plan.version,
            id: VirtualRouterId::new(u8::try_from(vr).expect("few") + 1).expect("not 0"),
            priority: Priority(self.rng.random_range(0..=highest)),
            interval: self.plan.nodes[0].interval,
            addresses: vec![address(vr)],
        }
    }

    /// Every node is stopped that was to stop, and its process ends.
    pub(crate) fn reap(&mut self) {
        for index in 0..self.nodes.len() {
            let node = &mut self.nodes[index];
            let stopped = node
                .router
                .as_ref()
                .is_some_and(|router| router.is_stopped());
            if node.stopping && stopped && node.frozen.is_none() {
                if node.parts.iter().any(|part| part.held) {
                    self.violate(format!("node {index} stopped and left its addresses"));
                    return;
                }
                self.nodes[index].router = None;
            } else if node.stopping && node.router.is_some() && node.frozen.is_none() {
                self.violate(format!("node {index} does not come to an end"));
            }
        }
    }

    /// Whether this node's priority for `vr` is what its weight makes it.
    pub(crate) fn check_priorities(&mut self) {
        for index in 0..self.nodes.len() {
            for vr in 0..self.plan.routers {
                let node = &self.nodes[index];
                let Some(router) = &node.router else { continue };
                let base = self.plan.nodes[index].priorities[vr];
                let counts = vr == 0 || self.plan.grouped;
                let weight = if counts { node.weight } else { 0 };
                let sum = (i16::from(base.0) + weight).clamp(1, 254);
                let want = if base.is_owner() { 255 } else { sum };
                let is = router.machine(RouterIndex(vr)).priority();
                if i16::from(is.0) != want {
                    self.violate(format!(
                        "node {index} vr {vr} has priority {is}, not {want}"
                    ));
                }
            }
        }
    }

    /// A part of the longest down interval.
    pub(crate) fn a_while(&mut self) -> Duration {
        let whole = self.plan.down(Priority(1));
        whole.mul_f64(self.rng.random_range(0.0..0.6))
    }
}
