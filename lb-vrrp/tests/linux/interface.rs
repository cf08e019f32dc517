use lb_vrrp::Family::V4;
use lb_vrrp::linux::LinuxNetwork;
use lb_vrrp::network::{InterfaceState, Network as _, NetworkEvent};
use lb_vrrp::{Family, VirtualRouterId};

use crate::rig::{Rig, ip, next, on_e0, received, until, upset, vip};

#[test]
fn a_carrier_that_is_lost_and_found_is_told() {
    Rig::run(async |rig| {
        let mut a = on_e0(V4).open().unwrap();
        assert!(until(&mut a, |_| true).await.up);
        rig.ip("b", "link set e0 down");
        let state = until(&mut a, |state| !state.up).await;
        assert_eq!(state.source, Some(ip("10.9.0.1")), "the address stays");
        rig.ip("b", "link set e0 up");
        until(&mut a, |state| state.up).await;
        rig.ip("a", "link set e0 down");
        until(&mut a, |state| !state.up).await;
        rig.ip("a", "link set e0 up");
        until(&mut a, |state| state.up).await;
        // All sockets still do.
        let mut b = rig.in_b(|| on_e0(V4).open().unwrap());
        a.send(V4.group(), b"ping").unwrap();
        received(&mut b).await;
        b.send(V4.group(), b"pong").unwrap();
        received(&mut a).await;
    });
}

#[test]
fn an_mtu_that_changes_is_told() {
    Rig::run(async |rig| {
        let mut a = on_e0(V4).open().unwrap();
        until(&mut a, |state| state.mtu == 1500).await;
        rig.ip("a", "link set e0 mtu 1400");
        until(&mut a, |state| state.mtu == 1400).await;
    });
}

#[test]
fn an_interface_may_come_later_go_and_come_back() {
    Rig::run(async |rig| {
        let router = |family| {
            let id = VirtualRouterId::new(88).unwrap();
            LinuxNetwork::builder("late", family, id).addresses([vip("10.8.0.100")])
        };
        let mut a = router(V4).open().unwrap();
        assert_eq!(
            next(&mut a).await,
            NetworkEvent::Interface(InterfaceState::default())
        );
        assert!(a.send(V4.group(), b"nowhere").is_err());
        assert!(a.add_addresses(&[vip("10.8.0.100")], None).is_err());
        a.remove_addresses(&[vip("10.8.0.100")]).unwrap();
        for _ in 0..2 {
            rig.late();
            let fits = |state: &InterfaceState| state.up && state.source == Some(ip("10.8.0.1"));
            until(&mut a, fits).await;
            a.add_addresses(&[vip("10.8.0.100")], None).unwrap();
            let mut b = rig.in_b(|| router(V4).open().unwrap());
            a.send(V4.group(), b"ping").unwrap();
            received(&mut b).await;
            b.send(V4.group(), b"pong").unwrap();
            received(&mut a).await;
            b.announce(&vip("10.8.0.100")).unwrap();
            let claimed = upset(&mut a).await;
            assert!(
                matches!(claimed, NetworkEvent::Claimed { .. }),
                "{claimed:?}"
            );
            drop(b);
            rig.ip("a", "link delete late");
            let mut lost = false;
            loop {
                match next(&mut a).await {
                    NetworkEvent::Lost(_) => lost = true,
                    NetworkEvent::Interface(state) if state == InterfaceState::default() => break,
                    _ => {}
                }
            }
            assert!(lost, "its address went with it");
        }
    });
}

#[test]
fn a_renamed_interface_is_gone() {
    Rig::run(async |rig| {
        let mut a = on_e0(V4).open().unwrap();
        until(&mut a, |state| state.up).await;
        rig.ip("a", "link set e0 down");
        rig.ip("a", "link set e0 name e1");
        until(&mut a, |state| *state == InterfaceState::default()).await;
        rig.ip("a", "link set e1 name e0");
        rig.ip("a", "link set e0 up");
        until(&mut a, |state| state.up).await;
    });
}

#[test]
fn a_tracked_interface_is_told_at_first_and_when_it_changes() {
    Rig::run(async |rig| {
        let mut a = on_e0(Family::V6)
            .track("lo")
            .track("absent")
            .open()
            .unwrap();
        let mut told = Vec::new();
        while told.len() < 2 {
            if let NetworkEvent::Tracked { interface, up } = next(&mut a).await {
                told.push((interface, up));
            }
        }
        told.sort();
        assert_eq!(
            told,
            [("absent".to_owned(), false), ("lo".to_owned(), true)]
        );
        rig.ip("a", "link set lo down");
        let down = NetworkEvent::Tracked {
            interface: "lo".to_owned(),
            up: false,
        };
        assert_eq!(next(&mut a).await, down);
    });
}
