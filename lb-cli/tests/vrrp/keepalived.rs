//! Keepalived alone: what the rig shows is what is known of it, so what the rig shows of others can be believed.

use lb_benches::rig::{Fault, Mode, Node, Profile};

use crate::handover::there_and_back;
use crate::stage::{
    PATIENCE, answered_by, complaints, held_by, keepalived, rig, rig_with, run, turn,
};

#[test]
fn a_killed_master_is_replaced_and_keeps_its_address() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [keepalived(), keepalived()]);
    let probe = run(&mut rig, Mode::Http);
    assert_eq!(rig.neighbour().expect("ip"), Some(Node::A));
    rig.apply(Fault::Kill9, Node::A).expect("a is killed");
    answered_by(&probe, Node::B);
    assert_eq!(rig.neighbour().expect("ip"), Some(Node::B));
    held_by(&rig, &[Node::A, Node::B]);
    let outage = probe.stop().outage().expect("both have answered");
    assert_eq!(
        (outage.from.as_str(), outage.to.as_deref()),
        ("a", Some("b"))
    );
    // Two whole intervals at least, as the third may have been due at once.
    assert!(outage.length > Profile::V3.interval * 2, "{outage:?}");
}

#[test]
fn the_address_goes_there_and_back() {
    let _turn = turn();
    for profile in [Profile::V3, Profile::V6] {
        there_and_back(profile, [keepalived(), keepalived()]);
    }
}

#[test]
fn a_partition_makes_two_masters_and_its_end_one() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [keepalived(), keepalived()]);
    let _probe = run(&mut rig, Mode::Udp);
    rig.apply(Fault::Partition, Node::A)
        .expect("ports are isolated");
    held_by(&rig, &[Node::A, Node::B]);
    rig.mend(Fault::Partition, Node::A)
        .expect("ports are joined");
    held_by(&rig, &[Node::A]);
}

#[test]
fn a_backup_that_hears_nothing_takes_the_address_too() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [keepalived(), keepalived()]);
    let _probe = run(&mut rig, Mode::Udp);
    rig.apply(Fault::Deaf, Node::A).expect("b's firewall drops");
    held_by(&rig, &[Node::A, Node::B]);
    rig.mend(Fault::Deaf, Node::A).expect("b hears again");
    held_by(&rig, &[Node::A]);
}

#[test]
fn a_cable_that_is_pulled_and_put_back() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [keepalived(), keepalived()]);
    let probe = run(&mut rig, Mode::Udp);
    for fault in [Fault::LinkDown, Fault::InterfaceDown, Fault::Stop] {
        rig.apply(fault, Node::A).expect("a fault");
        answered_by(&probe, Node::B);
        rig.mend(fault, Node::A).expect("its end");
        held_by(&rig, &[Node::A]);
        answered_by(&probe, Node::A);
    }
}

#[test]
fn a_dead_service_moves_the_address() {
    let _turn = turn();
    let programs = [keepalived(), keepalived()];
    let mut rig = rig_with(Profile::V3, programs, |setup| setup.track_service());
    let probe = run(&mut rig, Mode::Http);
    rig.apply(Fault::Service, Node::A).expect("it is ended");
    answered_by(&probe, Node::B);
    held_by(&rig, &[Node::B]);
}

/// Or a test that finds none would prove nothing.
#[test]
fn complaints_are_found() {
    let _turn = turn();
    let mut rig = rig_with(Profile::V2_OPEN, [keepalived(), keepalived()], |setup| {
        let password = if setup.priority == 150 { "one" } else { "two" };
        setup.extra(&format!(
            "authentication {{\n auth_type PASS\n auth_pass {password}\n }}"
        ))
    });
    let _probe = run(&mut rig, Mode::Udp);
    let b = rig.daemon(Node::B).expect("b was started");
    b.until_logged("passw", PATIENCE).expect("a complaint");
    assert!(!complaints(&rig.log(Node::B)).is_empty());
}
