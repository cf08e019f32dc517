//! As many addresses as an advertisement can name, in both versions.

use lb_benches::rig::{Fault, Node, Profile, Rig, Setup};

use super::{lb, logged, shown, until};
use crate::stage::{PATIENCE, turn};

/// Two virtual routers of 255 addresses, and the rig's own of one.
const ALL: usize = 2 * 255 + 1;

fn tables(state: &str) -> String {
    let table = |name: &str, id: u8, version: u8, interval: &str| {
        let addresses: Vec<String> = (1..=255).map(|n| format!("10.{id}.0.{n}/32")).collect();
        format!(
            "[vrrp.{name}]\ninterface = \"eth0\"\nvirtual_router_id = {id}\nversion = {version}\n\
             advert_interval = \"{interval}\"\nstate = \"{state}\"\nvirtual_addresses = {addresses:?}\n"
        )
    };
    table("TWO", 92, 2, "1s") + &table("THREE", 93, 3, "100ms")
}

/// Which nobody else has.
fn virtual_addresses(rig: &Rig, node: Node) -> usize {
    let set = rig.addresses(node).expect("ip");
    let is_virtual = |ip: &&std::net::IpAddr| {
        **ip == rig.profile().target()
            || ["10.92.0.", "10.93.0."]
                .iter()
                .any(|net| ip.to_string().starts_with(net))
    };
    set.iter().filter(is_virtual).count()
}

#[test]
fn two_hundred_and_fifty_five() {
    let _turn = turn();
    let setup = |priority, state| Setup::new(lb(), priority).extra(&tables(state));
    let nodes = [
        (Node::A, setup(150, "master")),
        (Node::B, setup(100, "backup")),
    ];
    let mut rig = Rig::new(Profile::V3, &nodes).expect("a rig can be built");
    rig.start(Node::A).expect("a starts");
    for name in ["VI", "TWO", "THREE"] {
        logged(&mut rig, Node::A, &format!("{name}: MASTER"), 1);
    }
    assert_eq!(virtual_addresses(&rig, Node::A), ALL);

    rig.start(Node::B).expect("b starts");
    for name in ["TWO", "THREE"] {
        logged(&mut rig, Node::B, &format!("{name}: BACKUP"), 1);
        // Until the master is heard, whose list has all of them.
        let text = shown(&rig, Node::B, name, |text| {
            text.contains("master 10.77.0.1")
        });
        assert!(text.contains("other addresses 0"), "{text}");
        assert!(!text.contains("refused"), "{text}");
    }

    // Somebody removes many of them.
    let delete = |n| format!("address delete 10.93.0.{n}/32 dev eth0\n");
    let lines: String = (1..=50).map(delete).collect();
    // What is set again before its removal is noticed, as a lifetime is all the time, is not said.
    until("it is said", || {
        let _ = rig.ip(Node::A, &lines);
        rig.log(Node::A).contains("THREE: 10.93.0.")
    });
    until("all are set again", || {
        virtual_addresses(&rig, Node::A) == ALL
    });

    rig.apply(Fault::Term, Node::A).expect("a is told to end");
    let a = rig.daemon(Node::A).expect("a was started");
    let status = a.until_ended(PATIENCE).expect("a ends");
    assert!(status.success(), "{status}");
    assert_eq!(virtual_addresses(&rig, Node::A), 0);
    for name in ["VI", "TWO", "THREE"] {
        logged(&mut rig, Node::B, &format!("{name}: MASTER"), 1);
    }
    assert_eq!(virtual_addresses(&rig, Node::B), ALL);
}
