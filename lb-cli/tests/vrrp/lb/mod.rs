//! `lb serve` with `[vrrp]`: alone, with a peer link, and beside Keepalived.

mod addresses;
mod connections;
mod control;
mod hostile;
mod interop;
mod link;
mod privileges;
mod scripts;
mod takeover;
mod tracking;
mod witness;

use lb_benches::rig::{Node, Program, Rig};

use crate::stage::{ctl, logged};

/// The binary that cargo has just built.
fn lb() -> Program {
    program(false)
}

/// The same, with a peer link.
fn linked() -> Program {
    program(true)
}

fn program(link: bool) -> Program {
    Program::Lb {
        path: env!("CARGO_BIN_EXE_lb").into(),
        link,
    }
}

/// Waits until the backup `b` knows its master: by advertisements and, if they are linked, by the link.
fn acquainted(rig: &mut Rig, linked: bool) {
    if linked {
        logged(rig, Node::A, "peer 10.77.0.2:5405: linked");
    }
    // It comes once in an interval, and a question takes some milliseconds.
    let heard = || {
        ctl(rig, Node::B, "vrrp show")
            .1
            .contains("master 10.77.0.1 ")
    };
    assert!((0..2000).any(|_| heard()), "b does not hear its master");
}
