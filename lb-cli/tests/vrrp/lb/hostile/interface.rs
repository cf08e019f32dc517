//! The interface and what is set on it, changed by others.

use lb_benches::rig::{Mode, Node, Profile};

use super::{count, lb, logged};
use crate::stage::{answered_by, held_by, rig, run, stays, turn};

#[test]
fn it_comes_later_and_goes_and_comes_back() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    rig.unplug(Node::A).expect("it is there");
    rig.start(Node::A).expect("a starts");
    logged(&mut rig, Node::A, "VI: FAULT: the interface is down", 1);
    rig.plug(Node::A).expect("it is not there");
    held_by(&rig, &[Node::A]);
    rig.start(Node::B).expect("b starts");
    for times in 2..=3 {
        rig.unplug(Node::A).expect("it is there");
        logged(&mut rig, Node::A, "VI: FAULT: the interface is down", times);
        held_by(&rig, &[Node::B]);
        rig.plug(Node::A).expect("it is not there");
        held_by(&rig, &[Node::A]);
    }
    // What went with the interface was nobody's removal.
    assert_eq!(count(&rig, Node::A, "removed by somebody"), 0);
}

#[test]
fn its_own_address_goes_and_comes_back() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    let probe = run(&mut rig, Mode::Udp);
    let own = "10.77.0.1/24 dev eth0";
    rig.ip(Node::A, &format!("address delete {own}"))
        .expect("ip");
    let fault = "VI: FAULT: the interface has no address to advertise from";
    logged(&mut rig, Node::A, fault, 1);
    answered_by(&probe, Node::B);
    held_by(&rig, &[Node::B]);
    rig.ip(Node::A, &format!("address add {own}")).expect("ip");
    answered_by(&probe, Node::A);
    held_by(&rig, &[Node::A]);
}

#[test]
fn another_mtu_changes_nothing() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    let probe = run(&mut rig, Mode::Udp);
    let before = count(&rig, Node::A, "VI: ");
    for mtu in [1400, 600, 1500] {
        rig.ip(Node::A, &format!("link set eth0 mtu {mtu}"))
            .expect("ip");
    }
    stays(&rig, &probe, Node::A);
    assert_eq!(
        count(&rig, Node::A, "VI: "),
        before,
        "no transition, no trouble"
    );
}

#[test]
fn a_virtual_address_that_somebody_removes_is_set_again_and_that_is_told() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    let probe = run(&mut rig, Mode::Udp);
    let removed = "VI: 10.77.0.100 was removed by somebody else";
    assert_eq!(count(&rig, Node::A, removed), 0);
    rig.ip(Node::A, "address delete 10.77.0.100/24 dev eth0")
        .expect("ip");
    logged(&mut rig, Node::A, removed, 1);
    held_by(&rig, &[Node::A]);
    stays(&rig, &probe, Node::A);
    assert_eq!(count(&rig, Node::A, "VI: BACKUP"), 1, "at its start only");
}
