//! What every test here needs: its turn, daemons, and a patience that a busy machine cannot exhaust.

use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lb_benches::rig::{Mode, Node, Packets, Probe, Profile, Program, Rig, Setup};

/// What does not come within this time does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The lowest of both masters' priorities, and the backup's.
const PRIORITIES: [u8; 2] = [150, 100];

/// One test at a time: nodes that wait for a processor look dead to one another.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed in its turn has ended it.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Debian's.
pub(crate) fn keepalived() -> Program {
    Program::Keepalived
}

/// Two nodes in a network of their own: `a` with the higher priority, and `b`. Neither daemon runs.
pub(crate) fn rig(profile: Profile, programs: [Program; 2]) -> Rig {
    rig_with(profile, programs, |setup| setup)
}

/// The same, with something added to both.
pub(crate) fn rig_with(
    profile: Profile,
    programs: [Program; 2],
    add: impl Fn(Setup) -> Setup,
) -> Rig {
    let [a, b] = programs;
    let nodes = [
        (Node::A, add(Setup::new(a, PRIORITIES[0]))),
        (Node::B, add(Setup::new(b, PRIORITIES[1]))),
    ];
    Rig::new(profile, &nodes).expect("a rig can be built; this needs root and iproute2")
}

/// Starts `a`, which becomes master, then `b`, and a client that `a` answers.
pub(crate) fn run(rig: &mut Rig, mode: Mode) -> Probe {
    rig.start(Node::A).expect("a starts");
    held_by(rig, &[Node::A]);
    rig.start(Node::B).expect("b starts");
    let b = rig.daemon(Node::B).expect("b was started");
    b.until_listening(PATIENCE).expect("b hears a");
    let probe = rig.probe(mode).expect("a client starts");
    answered_by(&probe, Node::A);
    probe
}

/// `lb ctl` to a node that runs `lb`: its exit code, and what it printed on both outputs.
pub(crate) fn ctl(rig: &Rig, node: Node, words: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lb"));
    command.arg("ctl").arg("--socket").arg(rig.admin(node));
    let output = command.args(words.split(' ')).output();
    said(output.expect("lb ctl runs"))
}

/// A shell's line in the node's network, which succeeds: what it printed.
pub(crate) fn shell(rig: &Rig, node: Node, line: &str) -> String {
    let run = || Command::new("sh").args(["-c", line]).output();
    succeeded(line, rig.on(node, run).expect("a shell runs"))
}

/// The same in the client's network.
pub(crate) fn client_shell(rig: &Rig, line: &str) -> String {
    let run = || Command::new("sh").args(["-c", line]).output();
    succeeded(line, rig.on_client(run).expect("a shell runs"))
}

fn succeeded(line: &str, output: Output) -> String {
    let (code, text) = said(output);
    assert_eq!(code, Some(0), "`{line}` said: {text}");
    text
}

fn said(output: Output) -> (Option<i32>, String) {
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output.status.code(), text)
}

/// Waits for `text` in the log of a node that was started: the line.
pub(crate) fn logged(rig: &mut Rig, node: Node, text: &str) -> String {
    let daemon = rig.daemon(node).expect("it was started");
    match daemon.until_logged(text, PATIENCE) {
        Ok(line) => line,
        Err(error) => panic!("{node}: {error}"),
    }
}

/// Waits until exactly `nodes` have the address.
pub(crate) fn held_by(rig: &Rig, nodes: &[Node]) {
    if let Err(error) = rig.until_held_by(nodes, PATIENCE) {
        panic!("{error}");
    }
}

/// Waits until `node` answers the client.
pub(crate) fn answered_by(probe: &Probe, node: Node) {
    if let Err(error) = probe.until_answered_by(node, PATIENCE) {
        panic!("{error}");
    }
}

/// Has `node` answer, and nobody else, for longer than a backup that hears nothing would wait.
pub(crate) fn stays(rig: &Rig, probe: &Probe, node: Node) {
    let patience = rig.profile().interval * 4;
    let questions = patience.as_millis().div_ceil(10).max(100);
    let questions = usize::try_from(questions).expect("a few hundred");
    let record = probe.more(questions).expect("the client asks on");
    let others = rig.nodes().filter(|other| *other != node);
    for other in others {
        assert_eq!(record.answered_by(other), 0, "{other} answered: {record}");
    }
    assert!(record.answered_by(node) > questions / 2, "{record}");
    held_by(rig, &[node]);
}

/// No packet that the decoder dislikes.
pub(crate) fn sound(packets: &Packets) {
    let complaints = packets.complaints().expect("tshark reads the recording");
    assert!(complaints.is_empty(), "tshark complains: {complaints:#?}");
    let count = packets.count("vrrp").expect("tshark reads the recording");
    assert!(count > 0, "no advertisement was recorded");
}

/// Whether `node` said that it stops.
pub(crate) fn resigned(packets: &Packets, node: Node, profile: &Profile) -> bool {
    // IPv6 advertisements come from the link-local address, which nobody chose.
    let from = if profile.v6 {
        String::new()
    } else {
        format!(" and ip.src == {}", node.v4())
    };
    let filter = format!("vrrp.prio == 0{from}");
    packets.count(&filter).expect("tshark reads the recording") > 0
}

/// The lines in which Keepalived finds fault with what another node sent.
pub(crate) fn complaints(log: &str) -> Vec<&str> {
    const WORDS: [&str; 8] = [
        "bogus",
        "dropping",
        "invalid",
        "mismatch",
        "not present",
        "checksum",
        "expected",
        "incompatible",
    ];
    let complains = |line: &&str| {
        let line = line.to_ascii_lowercase();
        WORDS.iter().any(|word| line.contains(word))
    };
    log.lines().filter(complains).collect()
}
