//! Two processes on one host that are told to be the same node: a mistake, and no protocol tells them of each other.

use lb_benches::rig::{Mode, Node, Profile};

use super::{count, lb, logged};
use crate::stage::{PATIENCE, answered_by, held_by, rig, run, stays, turn};

/// Both have the address, and each sets again what the other removes. Killed; one that stops says so in the name of both.
#[test]
fn a_second_process_of_the_same_node_does_not_flap_or_take_the_address_with_it() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    let probe = run(&mut rig, Mode::Udp);
    let removed = "10.77.0.100 was removed by somebody else";
    let twin = rig
        .twin(Node::A, |text| text.replace("*:80", "*:81"))
        .expect("it starts");
    // It takes what it finds for its predecessor's.
    logged(&mut rig, Node::A, removed, 1);
    twin.until_logged("VI: MASTER", PATIENCE)
        .expect("it hears nobody");
    stays(&rig, &probe, Node::A);
    drop(twin);
    answered_by(&probe, Node::A);
    held_by(&rig, &[Node::A]);
    stays(&rig, &probe, Node::A);
    for (node, state, times) in [
        (Node::A, "BACKUP", 1),
        (Node::A, "MASTER", 1),
        (Node::B, "MASTER", 0),
    ] {
        assert_eq!(count(&rig, node, &format!("VI: {state}")), times, "{node}");
    }
}
