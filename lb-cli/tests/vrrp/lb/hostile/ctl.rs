//! The admin socket, asked for what cannot be.

use lb_benches::rig::{Mode, Node, Profile};

use super::{ctl, lb};
use crate::stage::{rig, run, stays, turn};

#[test]
fn what_cannot_be_handed_over_is_an_error_in_words() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    let probe = run(&mut rig, Mode::Udp);
    for (node, words, expected) in [
        (
            Node::B,
            &["vrrp", "handover", "VI"][..],
            "VI is BACKUP, and only a master can hand over",
        ),
        (
            Node::A,
            &["vrrp", "handover", "VI_2"],
            "no virtual router `VI_2`: there are VI",
        ),
        (
            Node::A,
            &["vrrp", "show", "VI_2"],
            "no virtual router `VI_2`: there are VI",
        ),
        (Node::A, &["vrrp", "handover"], "vrrp handover"),
        (Node::A, &["vrrp", "retire", "VI"], "vrrp retire VI"),
    ] {
        let output = ctl(&rig, node, words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.starts_with("error: "), "{words:?}: {output:?}");
        assert!(said.contains(expected), "{words:?}: {said}");
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(output.stdout.is_empty(), "{words:?}: {output:?}");
    }
    stays(&rig, &probe, Node::A);
}
