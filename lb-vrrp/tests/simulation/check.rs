//! The invariants.

use std::time::{Duration, Instant};

use lb_vrrp::machine::{Reason, RouterIndex, State, Transition};

use crate::limits::Limits;
use crate::node::Sent;
use crate::plan::source;
use crate::world::World;

/// Since when something is so that must not stay.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) limits: Limits,
    /// When these limits began to hold.
    began: Instant,
    nobody: Vec<Option<Instant>>,
    both: Vec<Option<Instant>>,
}

/// Clients must know the master after this.
const TOLD: Duration = Duration::from_millis(200);

impl Watch {
    pub(crate) fn new(routers: usize, now: Instant) -> Self {
        Self {
            limits: Limits::none(routers),
            began: now,
            nobody: vec![None; routers],
            both: vec![None; routers],
        }
    }
}

impl World {
    /// From now on `limits` hold.
    pub(crate) fn demand(&mut self, limits: Limits) {
        self.watch = Watch::new(self.plan.routers, self.now);
        self.watch.limits = limits;
        self.check_now();
    }

    fn servers(&self, vr: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(move |index| self.nodes[*index].serves(vr))
    }

    /// The time has passed: nothing may last too long.
    pub(crate) fn check_durations(&mut self) {
        for vr in 0..self.plan.routers {
            self.tally.checks += 2;
            let over = |since: Option<Instant>, limit: Option<Duration>| {
                let lasted = self.now - since?;
                limit
                    .filter(|limit| lasted > *limit)
                    .map(|limit| (lasted, limit))
            };
            if let Some((lasted, limit)) = over(self.watch.nobody[vr], self.watch.limits.gap[vr]) {
                self.violate(format!(
                    "nobody serves vr {vr} for {lasted:?}, more than {limit:?}"
                ));
            } else if let Some((lasted, limit)) = over(self.watch.both[vr], self.watch.limits.both)
            {
                self.violate(format!(
                    "two serve vr {vr} for {lasted:?}, more than {limit:?}"
                ));
            }
        }
    }

    /// Who serves now, and whom the clients know.
    pub(crate) fn check_now(&mut self) {
        for vr in 0..self.plan.routers {
            let mut servers = self.servers(vr);
            let (first, second) = (servers.next(), servers.next());
            drop(servers);
            let now = self.now;
            let watch = &mut self.watch;
            watch.nobody[vr] = first.is_none().then(|| watch.nobody[vr].unwrap_or(now));
            watch.both[vr] = second.is_some().then(|| watch.both[vr].unwrap_or(now));
            if let (Some(server), None) = (first, second) {
                self.check_client(vr, server);
            }
        }
    }

    fn check_client(&mut self, vr: usize, server: usize) {
        let client = self.clients[vr];
        let changed = self.nodes.iter().map(|node| node.parts[vr].changed).max();
        let settled = changed.is_none_or(|at| self.now > at + TOLD + self.plan.delay);
        // A master that nobody disturbed has nothing to announce again.
        let told = client.told.is_some_and(|told| told > self.watch.began);
        if !self.watch.limits.clients || !settled || !told {
            return;
        }
        self.tally.checks += 1;
        if client.node != Some(server) {
            self.violate(format!(
                "clients send vr {vr} to {:?}, but the master is {server}",
                client.node
            ));
        }
    }

    /// The addresses are set while master and not else, and nobody floods.
    pub(crate) fn check_node(&mut self, index: usize) {
        for vr in 0..self.plan.routers {
            self.tally.checks += 3;
            let node = &mut self.nodes[index];
            let Some(router) = &node.router else { return };
            let machine = router.machine(RouterIndex(vr));
            let part = &mut node.parts[vr];
            let master = machine.state() == State::Master;
            let again = part.must_add_again && master;
            part.may_add_again = false;
            part.must_add_again = false;
            let (held, sent) = (part.held, part.sent);
            let interval = machine.settings().interval().duration();
            if self.now >= sent.second + Duration::from_secs(1) {
                part.sent = Sent {
                    second: self.now,
                    advertisements: 0,
                    announcements: 0,
                    probes: 0,
                    transitions: 0,
                };
            }
            if master != held {
                self.violate(format!(
                    "node {index} vr {vr}: master {master}, addresses set {held}"
                ));
            }
            if again {
                self.violate(format!(
                    "node {index} vr {vr}: lost addresses are not set again"
                ));
            }
            self.check_rate(index, vr, sent, interval);
        }
    }

    fn check_rate(&mut self, index: usize, vr: usize, sent: Sent, interval: Duration) {
        let in_a_second =
            |every: Duration| u32::try_from(1_000_000 / every.as_micros()).expect("not that many");
        let spacing = (interval / 4).min(Duration::from_millis(50));
        let flood = sent.advertisements > in_a_second(spacing) + 4 * sent.transitions + 6
            || sent.announcements > 45 + 4 * sent.transitions
            || sent.probes > 10 + 3 * in_a_second(interval) + 4 * sent.transitions;
        if flood {
            self.violate(format!("node {index} vr {vr} floods: {sent:?}"));
        }
    }

    pub(crate) fn add(&mut self, index: usize, vr: usize) {
        let part = &mut self.nodes[index].parts[vr];
        part.must_add_again = false;
        if std::mem::replace(&mut part.held, true) && !part.may_add_again {
            self.violate(format!("node {index} vr {vr} sets addresses that are set"));
        }
    }

    pub(crate) fn remove(&mut self, index: usize, vr: usize) {
        let part = &mut self.nodes[index].parts[vr];
        part.must_add_again = false;
        if !std::mem::replace(&mut part.held, false) {
            self.violate(format!(
                "node {index} vr {vr} removes addresses that are not set"
            ));
        }
    }

    /// Whether this change is right now.
    pub(crate) fn check_transition(&mut self, index: usize, vr: usize, transition: &Transition) {
        self.tally.checks += 4;
        if transition.from == transition.to {
            self.violate(format!(
                "node {index} vr {vr}: from {0} to {0}",
                transition.to
            ));
        }
        if self.watch.limits.steady {
            self.violate(format!(
                "node {index} vr {vr}: {transition}, and nothing had happened"
            ));
        }
        if let Reason::Outranked {
            master,
            theirs,
            own,
        } = &transition.reason
            && (theirs, *master) < (own, source(index, vr))
        {
            self.violate(format!(
                "node {index} vr {vr} gives way to a worse master: {transition}"
            ));
        }
        if transition.to != State::Master {
            return;
        }
        if self.watch.limits.only.is_some_and(|only| only != index) {
            self.violate(format!(
                "node {index} vr {vr} is before the best: {transition}"
            ));
        }
        self.check_usurper(index, vr, transition);
    }

    /// A living master is preempted only by who may.
    fn check_usurper(&mut self, index: usize, vr: usize, transition: &Transition) {
        let Some(leaving) = self.watch.limits.usurpers else {
            return;
        };
        let plan = &self.plan.nodes[index];
        let heard = self.plan.longest_interval().duration() + self.plan.delay * 4;
        let part = &self.nodes[index].parts[vr];
        let waited = self.now - part.changed;
        let (priority, _) = self.rank(index, vr);
        let may =
            plan.preempt && !part.yielded && waited >= plan.preempt_delay || priority.is_owner();
        let living = |other: &usize| {
            *other != index
                && Some(*other) != leaving
                && self.now > self.nodes[*other].parts[vr].changed + heard
                && !(may && priority > self.rank(*other, vr).0)
        };
        // Who starts as master may be wrong for a moment where it does not ask before.
        let hopeful = plan.start_as_master && self.plan.probe == lb_vrrp::machine::Probe::Off;
        let master = self.servers(vr).find(living);
        if let Some(master) = master.filter(|_| !hopeful) {
            self.violate(format!(
                "node {index} vr {vr} takes over from living node {master}: {transition}"
            ));
        }
    }

    /// Everything is decided: one master, the best of those who preempt, the same for a group.
    pub(crate) fn check_decided(&mut self) {
        let mut of_group = None;
        for vr in 0..self.plan.routers {
            self.tally.checks += 3;
            let servers: Vec<_> = self.servers(vr).collect();
            let eligible: Vec<_> = (0..self.nodes.len())
                .filter(|i| self.nodes[*i].eligible())
                .collect();
            let [server] = servers[..] else {
                if servers.len() > 1 || !eligible.is_empty() {
                    self.violate(format!(
                        "vr {vr} is served by {servers:?}, able are {eligible:?}"
                    ));
                }
                continue;
            };
            if self.plan.grouped && *of_group.get_or_insert(server) != server {
                self.violate(format!(
                    "the sync group is split: {of_group:?} and {server}"
                ));
            }
            let (best, _) = self.rank(server, vr);
            for index in eligible {
                let (priority, _) = self.rank(index, vr);
                let preempts = self.plan.nodes[index].preempt || priority.is_owner();
                if preempts && priority > best && !self.nodes[index].parts[vr].yielded {
                    self.violate(format!(
                        "vr {vr} is with node {server}, but node {index} is better"
                    ));
                }
                let state = self.nodes[index].state(vr);
                if index != server && state != Some(State::Backup) {
                    self.violate(format!(
                        "node {index} vr {vr} is {state:?}, and could be a backup"
                    ));
                }
            }
        }
    }
}
