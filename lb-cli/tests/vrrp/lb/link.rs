//! The peer link: the kernel closes a dead process's connection at once, so nobody waits for timers.

use std::time::Duration;

use lb_benches::rig::{Fault, Mode, Node, Profile};

use super::linked;
use crate::stage::{answered_by, held_by, rig, run, stays, turn};

/// Timers alone would need 2.6 s at the very least.
#[test]
fn a_killed_master_is_replaced_before_any_timer() {
    let _turn = turn();
    let mut rig = rig(Profile::V2, [linked(), linked()]);
    let probe = run(&mut rig, Mode::Udp);
    // Links are up by now: a whole takeover's time has passed with both nodes there.
    stays(&rig, &probe, Node::A);
    rig.apply(Fault::Kill9, Node::A).expect("a is killed");
    answered_by(&probe, Node::B);
    let outage = probe.stop().outage().expect("both have answered");
    assert!(outage.length < Duration::from_millis(1500), "{outage:?}");
    held_by(&rig, &[Node::B]);
}

#[test]
fn a_killed_backup_is_not_missed() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [linked(), linked()]);
    let probe = run(&mut rig, Mode::Udp);
    stays(&rig, &probe, Node::A);
    rig.apply(Fault::Kill9, Node::B).expect("b is killed");
    stays(&rig, &probe, Node::A);
    rig.mend(Fault::Kill9, Node::B).expect("b starts");
    stays(&rig, &probe, Node::A);
}

/// The link runs over the same cable: when it is silent, the timers decide.
#[test]
fn a_master_that_vanishes_with_its_link_is_replaced() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [linked(), linked()]);
    let probe = run(&mut rig, Mode::Udp);
    rig.apply(Fault::Silent, Node::A).expect("a is cut off");
    answered_by(&probe, Node::B);
    rig.mend(Fault::Silent, Node::A).expect("a is back");
    held_by(&rig, &[Node::A]);
    answered_by(&probe, Node::A);
}
