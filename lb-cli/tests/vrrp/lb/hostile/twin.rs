//! Two processes on one host that are told to be the same node: a mistake, and no protocol tells them of each other.

use lb_benches::rig::{Mode, Node, Profile};

use super::{count, lb};
use crate::stage::{PATIENCE, rig, run, stays, turn};

#[test]
fn a_second_process_of_the_same_node_does_not_start() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    let probe = run(&mut rig, Mode::Udp);
    let mut twin = rig
        .twin(Node::A, |text| text.replace("*:80", "*:81"))
        .expect("it can be tried");
    let status = twin.until_ended(PATIENCE).expect("it ends by itself");
    assert_eq!(status.code(), Some(4), "{}", twin.log());
    let why = "another process on this host runs virtual router 88 on eth0";
    assert!(twin.log().contains(why), "{}", twin.log());
    stays(&rig, &probe, Node::A);
    assert_eq!(count(&rig, Node::A, "VI: MASTER"), 1);
    assert_eq!(count(&rig, Node::A, "removed by somebody"), 0);
}
