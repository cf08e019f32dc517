//! `lb` on both nodes: each way to lose a master, and what comes after.

use std::time::Duration;

use lb_benches::rig::{Fault, Mode, Node, Profile};

use super::lb;
use crate::stage::{
    PATIENCE, answered_by, held_by, resigned, rig, rig_with, run, sound, stays, turn,
};

#[test]
fn a_killed_master_is_replaced() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    let probe = run(&mut rig, Mode::Http);
    rig.apply(Fault::Kill9, Node::A).expect("a is killed");
    answered_by(&probe, Node::B);
    assert_eq!(rig.neighbour().expect("ip"), Some(Node::B));
    held_by(&rig, &[Node::B]);
    stays(&rig, &probe, Node::B);
}

/// Keepalived leaves it there, and both kernels answer ARP for ever.
#[test]
fn the_kernel_of_a_killed_master_gives_the_address_up() {
    let _turn = turn();
    for profile in [Profile::V3, Profile::V6] {
        let mut rig = rig(profile, [lb(), lb()]);
        let probe = run(&mut rig, Mode::Udp);
        assert!(
            rig.addresses(Node::A)
                .expect("ip")
                .contains(&profile.target())
        );
        let fault = Fault::Kill9Daemon;
        rig.apply(fault, Node::A).expect("only lb is killed");
        answered_by(&probe, Node::B);
        held_by(&rig, &[Node::B]);
        assert!(
            !rig.addresses(Node::A)
                .expect("ip")
                .contains(&profile.target())
        );
    }
}

#[test]
fn a_hung_master_loses_the_address_and_takes_it_back() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    let probe = run(&mut rig, Mode::Udp);
    rig.apply(Fault::Stop, Node::A).expect("a is stopped");
    answered_by(&probe, Node::B);
    held_by(&rig, &[Node::B]);
    rig.mend(Fault::Stop, Node::A).expect("a goes on");
    held_by(&rig, &[Node::A]);
    answered_by(&probe, Node::A);
}

#[test]
fn a_master_without_its_cable_is_replaced_until_it_is_back() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    let probe = run(&mut rig, Mode::Udp);
    for fault in [Fault::LinkDown, Fault::InterfaceDown] {
        rig.apply(fault, Node::A).expect("a is cut off");
        answered_by(&probe, Node::B);
        held_by(&rig, &[Node::B]);
        rig.mend(fault, Node::A).expect("a is back");
        held_by(&rig, &[Node::A]);
        answered_by(&probe, Node::A);
    }
}

/// Timers alone would need 2.6 s.
#[test]
fn a_clean_stop_is_told_and_the_return_is_smooth() {
    let _turn = turn();
    let mut rig = rig(Profile::V2, [lb(), lb()]);
    let capture = rig.capture().expect("dumpcap records");
    let probe = run(&mut rig, Mode::Udp);
    rig.apply(Fault::Term, Node::A).expect("a is told to end");
    let a = rig.daemon(Node::A).expect("a was started");
    let status = a.until_ended(PATIENCE).expect("a ends");
    assert!(status.success(), "{status}");
    held_by(&rig, &[Node::B]);
    answered_by(&probe, Node::B);
    let outage = probe.stop().outage().expect("there were answers");
    assert!(outage.length < Duration::from_secs(2), "{outage:?}");

    let probe = rig.probe(Mode::Udp).expect("a client starts");
    answered_by(&probe, Node::B);
    rig.apply(Fault::Preempt, Node::A).expect("a starts");
    answered_by(&probe, Node::A);
    held_by(&rig, &[Node::A]);
    let outage = probe.stop().outage().expect("there were answers");
    assert!(outage.length < Duration::from_secs(1), "{outage:?}");

    let packets = capture.stop().expect("the recording ends");
    sound(&packets);
    assert!(resigned(&packets, Node::A, &Profile::V2));
}

#[test]
fn without_preemption_a_node_that_returns_stays_backup() {
    let _turn = turn();
    let mut rig = rig_with(Profile::V3, [lb(), lb()], |setup| setup.no_preempt());
    let probe = run(&mut rig, Mode::Udp);
    rig.apply(Fault::Kill9, Node::A).expect("a is killed");
    answered_by(&probe, Node::B);
    held_by(&rig, &[Node::B]);
    rig.mend(Fault::Kill9, Node::A).expect("a starts");
    stays(&rig, &probe, Node::B);
    // It was there, and a backup.
    rig.apply(Fault::Kill9, Node::B).expect("b is killed");
    answered_by(&probe, Node::A);
}

#[test]
fn two_masters_after_a_partition_are_one_again() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    let probe = run(&mut rig, Mode::Udp);
    for fault in [Fault::Partition, Fault::Deaf] {
        rig.apply(fault, Node::A).expect("b is cut off");
        held_by(&rig, &[Node::A, Node::B]);
        rig.mend(fault, Node::A).expect("b hears again");
        held_by(&rig, &[Node::A]);
        answered_by(&probe, Node::A);
    }
}

/// No script in between: `track_backends` is the load balancer's own view.
#[test]
fn a_master_without_servers_gives_the_address_up() {
    let _turn = turn();
    let mut rig = rig_with(Profile::V3, [lb(), lb()], |setup| setup.track_service());
    let probe = run(&mut rig, Mode::Http);
    rig.apply(Fault::Service, Node::A).expect("it is ended");
    answered_by(&probe, Node::B);
    held_by(&rig, &[Node::B]);
    rig.mend(Fault::Service, Node::A).expect("it is started");
    held_by(&rig, &[Node::A]);
    answered_by(&probe, Node::A);
}
