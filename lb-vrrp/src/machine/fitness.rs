//! Where a machine goes when what it depends on changes.

use std::time::Instant;

use super::tracking::{Fitness, Tracking};
use super::{Action, Machine, Reason, State};
use crate::Priority;

impl Machine {
    /// Goes where its fitness says.
    pub(super) fn assess(&mut self, now: Instant) {
        if !self.running {
            return;
        }
        match (self.tracking.fitness(), self.state) {
            (Fitness::Fault(_), State::Fault) => {}
            (Fitness::Fault(what), _) => self.rest(State::Fault, Reason::Fault(what)),
            (Fitness::Fit, State::Initialize) => self.enter(now, Reason::Started),
            (Fitness::Fit, State::Fault) => self.enter(now, Reason::Recovered),
            (Fitness::Fit | Fitness::Pending, _) => {}
        }
    }

    /// Begins to run, as a backup unless it owns the addresses.
    fn enter(&mut self, now: Instant, reason: Reason) {
        let owner = self.priority().is_owner();
        if owner && !self.grouped && !self.isolated {
            self.become_master(now, Reason::Owner);
            return;
        }
        let hopeful = self.settings.start_as_master && reason == Reason::Started;
        self.become_backup(now, reason, hopeful);
        if owner {
            // Its group or its witnesses decide, and it waits for nobody else.
            self.waiting.at_most(now, Reason::Owner);
        }
    }

    /// Stops taking part, at once.
    pub(super) fn rest(&mut self, to: State, reason: Reason) {
        if self.state == to {
            return;
        }
        if self.state == State::Master {
            self.abdicate();
            self.advertise(Priority::STOP);
            self.actions.push_back(Action::AskSuccessor);
        }
        self.waiting.clear();
        self.master = None;
        self.change(to, reason);
    }

    /// Changes what it tracks; a priority that moved is heard at once and moves the timers.
    pub(super) fn reweigh(&mut self, now: Instant, change: impl FnOnce(&mut Tracking)) {
        let before = self.priority();
        change(&mut self.tracking);
        let after = self.priority();
        if before == after {
            return;
        }
        match self.state {
            State::Backup => self.waiting.shift(&self.settings, before, after),
            State::Master => self.reign.hasten(now, self.settings.interval),
            State::Initialize | State::Fault => {}
        }
    }
}
