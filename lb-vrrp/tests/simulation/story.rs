//! What happens in one seed: trouble, then a whole network, then one fault after another in it.

use std::time::Duration;

use rand::RngExt;

use lb_vrrp::Priority;

use crate::Tally;
use crate::fault::Fault;
use crate::limits::{Limits, anybody};
use crate::network::Network;
use crate::world::World;

/// An invariant that did not hold.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) what: String,
    pub(crate) trace: String,
}

/// Tells the story of `seed`; in the end how much was done and, if `traced`, its trace.
///
/// # Errors
/// The trace and the invariant that did not hold.
pub(crate) fn tell(seed: u64, traced: bool) -> Result<(Tally, String), Violation> {
    let mut world = World::new(seed, traced);
    world.boot_all();
    for _ in 0..world.rng.random_range(1..=3) {
        if world.violation.is_some() {
            break;
        }
        if world.rng.random_bool(0.6) {
            world.trouble();
            world.heal();
        }
        world.settle(None);
        for _ in 0..world.rng.random_range(0..=4) {
            if let Some(fault) = Fault::any(&mut world) {
                world.settle(Some(fault));
                // Who stood still while others went on is the hardest to take back.
                let thaw = Fault::Thaw(fault.node());
                if thaw.is_possible(&world) {
                    world.settle(Some(thaw));
                }
            }
        }
    }
    let trace = world.trace.take().unwrap_or_default();
    match world.violation {
        Some(what) => Err(Violation { what, trace }),
        None => Ok((world.tally, trace)),
    }
}

impl World {
    fn boot_all(&mut self) {
        for index in 0..self.nodes.len() {
            if self.rng.random_bool(0.5) {
                let while_ = self.a_while();
                self.run_for(while_);
            }
            Fault::Boot(index).strike(self);
        }
    }

    /// Anything goes wrong, all at once.
    fn trouble(&mut self) {
        self.demand(Limits::none(self.plan.routers));
        self.note(format_args!("trouble"));
        for _ in 0..self.rng.random_range(3..15) {
            let time = self.a_while();
            self.run_for(time);
            match self.rng.random_range(0..6) {
                0 | 1 => {
                    let interval = self.plan.longest_interval().duration();
                    self.network.trouble(&mut self.rng, interval);
                }
                2 => self.flood(),
                _ => {
                    if let Some(fault) = Fault::any(self) {
                        fault.strike(self);
                    }
                }
            }
        }
    }

    /// The network is whole again, nobody stands still, and most of the rest is mended.
    fn heal(&mut self) {
        self.note(format_args!("healed"));
        self.network = Network::whole(self.nodes.len(), self.plan.delay);
        // What is still on its way arrives, and who steps aside does not wait any more.
        let way = self.plan.longest_interval().duration() * 4;
        self.run_for(way + Duration::from_millis(300));
        for index in 0..self.nodes.len() {
            self.thaw(index);
            let mended = [
                Fault::InterfaceUp(index),
                Fault::Recover(index),
                Fault::Rejoin(index),
                Fault::Boot(index),
            ];
            for mend in mended {
                if mend.is_possible(self) && self.rng.random_bool(0.8) {
                    mend.strike(self);
                }
            }
        }
    }

    /// Lets everything be decided, after one fault or after much trouble; then nothing changes.
    fn settle(&mut self, fault: Option<Fault>) {
        if self.violation.is_some() {
            return;
        }
        match fault {
            Some(fault) => {
                let limits = Limits::of(self, fault);
                self.note(format_args!("for {fault:?}: {limits:?}"));
                self.demand(limits);
                fault.strike(self);
                if !anybody(self, None) {
                    self.watch.limits.gap.fill(None);
                }
            }
            None => {
                let limits = Limits::settling(self);
                self.note(format_args!("settling: {limits:?}"));
                self.demand(limits);
            }
        }
        self.run_for(self.plan.settling());
        self.reap();
        self.check_decided();
        self.check_priorities();
        if self.violation.is_none() {
            self.note(format_args!("steady"));
            self.demand(Limits::steady(self));
            self.run_for(self.plan.down(Priority(1)));
        }
    }
}
