//! `lb ctl vrrp`: what it shows, and a handover that clients do not notice.

use std::thread;

use lb_benches::rig::{Mode, Node, Profile, Program};

use super::{acquainted, lb, linked};
use crate::stage::{answered_by, ctl, held_by, rig, run, stays, turn};

/// Side by side: each waits for its own seconds, and hardly works.
#[test]
fn a_handover_loses_next_to_nothing_and_is_not_taken_back() {
    let _turn = turn();
    thread::scope(|scope| {
        scope.spawn(a_handover_to_nobody_is_refused_and_changes_nothing);
        for profile in [Profile::V2, Profile::V3] {
            scope.spawn(move || handed_over(profile, lb));
            scope.spawn(move || handed_over(profile, linked));
        }
    });
}

fn handed_over(profile: Profile, program: fn() -> Program) {
    let mut rig = rig(profile, [program(), program()]);
    let probe = run(&mut rig, Mode::Udp);
    let link = program() == linked();
    acquainted(&mut rig, link);
    shown(&rig, profile);

    let (code, text) = ctl(&rig, Node::B, "vrrp handover VI");
    let why = "VI is BACKUP, and only a master can hand over";
    assert!(code == Some(1) && text.contains(why), "{code:?} {text}");

    let (code, text) = ctl(&rig, Node::A, "vrrp handover VI");
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("VI is BACKUP now: handed over to 10.77.0.2"),
        "{text}"
    );
    held_by(&rig, &[Node::B]);
    answered_by(&probe, Node::B);
    // It has the higher priority, and leaves it at that.
    stays(&rig, &probe, Node::B);
    let record = probe.stop().settled();
    println!("handover, {}, link {link}: {record}", profile.name);
    assert!(record.lost() <= 5, "{record}");

    // As before, the other way round.
    let (code, text) = ctl(&rig, Node::B, "vrrp handover VI");
    assert_eq!(code, Some(0), "{text}");
    held_by(&rig, &[Node::A]);
}

/// What both nodes show while `a` is master.
fn shown(rig: &lb_benches::rig::Rig, profile: Profile) {
    let (code, a) = ctl(rig, Node::A, "vrrp show");
    assert_eq!(code, Some(0), "{a}");
    let version = format!("VRRPv{} id 88 on eth0 from 10.77.0.1", profile.version);
    for part in [
        "VI MASTER for ",
        ", priority 150: no advertisement from anybody for ",
        &version,
        "addresses 10.77.0.100",
        "became master 1 times",
        "(0 of priority 0), received 0 (0 of priority 0)",
    ] {
        assert!(a.contains(part), "no `{part}` in\n{a}");
    }
    let (code, b) = ctl(rig, Node::B, "vrrp show VI");
    assert_eq!(code, Some(0), "{b}");
    for part in [
        "VI BACKUP for ",
        ", priority 100: started",
        "master 10.77.0.1 with priority 150, every ",
        "became master 0 times; advertisements sent 0 (",
    ] {
        assert!(b.contains(part), "no `{part}` in\n{b}");
    }
    assert!(!b.contains("received 0 ("), "{b}");
    assert_eq!(ctl(rig, Node::B, "vrrp show VI_2").0, Some(1));
}

fn a_handover_to_nobody_is_refused_and_changes_nothing() {
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    rig.start(Node::A).expect("a starts");
    held_by(&rig, &[Node::A]);
    let probe = rig.probe(Mode::Udp).expect("a client starts");
    answered_by(&probe, Node::A);
    let (code, text) = ctl(&rig, Node::A, "vrrp handover VI");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("nobody has taken over"), "{text}");
    stays(&rig, &probe, Node::A);
    let record = probe.stop().settled();
    assert_eq!(record.answered_by(Node::A), record.asked(), "{record}");
}
