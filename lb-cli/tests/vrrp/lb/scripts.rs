//! Programs: those that are told of changes, and those that say whether something works.

use std::{fs, path::Path};

use lb_benches::rig::{Fault, Mode, Node, Profile, Rig};

use super::lb;
use crate::stage::{PATIENCE, answered_by, ctl, held_by, logged, rig, run, shell, turn};

/// `notify` of every kind: each adds its arguments to a file as a line.
fn notify(file: &Path) -> String {
    let told = |kind: &str| {
        let file = file.display();
        format!(
            "{kind} = [\"/bin/sh\", \"-c\", \"echo $* >> {file}\", \"sh\", \"{kind}\", \"two words\"]"
        )
    };
    let kinds = ["master", "backup", "fault", "stop", "any"].map(told);
    format!("notify = {{ {} }}", kinds.join(", "))
}

#[test]
fn programs_are_told_of_every_change_in_order() {
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    let file = rig.directory().join("told");
    let told = notify(&file);
    let setup = rig.setup(Node::A).clone();
    *rig.setup(Node::A) = setup.extra(&told);
    let probe = run(&mut rig, Mode::Udp);
    rig.apply(Fault::InterfaceDown, Node::A)
        .expect("a is cut off");
    answered_by(&probe, Node::B);
    rig.mend(Fault::InterfaceDown, Node::A).expect("a is back");
    held_by(&rig, &[Node::A]);
    logged(
        &mut rig,
        Node::A,
        "MASTER: own priority 150 is above 100 of 10.77.0.2",
    );
    rig.apply(Fault::Term, Node::A).expect("a is told to end");
    let a = rig.daemon(Node::A).expect("a was started");
    let status = a.until_ended(PATIENCE).expect("a ends");
    assert!(status.success(), "{status}");

    let expected: Vec<String> = ["BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER", "STOP"]
        .into_iter()
        .flat_map(|state| {
            let own = format!("{} two words", state.to_lowercase());
            [own, format!("any two words INSTANCE VI {state} 150")]
        })
        .collect();
    let told = fs::read_to_string(&file).expect("they have written");
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_script_decides_by_its_weight() {
    let _turn = turn();
    for weight in [0, -60] {
        let mut rig = rig(Profile::V3, [lb(), lb()]);
        let file = rig.directory().join("works");
        fs::write(&file, "").expect("a file");
        let setup = rig.setup(Node::A).clone();
        // It would fail for root.
        *rig.setup(Node::A) = setup.extra(&format!(
            "track_scripts = [\"file\"]
[script.file]
command = [\"/bin/sh\", \"-c\", \"test $(id -un) = nobody && test -e {}\"]
interval = \"100ms\"
weight = {weight}
user = \"nobody\"",
            file.display()
        ));
        let probe = run(&mut rig, Mode::Udp);
        fs::remove_file(&file).expect("it was there");
        answered_by(&probe, Node::B);
        held_by(&rig, &[Node::B]);
        let (code, shown) = ctl(&rig, Node::A, "vrrp show VI");
        assert_eq!(code, Some(0), "{shown}");
        let says = match weight {
            0 => [
                "VI FAULT for ",
                "priority 150: ",
                "script file: exit status 1",
            ],
            _ => ["VI BACKUP for ", "priority 90: ", "above own 90"],
        };
        for part in says {
            assert!(shown.contains(part), "no `{part}` in {shown}");
        }
        fs::write(&file, "").expect("a file");
        held_by(&rig, &[Node::A]);
        answered_by(&probe, Node::A);
    }
}

/// The second interface is of the first one's kind: a macvlan on it.
#[test]
fn a_sync_group_moves_as_one() {
    let _turn = turn();
    let other = "10.78.0.100".parse().expect("an address");
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    for (node, priority) in [(Node::A, 150), (Node::B, 100)] {
        second(&rig, node);
        let setup = rig.setup(node).clone();
        *rig.setup(node) = setup.extra(&format!(
            "[vrrp.OTHER]
interface = \"eth1\"
virtual_router_id = 89
version = 3
priority = {priority}
advert_interval = \"100ms\"
virtual_addresses = [\"10.78.0.100/24\"]
[sync_group.both]
members = [\"VI\", \"OTHER\"]"
        ));
    }
    let probe = run(&mut rig, Mode::Udp);
    let held = |rig: &Rig, node| {
        held_by(rig, &[node]);
        let held = rig.holders().until(other, &[node], PATIENCE);
        held.expect("both addresses are on one node");
    };
    held(&rig, Node::A);
    shell(&rig, Node::A, "ip link set eth1 down");
    held(&rig, Node::B);
    answered_by(&probe, Node::B);
    let (_, shown) = ctl(&rig, Node::A, "vrrp show");
    assert!(shown.contains("OTHER FAULT for "), "{shown}");
    assert!(shown.contains("VI FAULT for "), "{shown}");
    let why = "OTHER of its sync group: the interface is down";
    assert!(shown.contains(why), "{shown}");
    shell(&rig, Node::A, "ip link set eth1 up");
    held(&rig, Node::A);
    answered_by(&probe, Node::A);
}

fn second(rig: &Rig, node: Node) {
    let number = node.v4().octets()[3];
    let line = format!(
        "ip link add eth1 link eth0 type macvlan mode bridge && ip addr add 10.78.0.{number}/24 dev eth1 && ip link set eth1 up"
    );
    shell(rig, node, &line);
}
