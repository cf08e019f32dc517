//! What comes and goes with the address, and in which way: hardware addresses, routes, lifetimes, sockets.

use lb_benches::rig::{Fault, Mode, Node, Profile, Rig};

use super::lb;
use crate::stage::{
    PATIENCE, answered_by, client_shell, held_by, logged, rig_with, run, shell, turn,
};

/// Of IPv4 and the rig's id, 88 (RFC 9568 section 7.3).
const VIRTUAL_MAC: &str = "00:00:5e:00:01:58";

fn rig(extra: &str) -> Rig {
    rig_with(Profile::V3, [lb(), lb()], |setup| setup.extra(extra))
}

fn neighbours(rig: &Rig) -> String {
    client_shell(rig, "ip neigh show to 10.77.0.100")
}

#[test]
fn a_virtual_mac_moves_with_the_address() {
    let _turn = turn();
    let mut rig = rig("vmac = true");
    let capture = rig.capture().expect("dumpcap records");
    let probe = run(&mut rig, Mode::Udp);
    assert!(neighbours(&rig).contains(VIRTUAL_MAC));
    rig.apply(Fault::Kill9, Node::A).expect("a is killed");
    answered_by(&probe, Node::B);
    assert!(neighbours(&rig).contains(VIRTUAL_MAC));
    held_by(&rig, &[Node::B]);
    rig.mend(Fault::Kill9, Node::A).expect("a starts");
    held_by(&rig, &[Node::A]);
    answered_by(&probe, Node::A);
    rig.apply(Fault::Term, Node::A).expect("a is told to end");
    held_by(&rig, &[Node::B]);
    answered_by(&probe, Node::B);

    let packets = capture.stop().expect("the recording ends");
    for node in [Node::A, Node::B] {
        let from = format!("vrrp and ip.src == {}", node.v4());
        let sources = packets
            .fields(&from, &["eth.src"])
            .expect("tshark reads it");
        assert!(!sources.is_empty(), "{node} has advertised");
        assert!(sources.iter().all(|mac| mac == VIRTUAL_MAC), "{sources:?}");
    }
    let announced = packets.fields("arp.isgratuitous == 1", &["arp.src.hw_mac"]);
    let announced = announced.expect("tshark reads it");
    assert!(!announced.is_empty(), "it was announced");
    assert!(
        announced.iter().all(|mac| mac == VIRTUAL_MAC),
        "{announced:?}"
    );
}

/// RFC 9568 section 8.3.1: whoever does not own it answers for it and takes no packets to it.
#[test]
fn without_accept_only_arp_is_answered() {
    let _turn = turn();
    let mut rig = rig("accept = false");
    for node in [Node::A, Node::B] {
        rig.start(node).expect("it starts");
    }
    held_by(&rig, &[Node::A]);
    let ping = "ping -c 1 -W 1 10.77.0.100 >/dev/null; echo $?";
    assert_eq!(client_shell(&rig, ping), "1\n", "no answer");
    assert_eq!(rig.neighbour().expect("ip"), Some(Node::A));
    rig.apply(Fault::Kill9, Node::A).expect("a is killed");
    held_by(&rig, &[Node::B]);
    assert_eq!(client_shell(&rig, ping), "1\n", "no answer");
    assert_eq!(rig.neighbour().expect("ip"), Some(Node::B));
    // The node's own address is not meant.
    client_shell(&rig, "ping -c 1 -W 5 10.77.0.2");
}

#[test]
fn excluded_addresses_and_routes_come_and_go_with_it() {
    let _turn = turn();
    let mut rig = rig(
        "virtual_addresses_excluded = [\"10.77.0.101/24\", \"10.77.0.102\"]
virtual_routes = [\"10.99.0.0/24 via 10.77.0.254 dev eth0\"]",
    );
    let capture = rig.capture().expect("dumpcap records");
    let probe = run(&mut rig, Mode::Udp);
    let all_at = |rig: &Rig, node, other| {
        for address in ["10.77.0.101", "10.77.0.102"] {
            let parsed = address.parse().expect("an address");
            rig.holders()
                .until(parsed, &[node], PATIENCE)
                .expect("it moves, too");
            client_shell(rig, &format!("ping -c 1 -W 5 {address}"));
        }
        let routes = |node| shell(rig, node, "ip route show 10.99.0.0/24");
        assert!(routes(node).contains("via 10.77.0.254"), "{}", routes(node));
        assert_eq!(routes(other), "");
    };
    all_at(&rig, Node::A, Node::B);
    rig.apply(Fault::Term, Node::A).expect("a is told to end");
    held_by(&rig, &[Node::B]);
    answered_by(&probe, Node::B);
    all_at(&rig, Node::B, Node::A);
    let packets = capture.stop().expect("the recording ends");
    let other = "vrrp and not vrrp.ip_addr == 10.77.0.100";
    assert_eq!(packets.count(other).expect("tshark reads it"), 0);
    let several = "vrrp.addr_count != 1";
    assert_eq!(packets.count(several).expect("tshark reads it"), 0);
}

/// An address without a lifetime stays behind, as Keepalived's, and `hold` leaves it there.
#[test]
fn an_address_that_is_answered_for_is_not_taken_by_who_holds() {
    let _turn = turn();
    let mut rig = rig("address_lifetime = \"0s\"\nprobe = \"hold\"");
    let _probe = run(&mut rig, Mode::Udp);
    let lifetime = shell(&rig, Node::A, "ip addr show to 10.77.0.100");
    assert!(lifetime.contains("valid_lft forever"), "{lifetime}");
    rig.apply(Fault::Kill9Daemon, Node::A)
        .expect("only lb is killed");
    logged(
        &mut rig,
        Node::B,
        "answers for its address; it is not taken",
    );
    held_by(&rig, &[Node::A]);
    shell(&rig, Node::A, "ip addr del 10.77.0.100/24 dev eth0");
    held_by(&rig, &[Node::B]);
    logged(&mut rig, Node::B, "VI: MASTER: ");
}

/// The sockets are there before the address is.
#[test]
fn a_frontend_is_bound_to_the_address_itself() {
    let _turn = turn();
    let mut rig = rig("[frontend.own]
bind = [\"10.77.0.100:81\"]
default_backend = \"service\"");
    for node in [Node::A, Node::B] {
        shell(&rig, node, "echo 0 > /proc/sys/net/ipv4/ip_nonlocal_bind");
    }
    let probe = run(&mut rig, Mode::Udp);
    let asked = |rig: &Rig| {
        let line =
            "exec 3<>/dev/tcp/10.77.0.100/81; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3";
        client_shell(rig, &format!("bash -c \"{}\"", line.replace('\\', "\\\\")))
    };
    assert!(asked(&rig).ends_with("\r\n\r\na"));
    rig.apply(Fault::Kill9, Node::A).expect("a is killed");
    answered_by(&probe, Node::B);
    assert!(asked(&rig).ends_with("\r\n\r\nb"));
}
