use lb_vrrp::Family::{V4, V6};
use lb_vrrp::linux::LinuxNetwork;
use lb_vrrp::network::{Network as _, NetworkEvent};
use lb_vrrp::{Family, VirtualAddress};

use crate::rig::{Rig, Tap, contains, ip, on_e0, received, upset, vip};

const FAMILIES: [(Family, &str, &str, &str, &str); 2] = [
    (V4, "10.9.0.100", "vrrp.88", "00:00:5e:00:01:58", "10.9.0.1"),
    (V6, "fd09::100", "vrrp6.88", "00:00:5e:00:02:58", "fe80::1"),
];

fn open(family: Family, address: &VirtualAddress) -> LinuxNetwork {
    on_e0(family)
        .vmac(true)
        .addresses([address.clone()])
        .open()
        .unwrap()
}

#[test]
fn the_address_is_reached_at_the_virtual_router_s_own_mac() {
    Rig::run(async |rig| {
        for (family, text, name, mac, _) in FAMILIES {
            std::fs::write("/proc/sys/net/ipv4/conf/all/rp_filter", "1").unwrap();
            let mut a = open(family, &vip(text));
            let shown = rig.ip("a", &format!("-d link show dev {name}"));
            assert!(
                shown.contains(mac) && shown.contains("macvlan mode private"),
                "{shown}"
            );
            a.add_addresses(&[vip(text)], None).unwrap();
            assert!(
                rig.ip("a", &format!("address show dev {name}"))
                    .contains(text)
            );
            assert!(rig.is_reached(text).await);
            rig.until_b_knows(text, mac).await;
            // Only the virtual router answers for it.
            let known = rig.ip("b", &format!("neigh show {text}"));
            assert!(!known.contains(&rig.mac("a")), "{known}");
        }
    });
}

#[test]
fn what_is_sent_and_announced_leaves_with_it_and_a_probe_does_not() {
    Rig::run(async |rig| {
        for (family, text, _, mac, _) in FAMILIES {
            let mut a = open(family, &vip(text));
            let tap = rig.in_b(Tap::open);
            for probe in [false, true] {
                a.send(family.group(), b"message").unwrap();
                assert_eq!(tap.source(|frame| contains(frame, b"message")), mac);
                if probe {
                    a.probe(&vip(text)).unwrap();
                } else {
                    a.announce(&vip(text)).unwrap();
                }
                let octets = match vip(text).ip() {
                    std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
                    std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
                };
                let about = |frame: &[u8]| contains(frame, &octets);
                let expected = if probe { rig.mac("a") } else { mac.to_owned() };
                assert_eq!(tap.source(about), expected);
            }
        }
    });
}

#[test]
fn two_nodes_with_the_same_mac_hear_each_other() {
    Rig::run(async |rig| {
        for (family, text, _, mac, from) in FAMILIES {
            let mut a = open(family, &vip(text));
            let mut b = rig.in_b(|| open(family, &vip(text)));
            a.send(family.group(), b"ping").unwrap();
            let heard = received(&mut b).await;
            assert_eq!((heard.source, heard.ttl), (ip(from), 255));
            b.send(family.group(), b"pong").unwrap();
            received(&mut a).await;
            // A backup's probe is answered by the master, whose MAC is the backup's own, too.
            a.add_addresses(&[vip(text)], None).unwrap();
            assert!(rig.is_reached(text).await);
            b.probe(&vip(text)).unwrap();
            let NetworkEvent::Claimed { address, by } = upset(&mut b).await else {
                panic!("nothing was lost");
            };
            assert_eq!((address, by.to_string().as_str()), (vip(text).ip(), mac));
            drop(b);
        }
    });
}

#[test]
fn nothing_is_left_of_it() {
    Rig::run(async |rig| {
        let ignore = || std::fs::read_to_string("/proc/sys/net/ipv4/conf/e0/arp_ignore").unwrap();
        let before = rig.ip("a", "-o link").lines().count();
        for (family, text, name, mac, _) in FAMILIES {
            let mut a = open(family, &vip(text));
            a.add_addresses(&[vip(text)], None).unwrap();
            a.close().unwrap();
            assert_eq!(rig.ip("a", "-o link").lines().count(), before);
            assert_eq!(ignore().trim(), "0");
            // Of a killed predecessor, too.
            let left =
                format!("link add link e0 name {name} address {mac} type macvlan mode private");
            rig.ip("a", &left);
            drop(open(family, &vip(text)));
            assert_eq!(rig.ip("a", "-o link").lines().count(), before, "{name}");
            std::fs::write("/proc/sys/net/ipv4/conf/e0/arp_ignore", "0").unwrap();
        }
    });
}

#[test]
fn the_same_number_on_two_interfaces_has_two_macvlans() {
    Rig::run(async |rig| {
        rig.ip("a", "link add other type veth peer name away");
        let _first = open(V4, &vip("10.9.0.100"));
        let id = lb_vrrp::VirtualRouterId::new(88).unwrap();
        let _second = LinuxNetwork::builder("other", V4, id)
            .vmac(true)
            .open()
            .unwrap();
        let shown = rig.ip("a", "-o link show type macvlan");
        assert_eq!(shown.lines().count(), 2, "{shown}");
    });
}

#[test]
fn a_macvlan_another_removes_is_made_anew() {
    Rig::run(async |rig| {
        let mut a = open(V4, &vip("10.9.0.100"));
        a.add_addresses(&[vip("10.9.0.100")], None).unwrap();
        rig.ip("a", "link delete vrrp.88");
        assert_eq!(upset(&mut a).await, NetworkEvent::Lost(ip("10.9.0.100")));
        let mut b = rig.in_b(|| on_e0(V4).open().unwrap());
        b.send(V4.group(), b"hello").unwrap();
        received(&mut a).await;
        a.add_addresses(&[vip("10.9.0.100")], None).unwrap();
        assert!(
            rig.ip("a", "address show dev vrrp.88")
                .contains("10.9.0.100")
        );
    });
}
