//! What an enemy, an accident or another program does to `lb`: forged packets and claims, interfaces that go,
//! as many addresses as there can be, a second process, strangers at the door.

mod claims;
mod ctl;
mod door;
mod flood;
mod forgery;
mod interface;
mod keys;
mod many;
mod scripts;
mod twin;

use std::process::{Command, Output};

use lb_benches::rig::{Node, Profile, Program, Rig, Setup};

use super::lb;
use crate::stage::PATIENCE;

/// Two nodes, of which `a` does not wait for three intervals before it is master.
fn quick(profile: Profile, program: &Program, add: impl Fn(Setup) -> Setup) -> Rig {
    let a = Setup::new(program.clone(), 150).extra("state = \"master\"");
    let b = Setup::new(program.clone(), 100);
    let nodes = [(Node::A, add(a)), (Node::B, add(b))];
    Rig::new(profile, &nodes).expect("a rig can be built; this needs root and iproute2")
}

/// Asks the node's `lb` by `lb ctl`.
fn ctl(rig: &Rig, node: Node, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lb"));
    command.arg("ctl").arg("--socket").arg(rig.admin(node));
    command.args(words).output().expect("lb ctl runs")
}

/// What `lb ctl vrrp show` says of the virtual router.
fn show(rig: &Rig, node: Node, name: &str) -> String {
    let output = ctl(rig, node, &["vrrp", "show", name]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    text
}

/// Asks until what `vrrp show` says is as wanted, and gives it back.
fn shown(rig: &Rig, node: Node, name: &str, wanted: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    until("`vrrp show` says what is wanted", || {
        text = show(rig, node, name);
        wanted(&text)
    });
    text
}

/// Asks until it is so.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let now = tokio::time::Instant::now;
    let deadline = now() + PATIENCE;
    while !so() {
        assert!(now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// Waits until the node's log holds `text` for the `times`th time.
fn logged(rig: &mut Rig, node: Node, text: &str, times: usize) -> String {
    let daemon = rig.daemon(node).expect("it was started");
    match daemon.until_logged_again(text, times, PATIENCE) {
        Ok(line) => line,
        Err(error) => panic!("{error}"),
    }
}

/// How often the node's log holds `text`.
fn count(rig: &Rig, node: Node, text: &str) -> usize {
    rig.log(node).matches(text).count()
}
