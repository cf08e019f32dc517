use lb_vrrp::Family::{V4, V6};
use lb_vrrp::network::{Network as _, NetworkEvent};

use crate::rig::{Rig, next, on_e0, until, upset, vip};

const FAMILIES: [(lb_vrrp::Family, &str, &str); 2] = [
    (V4, "10.9.0.100", "10.9.0.101"),
    (V6, "fd09::100", "fe80::101"),
];

#[test]
fn an_announcement_changes_what_a_neighbour_knows() {
    Rig::run(async |rig| {
        for (family, text, _) in FAMILIES {
            rig.ip(
                "b",
                &format!("neigh replace {text} lladdr 02:00:00:00:00:99 dev e0 nud stale"),
            );
            let mut network = on_e0(family).open().unwrap();
            network.announce(&vip(text)).unwrap();
            rig.until_b_knows(text, &rig.mac("a")).await;
        }
    });
}

#[test]
fn an_announcement_from_another_interface_leaves_by_it() {
    Rig::run(async |rig| {
        rig.ip("a", "link add other type veth peer name away");
        rig.ip(
            "b",
            "neigh replace 10.9.0.100 lladdr 02:00:00:00:00:99 dev e0 nud stale",
        );
        let id = lb_vrrp::VirtualRouterId::new(88).unwrap();
        let mut network = lb_vrrp::linux::LinuxNetwork::builder("other", V4, id)
            .open()
            .unwrap();
        network.announce(&vip("10.9.0.100").on("e0")).unwrap();
        rig.until_b_knows("10.9.0.100", &rig.mac("a")).await;
    });
}

#[test]
fn another_s_announcement_is_a_claim_and_one_s_own_is_not() {
    Rig::run(async |rig| {
        for (family, text, other) in FAMILIES {
            let both = || [vip(text), vip(other)];
            let mut a = on_e0(family).addresses(both()).open().unwrap();
            let mut b = rig.in_b(|| on_e0(family).addresses(both()).open().unwrap());
            a.announce(&vip(text)).unwrap();
            b.announce(&vip(other)).unwrap();
            for (network, address, by) in [(&mut a, other, "b"), (&mut b, text, "a")] {
                let NetworkEvent::Claimed {
                    address: claimed,
                    by: mac,
                } = upset(network).await
                else {
                    panic!("nothing was lost");
                };
                assert_eq!(claimed, vip(address).ip());
                assert_eq!(mac.to_string(), rig.mac(by));
            }
        }
    });
}

#[test]
fn a_probe_is_answered_by_who_holds_the_address() {
    Rig::run(async |rig| {
        for (family, held, free) in FAMILIES {
            let both = [vip(held), vip(free)];
            let mut a = on_e0(family).addresses(both).open().unwrap();
            let mut b = rig.in_b(|| on_e0(family).open().unwrap());
            b.add_addresses(&[vip(held)], None).unwrap();
            if family == V6 {
                // The kernel listens for questions in its own time.
                rig.until_b_says("maddress show dev e0", "ff02::1:ff00:100")
                    .await;
            }
            // Nobody answers for this one; the answer to the next is the first thing heard.
            a.probe(&vip(free)).unwrap();
            a.probe(&vip(held)).unwrap();
            let NetworkEvent::Claimed { address, by } = upset(&mut a).await else {
                panic!("nothing was lost");
            };
            assert_eq!(address, vip(held).ip());
            assert_eq!(by.to_string(), rig.mac("b"));
            // A probe changes what nobody knows.
            let known = rig.ip("b", &format!("neigh show {held} dev e0"));
            assert_eq!(known, "");
        }
    });
}

#[test]
fn this_host_s_answer_by_another_of_its_interfaces_is_no_claim() {
    Rig::run(async |rig| {
        let mut a = on_e0(V4).addresses([vip("10.9.0.100")]).open().unwrap();
        let b = rig.in_b(|| on_e0(V4).addresses([vip("10.9.0.100")]).open().unwrap());
        let mut b = b;
        // An interface of `a` has the hardware address that announces in `b`.
        let mac = rig.mac("b");
        rig.ip(
            "a",
            &format!("link add twin address {mac} type veth peer name away"),
        );
        until(&mut a, |state| state.up).await;
        b.announce(&vip("10.9.0.100")).unwrap();
        b.send(lb_vrrp::Family::V4.group(), b"after it").unwrap();
        let heard = next(&mut a).await;
        assert!(matches!(heard, NetworkEvent::Received(_)), "{heard:?}");
    });
}
