//! Passwords and keys between two nodes.

use std::time::{SystemTime, UNIX_EPOCH};

use lb_benches::rig::{Node, Profile, Rig, Setup, VIRTUAL_ROUTER_ID, VIRTUAL_V4};

use super::forgery::{Forger, v3};
use super::{count, lb, logged, quick, shown};
use crate::stage::{held_by, rig_with, turn};

const NODES: [Node; 2] = [Node::A, Node::B];

fn hmac(setup: Setup, octet: &str) -> Setup {
    let key = octet.repeat(32);
    setup.extra(&format!(
        "auth = {{ type = \"hmac\", keys = {{ 1 = \"{key}\" }} }}"
    ))
}

/// The backup hears the master, and refuses nothing of it.
fn understood(rig: &mut Rig) {
    rig.start(Node::A).expect("a starts");
    held_by(rig, &[Node::A]);
    rig.start(Node::B).expect("b starts");
    logged(rig, Node::B, "VI: BACKUP: ", 1);
    let heard = |text: &str| text.contains("master 10.77.0.1 with priority 150");
    let text = shown(rig, Node::B, "VI", heard);
    assert!(!text.contains("refused"), "{text}");
}

#[test]
fn a_password_of_eight_octets() {
    let _turn = turn();
    let profile = Profile {
        password: Some("12345678"),
        ..Profile::V2
    };
    understood(&mut quick(profile, &lb(), |setup| setup));
}

#[test]
fn one_key() {
    let _turn = turn();
    let mut rig = rig_with(Profile::V3, [lb(), lb()], |setup| hmac(setup, "a5"));
    understood(&mut rig);
    let signed = |key: u8| {
        let mut message = v3(VIRTUAL_ROUTER_ID, 255, 10, VIRTUAL_V4);
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = u32::try_from(since.expect("after 1970").as_secs()).expect("before 2106");
        // Of type 1, by this key, at this time, with 16 octets that are no signature.
        message.extend([1, key, 0, 0]);
        message.extend(seconds.to_be_bytes());
        message.extend([0; 4]);
        message.extend([0xee; 16]);
        message
    };
    let unsigned = v3(VIRTUAL_ROUTER_ID, 255, 10, VIRTUAL_V4);
    let forger = Forger::new(&rig, 255);
    for (why, forged) in [
        ("it is not signed, and signatures are enforced", unsigned),
        ("its password or signature is wrong", signed(1)),
        (
            "it is signed with a key whose id is not configured",
            signed(2),
        ),
    ] {
        for _ in 0..20 {
            forger.send(&forged);
        }
        for node in NODES {
            let refused = format!("refused 20: {why}");
            shown(&rig, node, "VI", |text| text.contains(&refused));
            logged(&mut rig, node, why, 1);
        }
    }
    for node in NODES {
        assert_eq!(count(&rig, node, "refused"), 3, "one line for each reason");
    }
    assert_eq!(count(&rig, Node::A, "VI: BACKUP: "), 1);
    assert_eq!(count(&rig, Node::B, "VI: MASTER: "), 0);
}

/// Neither can believe the other: both say so.
#[test]
fn two_keys() {
    let _turn = turn();
    let nodes = [
        (Node::A, hmac(Setup::new(lb(), 150), "a5")),
        (Node::B, hmac(Setup::new(lb(), 100), "b6")),
    ];
    let mut rig = Rig::new(Profile::V3, &nodes).expect("a rig can be built");
    rig.start(Node::A).expect("a starts");
    held_by(&rig, &[Node::A]);
    rig.start(Node::B).expect("b starts");
    held_by(&rig, &[Node::A, Node::B]);
    for (node, other) in [(Node::A, Node::B), (Node::B, Node::A)] {
        let refused = format!("VI: advertisement of {} refused", other.v4());
        let line = logged(&mut rig, node, &refused, 1);
        assert!(
            line.contains("its password or signature is wrong"),
            "{line}"
        );
    }
    // The answer to the probe says the same before the address is taken.
    logged(&mut rig, Node::B, "answers for its address", 1);
}
