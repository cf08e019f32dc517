use lb_vrrp::Family::{self, V4, V6};
use lb_vrrp::VirtualRouterId;
use lb_vrrp::linux::LinuxNetwork;
use lb_vrrp::network::{Datagram, Network as _};

use crate::rig::{Rig, Tap, contains, ip, on_e0, received, until};

#[test]
fn what_goes_to_the_group_arrives_from_the_reported_source() {
    Rig::run(async |rig| {
        for (family, from) in [(V4, "10.9.0.1"), (V6, "fe80::1")] {
            let mut a = on_e0(family).open().unwrap();
            let mut b = rig.in_b(|| on_e0(family).open().unwrap());
            let state = until(&mut a, |_| true).await;
            assert_eq!(state.source, Some(ip(from)));
            assert!(state.up && state.mtu == 1500, "{state:?}");
            a.send(family.group(), b"message").unwrap();
            let expected = Datagram {
                source: ip(from),
                destination: family.group(),
                ttl: 255,
                message: b"message".to_vec(),
            };
            assert_eq!(received(&mut b).await, expected);
            // What this node sends does not come back to it: the first it hears is the other's.
            b.send(family.group(), b"answer").unwrap();
            assert_eq!(received(&mut a).await.message, b"answer");
        }
    });
}

#[test]
fn a_packet_is_of_the_class_of_routing_protocols_and_may_be_cut() {
    Rig::run(async |rig| {
        let tap = rig.in_b(Tap::open);
        let is_message = |frame: &[u8]| contains(frame, b"message");
        on_e0(V4)
            .open()
            .unwrap()
            .send(V4.group(), b"message")
            .unwrap();
        let frame = tap.frame(is_message);
        assert_eq!(frame[14..16], [0x45, 0xc0]);
        assert_eq!(frame[20] & 0x40, 0, "don't-fragment is not set");
        on_e0(V6)
            .open()
            .unwrap()
            .send(V6.group(), b"message")
            .unwrap();
        assert_eq!(tap.frame(is_message)[14..16], [0x6c, 0]);
    });
}

#[test]
fn unicast_has_its_own_ttl_and_is_apart_from_multicast() {
    Rig::run(async |rig| {
        for (family, from, to) in [(V4, "10.9.0.1", "10.9.0.2"), (V6, "fd09::1", "fd09::2")] {
            let a = on_e0(family)
                .unicast_peers([ip(to)])
                .source(ip(from))
                .ttl(64);
            let mut a = a.open().unwrap();
            let b = on_e0(family).unicast_peers([ip(from)]).source(ip(to));
            let mut b = rig.in_b(|| b.open().unwrap());
            // One of its own number: a host runs each once.
            let other = VirtualRouterId::new(89).unwrap();
            let group = LinuxNetwork::builder("e0", family, other);
            let mut group = rig.in_b(|| group.open().unwrap());
            a.send(ip(to), b"to one").unwrap();
            a.send(family.group(), b"to all").unwrap();
            let heard = received(&mut b).await;
            assert_eq!(
                (heard.source, heard.destination, heard.ttl),
                (ip(from), ip(to), 64)
            );
            assert_eq!(received(&mut group).await.message, b"to all");
            a.send(ip(to), b"again").unwrap();
            assert_eq!(received(&mut b).await.message, b"again");
        }
    });
}

#[test]
fn a_configured_source_is_used_and_has_to_be_there() {
    Rig::run(async |rig| {
        let mut a = on_e0(V4).source(ip("10.9.0.7")).open().unwrap();
        assert_eq!(until(&mut a, |_| true).await.source, None);
        assert!(a.send(V4.group(), b"too soon").is_err());
        rig.ip("a", "address add 10.9.0.7/24 dev e0");
        until(&mut a, |state| state.source == Some(ip("10.9.0.7"))).await;
        let mut b = rig.in_b(|| on_e0(V4).open().unwrap());
        a.send(V4.group(), b"message").unwrap();
        assert_eq!(received(&mut b).await.source, ip("10.9.0.7"));
    });
}

#[test]
fn a_virtual_address_is_never_the_source() {
    Rig::run(async |rig| {
        for (family, vip, real) in [(V4, "192.0.2.1", "10.9.0.1"), (V6, "fe80::88", "fe80::1")] {
            let mut a = on_e0(family)
                .addresses([crate::rig::vip(vip)])
                .open()
                .unwrap();
            a.add_addresses(&[crate::rig::vip(vip)], None).unwrap();
            rig.ip(
                "a",
                &format!(
                    "address delete {real}/{} dev e0",
                    if family == V4 { 24 } else { 64 }
                ),
            );
            until(&mut a, |state| state.source.is_none()).await;
        }
    });
}

#[test]
fn the_longest_message_arrives_whole() {
    Rig::run(async |rig| {
        let message: Vec<u8> = (0..8 + 255 * 16 + 28).map(|n| n as u8).collect();
        let mut a = on_e0(V6).open().unwrap();
        let mut b = rig.in_b(|| on_e0(V6).open().unwrap());
        a.send(V6.group(), &message).unwrap();
        assert_eq!(received(&mut b).await.message, message);
    });
}

#[test]
fn another_family_is_refused() {
    Rig::run(async |_| {
        let mut a = on_e0(V4).open().unwrap();
        let error = a.send(Family::V6.group(), b"message").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    });
}
