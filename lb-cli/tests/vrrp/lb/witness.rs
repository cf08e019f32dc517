//! `witness`: a node that reaches nobody does not take the address, and one that has it keeps it.

use std::{thread, time::Duration};

use lb_benches::rig::{Fault, Mode, Node, Profile, Rig};

use super::lb;
use crate::stage::{answered_by, held_by, logged, rig_with, run, stays, turn};

/// The client is the witness.
fn witnessed(mode: &str) -> Rig {
    let extra = format!("witness = {{ targets = [\"10.77.0.254\"], mode = \"{mode}\" }}");
    // Long enough that a busy machine does not upset the order of its timers.
    let profile = Profile {
        interval: Duration::from_millis(300),
        ..Profile::V3
    };
    rig_with(profile, [lb(), lb()], |setup| setup.extra(&extra))
}

#[test]
fn an_isolated_backup_does_not_take_the_address() {
    let _turn = turn();
    thread::scope(|scope| {
        scope.spawn(|| isolated("arp"));
        scope.spawn(|| isolated("ping"));
    });
}

fn isolated(mode: &str) {
    let mut rig = witnessed(mode);
    let probe = run(&mut rig, Mode::Udp);
    logged(&mut rig, Node::B, "witness: answered by 10.77.0.254");
    rig.apply(Fault::Silent, Node::B).expect("b is cut off");
    logged(&mut rig, Node::B, "witness: none of 10.77.0.254 answers");
    logged(&mut rig, Node::B, "VI: no witness is reached");
    held_by(&rig, &[Node::A]);
    rig.mend(Fault::Silent, Node::B).expect("b is back");
    stays(&rig, &probe, Node::A);
    let log = rig.log(Node::B);
    assert!(!log.contains("MASTER"), "{mode}: {log}");
    // It is a whole backup again.
    rig.apply(Fault::Kill9, Node::A).expect("a is killed");
    answered_by(&probe, Node::B);
}

/// Both have the address meanwhile, and only one of them is reached.
#[test]
fn an_isolated_master_keeps_it_and_clients_come_back() {
    let _turn = turn();
    let mut rig = witnessed("arp");
    let probe = run(&mut rig, Mode::Udp);
    rig.apply(Fault::Silent, Node::A).expect("a is cut off");
    answered_by(&probe, Node::B);
    assert_eq!(rig.neighbour().expect("ip"), Some(Node::B));
    logged(&mut rig, Node::A, "witness: none of 10.77.0.254 answers");
    held_by(&rig, &[Node::A, Node::B]);
    let capture = rig.capture().expect("dumpcap records");
    rig.mend(Fault::Silent, Node::A).expect("a is back");
    held_by(&rig, &[Node::A]);
    answered_by(&probe, Node::A);
    assert_eq!(rig.neighbour().expect("ip"), Some(Node::A));
    stays(&rig, &probe, Node::A);
    let packets = capture.stop().expect("the recording ends");
    let announced = "arp.isgratuitous == 1 and arp.src.proto_ipv4 == 10.77.0.100";
    assert!(packets.count(announced).expect("tshark reads it") > 0);
}
