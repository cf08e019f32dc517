//! What the process knows of itself moves the address: servers that are down, frontends that cannot accept.

use std::process::Command;

use lb_benches::rig::{Fault, Mode, Node, Profile, Program, Rig};

use super::{acquainted, lb, linked};
use crate::stage::{answered_by, held_by, logged, rig_with, run, turn};

/// A backend of the node's service that is checked, and what `[vrrp.VI]` says of it.
fn checked(weight: i16) -> String {
    format!(
        "track_backends = [{{ name = \"own\", weight = {weight} }}]
[backend.own]
check = {{ type = \"tcp\", interval = \"200ms\", rise = 1, fall = 1 }}
server = [{{ name = \"service\", address = \"127.0.0.1:8080\" }}]"
    )
}

#[test]
fn servers_that_are_down_take_the_address_along() {
    let _turn = turn();
    let programs: [fn() -> Program; 2] = [lb, linked];
    for program in programs {
        for weight in [0, -60] {
            let extra = checked(weight);
            let mut rig = rig_with(Profile::V3, [program(), program()], |s| s.extra(&extra));
            let probe = run(&mut rig, Mode::Http);
            let link = program() == linked();
            acquainted(&mut rig, link);
            rig.apply(Fault::Service, Node::A).expect("it is ended");
            answered_by(&probe, Node::B);
            held_by(&rig, &[Node::B]);
            let down = logged(&mut rig, Node::A, "DOWN");
            let left = match weight {
                0 => "VI: FAULT: backend own has 0 usable servers, and 1 are needed",
                _ => "VI: BACKUP: 10.77.0.2 is master with priority 100, above own 90",
            };
            let left = logged(&mut rig, Node::A, left);
            let why = match weight {
                0 => why_taken(link),
                _ => "VI: MASTER: own priority 100 is above 90 of 10.77.0.1",
            };
            let taken = logged(&mut rig, Node::B, why);
            println!("link {link}, weight {weight}:\n{down}\n{left}\n{taken}");

            rig.mend(Fault::Service, Node::A).expect("it is started");
            held_by(&rig, &[Node::A]);
            answered_by(&probe, Node::A);
        }
    }
}

/// A process without file descriptors serves nobody, however well its servers are.
#[test]
fn a_frontend_that_cannot_accept_gives_the_address_up() {
    let _turn = turn();
    let programs: [fn() -> Program; 2] = [lb, linked];
    for program in programs {
        let extra = "track_frontends = [\"web\"]";
        let mut rig = rig_with(Profile::V3, [program(), program()], |s| s.extra(extra));
        let probe = run(&mut rig, Mode::Http);
        let link = program() == linked();
        acquainted(&mut rig, link);
        files(&mut rig, Node::A, "1:");
        answered_by(&probe, Node::B);
        held_by(&rig, &[Node::B]);
        let refused = logged(&mut rig, Node::A, "frontend web cannot accept: ");
        let left = logged(&mut rig, Node::A, "VI: FAULT: frontend web does not accept");
        let taken = logged(&mut rig, Node::B, why_taken(link));
        println!("link {link}:\n{refused}\n{left}\n{taken}");
        files(&mut rig, Node::A, "1024:");
        held_by(&rig, &[Node::A]);
        answered_by(&probe, Node::A);
    }
}

/// With a link it is asked before the skew time is over.
fn why_taken(link: bool) -> &'static str {
    if link {
        "VI: MASTER: 10.77.0.1 hands over"
    } else {
        "VI: MASTER: 10.77.0.1 stops (priority 0)"
    }
}

/// How many files a running daemon may have open (`prlimit` of util-linux).
fn files(rig: &mut Rig, node: Node, limit: &str) {
    let pid = rig.daemon(node).expect("it was started").id();
    let mut command = Command::new("prlimit");
    command.args([format!("--pid={pid}"), format!("--nofile={limit}")]);
    assert!(command.status().expect("prlimit runs").success());
}
