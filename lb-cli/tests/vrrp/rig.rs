//! The rig itself: it leaves nothing, and clears away what a killed run has left.

use std::fs;
use std::process::{Command, Stdio};

use lb_benches::rig::{Node, Profile};

use crate::stage::{held_by, keepalived, rig, turn};

/// The namespaces of the process `pid`.
fn namespaces(pid: u32) -> Vec<String> {
    let prefix = format!("lbrig-{pid}-");
    let names = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(&prefix)).collect()
}

#[test]
fn nothing_is_left() {
    let _turn = turn();
    let mut rig = rig(Profile::V3_FASTEST, [keepalived(), keepalived()]);
    rig.start(Node::A).expect("a starts");
    held_by(&rig, &[Node::A]);
    let own = std::process::id();
    assert_eq!(namespaces(own).len(), 4, "two nodes, client and switch");
    drop(rig);
    assert_eq!(namespaces(own), [""; 0]);
}

#[test]
fn what_a_killed_run_left_is_cleared_away() {
    let _turn = turn();
    let mut short = Command::new("true").spawn().expect("true runs");
    let dead = short.id();
    short.wait().expect("it ends");
    let name = format!("lbrig-{dead}-0-a");
    let made = Command::new("ip").args(["netns", "add", &name]).status();
    assert!(made.expect("ip runs").success());
    let mut left = Command::new("ip")
        .args([
            "netns",
            "exec",
            &name,
            "sh",
            "-c",
            "echo in; exec sleep 600",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    // It is in the namespace once it can say so.
    let mut said = [0; 3];
    let mut out = left.stdout.take().expect("piped");
    std::io::Read::read_exact(&mut out, &mut said).expect("a line");

    drop(rig(Profile::V3, [keepalived(), keepalived()]));
    assert_eq!(namespaces(dead), [""; 0]);
    let status = left.wait().expect("it has ended");
    assert!(!status.success(), "it was killed");
}
