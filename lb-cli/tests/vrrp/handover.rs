//! The address goes from one daemon to another and back, with every packet and every line looked at.

use lb_benches::rig::{Fault, Mode, Node, Profile, Program};

use crate::stage::{
    answered_by, complaints, held_by, keepalived, resigned, rig, run, sound, stays,
};

/// The backup hears the master, hears its farewell, and yields when it returns.
pub(crate) fn there_and_back(profile: Profile, programs: [Program; 2]) {
    let logs = [Node::A, Node::B]
        .into_iter()
        .zip(&programs)
        .filter(|(_, program)| **program == keepalived())
        .map(|(node, _)| node)
        .collect::<Vec<_>>();
    let mut rig = rig(profile, programs);
    let capture = rig.capture().expect("dumpcap records");
    let probe = run(&mut rig, Mode::Udp);
    stays(&rig, &probe, Node::A);
    rig.apply(Fault::Term, Node::A).expect("a is told to end");
    answered_by(&probe, Node::B);
    held_by(&rig, &[Node::B]);
    rig.apply(Fault::Preempt, Node::A).expect("a starts");
    held_by(&rig, &[Node::A]);
    answered_by(&probe, Node::A);
    let packets = capture.stop().expect("the recording ends");
    sound(&packets);
    assert!(resigned(&packets, Node::A, &profile), "no priority 0");
    for node in logs {
        let log = rig.log(node);
        assert_eq!(complaints(&log), [""; 0], "{node} of {profile:?}");
    }
}
