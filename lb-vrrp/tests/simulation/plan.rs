//! What a seed makes: how many nodes there are, and what each is told.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use lb_vrrp::machine::{Probe, Settings};
use lb_vrrp::{Interval, Priority, Version, VirtualRouterId};
use rand::rngs::StdRng;
use rand::{RngExt, seq::IndexedRandom};

/// The settings of one node.
#[derive(Clone, Debug)]
pub(crate) struct NodePlan {
    /// One for each virtual router.
    pub(crate) priorities: Vec<Priority>,
    pub(crate) interval: Interval,
    pub(crate) preempt: bool,
    pub(crate) preempt_delay: Duration,
    pub(crate) start_as_master: bool,
}

/// Everything that is fixed for a story.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) version: Version,
    pub(crate) missed: u8,
    pub(crate) probe: Probe,
    /// Virtual routers on each node.
    pub(crate) routers: usize,
    /// They are one sync group.
    pub(crate) grouped: bool,
    /// The nodes have peer links.
    pub(crate) linked: bool,
    /// The nodes advertise in different intervals (version 3).
    pub(crate) mixed: bool,
    /// The longest way of a packet through the whole network.
    pub(crate) delay: Duration,
    pub(crate) nodes: Vec<NodePlan>,
}

impl Plan {
    pub(crate) fn new(rng: &mut StdRng) -> Self {
        let version = *[Version::V2, Version::V3].choose(rng).expect("two");
        let choices: &[u16] = match version {
            Version::V2 => &[100, 100, 100, 200],
            Version::V3 => &[1, 5, 10, 10, 100, 100, 250],
        };
        let base = *choices.choose(rng).expect("some");
        let mixed = version == Version::V3 && rng.random_bool(0.15);
        let routers = rng.random_range(1..=2);
        let grouped = routers == 2 && rng.random_bool(0.6);
        let all_preempt = rng.random_bool(0.5);
        let near = rng.random_bool(0.3);
        let count = rng.random_range(2..=5);
        let owner = (!grouped && rng.random_bool(0.1)).then_some(0);
        let nodes = (0..count).map(|index| {
            let one = |rng: &mut StdRng| match (owner == Some(index), near) {
                (true, _) => Priority::OWNER,
                (false, true) => Priority(rng.random_range(99..=102)),
                (false, false) => Priority(rng.random_range(1..=254)),
            };
            let first = one(rng);
            let priorities = (0..routers)
                .map(|_| if grouped { first } else { one(rng) })
                .collect();
            let factor = if mixed { rng.random_range(1..=4) } else { 1 };
            let interval = Interval::from_centiseconds(version, base * factor).expect("in range");
            let preempt = all_preempt || rng.random_bool(0.5);
            let delayed = preempt && rng.random_bool(0.2);
            let intervals = rng.random_range(1..=5);
            NodePlan {
                priorities,
                interval,
                preempt,
                preempt_delay: if delayed {
                    interval.duration() * intervals
                } else {
                    Duration::ZERO
                },
                start_as_master: preempt && rng.random_bool(0.2),
            }
        });
        let nodes: Vec<_> = nodes.collect();
        let interval = Duration::from_millis(u64::from(base) * 10);
        Self {
            version,
            missed: *[2, 3, 3, 3, 5].choose(rng).expect("some"),
            probe: *[Probe::Alarm, Probe::Alarm, Probe::Hold, Probe::Off]
                .choose(rng)
                .expect("some"),
            routers,
            grouped,
            linked: rng.random_bool(0.4),
            mixed,
            delay: (interval / 20).min(Duration::from_millis(2)),
            nodes,
        }
    }

    /// The settings of `node` for the virtual router `vr`.
    pub(crate) fn settings(&self, node: usize, vr: usize) -> Settings {
        let plan = &self.nodes[node];
        let id = VirtualRouterId::new(u8::try_from(vr).expect("few") + 1).expect("not 0");
        Settings::builder(id)
            .version(self.version)
            .priority(plan.priorities[vr])
            .interval(plan.interval)
            .addresses([address(vr)])
            .preempt(plan.preempt)
            .preempt_delay(plan.preempt_delay)
            .start_as_master(plan.start_as_master)
            .down_timer_adverts(self.missed)
            .probe(self.probe)
            .build()
            .expect("the plan is valid")
    }

    pub(crate) fn longest_interval(&self) -> Interval {
        let intervals = self.nodes.iter().map(|node| node.interval);
        intervals.max().expect("two nodes at least")
    }

    /// How long a backup of `priority` waits at most, whoever its master was (RFC 9568 §6.1).
    pub(crate) fn down(&self, priority: Priority) -> Duration {
        self.longest_interval().duration() * u32::from(self.missed) + self.skew(priority)
    }

    /// The skew time of `priority`, whoever the master was; written down anew, because what is
    /// tested cannot say what it should be.
    pub(crate) fn skew(&self, priority: Priority) -> Duration {
        let rest = u64::from(256 - u16::from(priority.0));
        let whole = match self.version {
            Version::V2 => 1_000_000,
            Version::V3 => u64::from(self.longest_interval().centiseconds()) * 10_000,
        };
        Duration::from_nanos(whole * 1000 * rest / 256)
    }

    /// How long a kernel keeps addresses that nobody refreshes.
    pub(crate) fn lifetime(&self) -> Duration {
        self.longest_interval().duration() * 3
    }

    /// After this long without a fault in a whole network everything is decided.
    pub(crate) fn settling(&self) -> Duration {
        let delays = self.nodes.iter().map(|node| node.preempt_delay);
        let delay = delays.max().expect("two nodes at least");
        let once =
            delay + self.down(Priority(1)) * 3 + self.lifetime() + Duration::from_millis(300);
        if self.grouped { once * 2 } else { once }
    }
}

/// The virtual address of `vr`.
pub(crate) fn address(vr: usize) -> IpAddr {
    Ipv4Addr::new(10, 0, u8::try_from(vr).expect("few"), 100).into()
}

/// Where `node` advertises `vr` from; who comes later ranks higher in a tie.
pub(crate) fn source(node: usize, vr: usize) -> IpAddr {
    let [vr, node] = [vr, node].map(|n| u8::try_from(n).expect("few"));
    Ipv4Addr::new(10, 0, vr, 10 + node).into()
}
