//! Without root: three capabilities are enough, and without them it is said what is missing.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
};

use lb_benches::rig::{Node, Profile, Program, Rig, Setup};
use rustix::process::Signal;

use crate::stage::{PATIENCE, ctl, held_by, logged, turn};

/// Debian's `nobody`.
const NOBODY: u32 = 65534;

/// A rig whose only node runs `lb` as nobody with `capabilities`, as a unit of systemd would.
fn rig(capabilities: &[&str]) -> Rig {
    let setup = Setup::new(super::lb(), 150);
    let mut rig = Rig::new(Profile::V3, &[(Node::A, setup)]).expect("a rig can be built");
    let directory = rig.directory().to_owned();
    // Where cargo builds may be closed to others.
    let binary = directory.join("lb");
    fs::copy(env!("CARGO_BIN_EXE_lb"), &binary).expect("a copy");
    // The admin socket is made there.
    chown(&directory, Some(NOBODY), Some(NOBODY)).expect("the rig runs as root");
    let script = directory.join("lb-as-nobody");
    write(&script, &line(&binary, capabilities));
    rig.setup(Node::A).program = Program::Lb {
        path: script,
        link: false,
    };
    rig
}

fn line(binary: &Path, capabilities: &[&str]) -> String {
    let only = |sign| {
        let named = capabilities.iter().map(|name| format!("{sign}{name}"));
        ["-all".to_owned()]
            .into_iter()
            .chain(named)
            .collect::<Vec<_>>()
            .join(",")
    };
    let set = only('+');
    let binary = binary.display();
    format!(
        "#!/bin/sh\nexec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --no-new-privs \\
  --bounding-set {set} --inh-caps {set} --ambient-caps {set} {binary} \"$@\"\n"
    )
}

fn write(script: &Path, text: &str) {
    fs::write(script, text).expect("a script");
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).expect("a mode");
}

#[test]
fn three_capabilities_are_enough() {
    let _turn = turn();
    let mut rig = rig(&["net_admin", "net_raw", "net_bind_service"]);
    rig.start(Node::A).expect("it starts");
    held_by(&rig, &[Node::A]);
    let pid = rig.daemon(Node::A).expect("it was started").id();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    assert!(
        status.contains("\nUid:\t65534\t65534\t65534\t65534\n"),
        "{status}"
    );
    assert!(status.contains("\nCapEff:\t0000000000003400\n"), "{status}");
    logged(&mut rig, Node::A, "its thread is scheduled as");
    let (code, text) = ctl(&rig, Node::A, "vrrp show");
    assert!(code == Some(0) && text.contains("VI MASTER"), "{text}");
}

#[test]
fn a_missing_capability_is_named() {
    let _turn = turn();
    for capabilities in [
        &["net_raw", "net_bind_service"],
        &["net_admin", "net_bind_service"],
    ] {
        let mut rig = rig(capabilities);
        rig.start(Node::A).expect("it starts");
        let daemon = rig.daemon(Node::A).expect("it was started");
        let status = daemon.until_ended(PATIENCE).expect("it cannot run");
        let log = rig.log(Node::A);
        assert_eq!(status.code(), Some(4), "{log}");
        let why = "error: cannot open virtual router VI, which takes CAP_NET_ADMIN and CAP_NET_RAW: \
                   the system refuses: Operation not permitted";
        assert!(log.contains(why), "{log}");
    }
}

#[test]
fn a_root_that_becomes_nobody_keeps_what_moves_the_address() {
    let _turn = turn();
    let setup = Setup::new(super::lb(), 150).global("user = \"nobody\"");
    let mut rig = Rig::new(Profile::V3, &[(Node::A, setup)]).expect("a rig can be built");
    rig.start(Node::A).expect("it starts");
    held_by(&rig, &[Node::A]);
    let pid = rig.daemon(Node::A).expect("it was started").id();
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let mut with_addresses = Vec::new();
    for thread in threads {
        let path = thread.expect("it runs").path();
        let status = fs::read_to_string(path.join("status")).expect("it runs");
        assert!(
            status.contains("\nUid:\t65534\t65534\t65534\t65534\n"),
            "{status}"
        );
        // More than binding low ports.
        let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let set = u64::from_str_radix(line.expect("the kernel tells").trim(), 16);
        if set.expect("a number") & !0x400 != 0 {
            with_addresses.extend(fs::read_to_string(path.join("comm")));
        }
    }
    assert_eq!(with_addresses, ["vrrp\n"]);
    let (code, text) = ctl(&rig, Node::A, "vrrp show");
    assert!(code == Some(0) && text.contains("VI MASTER"), "{text}");
    let daemon = rig.daemon(Node::A).expect("it was started");
    daemon.signal(Signal::TERM);
    daemon.until_ended(PATIENCE).expect("it stops");
    held_by(&rig, &[]);
}
