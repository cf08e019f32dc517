//! Every virtual router of one process, and the sync groups that hold some of them together.
//!
//! A group moves as one: it becomes master when the time of every member has run out, and stops
//! being master when one member does. A fault of one is a fault of all, and the weights of all
//! count for each, so that no two members ever rank differently (Keepalived's
//! `vrrp_sync_group`).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::tracking::{Fitness, GroupHold};
use super::{Action, Event, Machine, Reason, Settings, State};
use crate::Advertisement;

/// Which of a [`Router`]'s machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouterIndex(pub usize);

/// The machines of one process: a VRRP router with its virtual routers (RFC 9568 §1.6).
#[derive(Debug, Default)]
pub struct Router {
    members: Vec<Member>,
    groups: Vec<Vec<usize>>,
}

#[derive(Debug)]
struct Member {
    name: Arc<str>,
    machine: Machine,
    /// Its state when its group last settled.
    settled: State,
}

impl Router {
    /// A router without virtual routers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a virtual router; `name` is for the log.
    pub fn add(&mut self, name: impl Into<Arc<str>>, settings: Settings) -> RouterIndex {
        self.members.push(Member {
            name: name.into(),
            machine: Machine::new(settings),
            settled: State::Initialize,
        });
        RouterIndex(self.members.len() - 1)
    }

    /// Ties `members` together. A member of two groups is the first one's.
    pub fn group(&mut self, members: impl IntoIterator<Item = RouterIndex>) {
        let free = |index: &usize| !self.members[*index].machine.grouped;
        let members: Vec<_> = members.into_iter().map(|i| i.0).filter(free).collect();
        if members.len() > 1 {
            for &index in &members {
                self.members[index].machine.grouped = true;
            }
            self.groups.push(members);
        }
    }

    /// The indices of all virtual routers, in the order they were added.
    pub fn indices(&self) -> impl Iterator<Item = RouterIndex> + use<> {
        (0..self.members.len()).map(RouterIndex)
    }

    /// One of the virtual routers.
    pub fn machine(&self, index: RouterIndex) -> &Machine {
        &self.members[index.0].machine
    }

    /// Its name.
    pub fn name(&self, index: RouterIndex) -> &Arc<str> {
        &self.members[index.0].name
    }

    /// Starts all.
    pub fn start(&mut self, now: Instant) {
        for member in &mut self.members {
            member.machine.running = true;
        }
        // Who is not fit holds its group before anybody enters.
        self.settle(now);
        for member in &mut self.members {
            member.machine.start(now);
        }
        self.settle(now);
    }

    /// Stops all; see [`Machine::stop`].
    pub fn stop(&mut self, now: Instant) {
        for member in &mut self.members {
            member.machine.stop(now);
        }
    }

    /// Whether all are stopped.
    pub fn is_stopped(&self) -> bool {
        self.members.iter().all(|m| m.machine.is_stopped())
    }

    /// See [`Machine::handle_advertisement`].
    pub fn handle_advertisement(
        &mut self,
        now: Instant,
        index: RouterIndex,
        source: IpAddr,
        heard: &Advertisement,
    ) {
        let machine = &mut self.members[index.0].machine;
        machine.handle_advertisement(now, source, heard);
        self.settle(now);
    }

    /// See [`Machine::handle_event`]. A group hands over as one.
    pub fn handle_event(&mut self, now: Instant, index: RouterIndex, event: Event) {
        let group = self.groups.iter().find(|group| group.contains(&index.0));
        match (&event, group) {
            (Event::HandOver, Some(group)) => {
                for &index in group {
                    self.members[index]
                        .machine
                        .handle_event(now, Event::HandOver);
                }
            }
            _ => self.members[index.0].machine.handle_event(now, event),
        }
        self.settle(now);
    }

    /// The earliest of all machines.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timeouts = self.members.iter().map(|m| m.machine.poll_timeout());
        timeouts.flatten().min()
    }

    /// Does what is due in any machine.
    pub fn handle_timeout(&mut self, now: Instant) {
        for member in &mut self.members {
            if member.machine.poll_timeout().is_some_and(|due| due <= now) {
                member.machine.handle_timeout(now);
            }
        }
        self.settle(now);
    }

    /// The next thing to do, and for whom.
    pub fn poll_action(&mut self) -> Option<(RouterIndex, Action)> {
        let mut members = self.members.iter_mut().enumerate();
        members.find_map(|(index, m)| Some((RouterIndex(index), m.machine.poll_action()?)))
    }

    fn settle(&mut self, now: Instant) {
        for group in 0..self.groups.len() {
            self.share_fitness(now, group);
            self.share_weights(now, group);
            self.move_together(now, group);
        }
    }

    /// A fault of one member is a fault of all.
    fn share_fitness(&mut self, now: Instant, group: usize) {
        let own: Vec<_> = self.groups[group]
            .iter()
            .map(|&index| (index, self.members[index].machine.tracking.own_fitness()))
            .collect();
        for &(index, _) in &own {
            let others = || own.iter().filter(|(other, _)| *other != index);
            let fault = others().find_map(|(other, fitness)| match fitness {
                Fitness::Fault(what) => Some((other, what)),
                _ => None,
            });
            let hold = match fault {
                Some((other, what)) => {
                    let words = format!("{} of its sync group: {what}", self.members[*other].name);
                    Some(GroupHold::Fault(words.into()))
                }
                None if others().any(|(_, fitness)| *fitness == Fitness::Pending) => {
                    Some(GroupHold::Pending)
                }
                None => None,
            };
            let machine = &mut self.members[index].machine;
            machine.tracking.set_group(hold);
            machine.assess(now);
        }
    }

    fn share_weights(&mut self, now: Instant, group: usize) {
        let weight = |index: &usize| self.members[*index].machine.tracking.weight();
        let sum: i32 = self.groups[group].iter().map(weight).sum();
        for &index in &self.groups[group] {
            let machine = &mut self.members[index].machine;
            let others = sum - machine.tracking.weight();
            machine.reweigh(now, |tracking| tracking.set_group_weight(others));
        }
    }

    /// All masters, or none.
    fn move_together(&mut self, now: Instant, group: usize) {
        let members = &self.groups[group];
        let fell = |index: &&usize| {
            let member = &self.members[**index];
            member.settled == State::Master && member.machine.state == State::Backup
        };
        // One may be master already: the group was torn while it stepped aside.
        let wants = |index: &usize| self.members[*index].machine.wants_master();
        let ready = |index: &usize| wants(index) || self.members[*index].machine.is_reigning();
        if let Some(cause) = members.iter().find(fell) {
            let name = self.members[*cause].name.clone();
            for &index in members {
                let machine = &mut self.members[index].machine;
                machine.fall_with(now, Reason::SyncGroup(name.clone()));
            }
        } else if members.iter().all(ready) {
            let rise: Vec<_> = members.iter().copied().filter(wants).collect();
            for index in rise {
                let machine = &mut self.members[index].machine;
                let reason = machine.takeover_reason(now);
                machine.become_master(now, reason);
            }
        }
        for &index in &self.groups[group] {
            let member = &mut self.members[index];
            member.settled = member.machine.state;
        }
    }
}

impl Machine {
    /// Whether it is master, and is to stay so.
    fn is_reigning(&self) -> bool {
        self.state == State::Master && !self.is_stepping_aside()
    }

    /// Another member of its group is master no more.
    fn fall_with(&mut self, now: Instant, reason: Reason) {
        if self.state != State::Master {
            return;
        }
        // Whoever succeeds one member has all of them; who steps aside has said so already.
        let handed_over = self.is_stepping_aside();
        self.abdicate();
        if handed_over {
            self.yielded = true;
        } else {
            self.advertise(crate::Priority::STOP);
        }
        self.become_backup(now, reason, false);
    }
}
