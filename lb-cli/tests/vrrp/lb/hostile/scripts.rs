//! A check script that cannot be run any more.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use lb_benches::rig::{Node, Profile};

use super::{lb, logged};
use crate::stage::{held_by, rig_with, turn};

/// Removed when dropped.
struct Script(PathBuf);

impl Script {
    fn new() -> Self {
        let name = format!("lb-hostile-{}.sh", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, "#!/bin/sh\nexit 0\n").expect("it is written");
        let script = Self(path);
        script.set_mode(0o755);
        script
    }

    fn set_mode(&self, mode: u32) {
        fs::set_permissions(&self.0, Permissions::from_mode(mode)).expect("chmod");
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

#[test]
fn a_script_that_cannot_be_run_any_more_is_a_fault() {
    let _turn = turn();
    let script = Script::new();
    let mut rig = rig_with(Profile::V3, [lb(), lb()], |setup| {
        setup
            .extra("track_scripts = [\"alive\"]")
            .extra("[script.alive]")
            .extra(&format!("command = [{:?}]", script.0))
            .extra("interval = \"100ms\"")
    });
    rig.start(Node::A).expect("a starts");
    held_by(&rig, &[Node::A]);
    script.set_mode(0);
    let line = logged(&mut rig, Node::A, "VI: FAULT: ", 1);
    assert!(
        line.contains("script alive: cannot run: Permission denied"),
        "{line}"
    );
    held_by(&rig, &[]);
    script.set_mode(0o755);
    held_by(&rig, &[Node::A]);
}
