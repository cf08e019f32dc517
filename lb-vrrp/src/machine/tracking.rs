//! What a virtual router depends on: its interface, scripts, other interfaces, the services of
//! the process. Each either adds to the priority or decides whether it can be master at all.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::Priority;

/// One thing tracked; the driver numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tracker(pub u16);

/// What one tracked thing says now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Not known yet: the virtual router waits in [`State::Initialize`](super::State::Initialize).
    Pending,
    /// All is well: no effect.
    Fine,
    /// Adds to the priority, or takes from it: Keepalived's `weight`, -253 to 253.
    Weight(i16),
    /// The virtual router cannot be master; why, in words.
    Fault(Arc<str>),
}

/// Everything tracked, and the interface itself.
#[derive(Debug)]
pub(super) struct Tracking {
    up: bool,
    source: Option<IpAddr>,
    effects: BTreeMap<Tracker, Effect>,
    /// Another member of the sync group is in fault, or not started.
    group: Option<GroupHold>,
    /// What the other members' weights add.
    group_weight: i32,
}

/// Why a sync group holds a member that could run by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GroupHold {
    Fault(Arc<str>),
    Pending,
}

/// Whether a virtual router can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fitness {
    Fit,
    Pending,
    Fault(Arc<str>),
}

impl Tracking {
    pub(super) fn new() -> Self {
        Self {
            up: true,
            source: None,
            effects: BTreeMap::new(),
            group: None,
            group_weight: 0,
        }
    }

    /// The address advertisements come from.
    pub(super) const fn source(&self) -> Option<IpAddr> {
        self.source
    }

    pub(super) fn set_interface(&mut self, up: bool, source: Option<IpAddr>) {
        self.up = up;
        self.source = source;
    }

    pub(super) fn set(&mut self, tracker: Tracker, effect: Effect) {
        self.effects.insert(tracker, effect);
    }

    pub(super) fn set_group(&mut self, hold: Option<GroupHold>) {
        self.group = hold;
    }

    pub(super) fn set_group_weight(&mut self, weight: i32) {
        self.group_weight = weight;
    }

    /// The sum of this router's own weights.
    pub(super) fn weight(&self) -> i32 {
        let weight = |effect: &Effect| match effect {
            Effect::Weight(weight) => i32::from(*weight),
            _ => 0,
        };
        self.effects.values().map(weight).sum()
    }

    /// `base` and all weights, kept within 1 to 254; an owner's 255 is beyond them
    /// (Keepalived's effective priority).
    pub(super) fn priority(&self, base: Priority) -> Priority {
        if base.is_owner() {
            return base;
        }
        let sum = i32::from(base.0) + self.weight() + self.group_weight;
        Priority(u8::try_from(sum.clamp(1, 254)).expect("clamped to 1..=254"))
    }

    /// Whether it can run, its sync group left out of account.
    pub(super) fn own_fitness(&self) -> Fitness {
        if !self.up {
            return Fitness::Fault("the interface is down or missing".into());
        }
        if self.source.is_none() {
            return Fitness::Fault("the interface has no address to advertise from".into());
        }
        let mut pending = false;
        for effect in self.effects.values() {
            match effect {
                Effect::Fault(what) => return Fitness::Fault(what.clone()),
                Effect::Pending => pending = true,
                Effect::Fine | Effect::Weight(_) => {}
            }
        }
        if pending {
            Fitness::Pending
        } else {
            Fitness::Fit
        }
    }

    /// Whether it can run.
    pub(super) fn fitness(&self) -> Fitness {
        match (self.own_fitness(), &self.group) {
            (Fitness::Fit, Some(GroupHold::Fault(what))) => Fitness::Fault(what.clone()),
            (Fitness::Fit, Some(GroupHold::Pending)) => Fitness::Pending,
            (own, _) => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_and_stay_within_bounds() {
        let mut tracking = Tracking::new();
        let script = |n| Tracker(n);
        tracking.set(script(1), Effect::Weight(-40));
        tracking.set(script(2), Effect::Weight(10));
        assert_eq!(tracking.priority(Priority(100)), Priority(70));
        tracking.set(script(1), Effect::Weight(-253));
        assert_eq!(tracking.priority(Priority(100)), Priority(1));
        tracking.set(script(1), Effect::Weight(253));
        assert_eq!(tracking.priority(Priority(100)), Priority(254));
        assert_eq!(tracking.priority(Priority::OWNER), Priority::OWNER);
        tracking.set(script(1), Effect::Fine);
        tracking.set_group_weight(-5);
        assert_eq!(tracking.priority(Priority(100)), Priority(105));
    }

    #[test]
    fn a_fault_comes_before_what_is_not_known_yet() {
        let mut tracking = Tracking::new();
        tracking.set_interface(true, Some("192.0.2.1".parse().unwrap()));
        assert_eq!(tracking.fitness(), Fitness::Fit);
        tracking.set(Tracker(1), Effect::Pending);
        assert_eq!(tracking.fitness(), Fitness::Pending);
        tracking.set(Tracker(2), Effect::Fault("script x: exit status 1".into()));
        assert_eq!(
            tracking.fitness(),
            Fitness::Fault("script x: exit status 1".into())
        );
        tracking.set_interface(false, None);
        assert_eq!(
            tracking.fitness(),
            Fitness::Fault("the interface is down or missing".into())
        );
    }
}
