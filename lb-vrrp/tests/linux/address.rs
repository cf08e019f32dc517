use std::time::Duration;

use lb_vrrp::Family::{V4, V6};
use lb_vrrp::Scope;
use lb_vrrp::network::{Network as _, NetworkEvent};
use tokio::time::interval;

use crate::rig::{Rig, ip, on_e0, upset, vip};

const SECOND: Option<Duration> = Some(Duration::from_secs(1));

#[test]
fn an_address_with_a_lifetime_vanishes_by_itself() {
    Rig::run(async |rig| {
        for (family, text) in [(V4, "10.9.0.100/24"), (V6, "fd09::100/64")] {
            let mut network = on_e0(family).addresses([vip(text)]).open().unwrap();
            let lifetime = Some(Duration::from_millis(1100)); // rounded up to 2
            network.add_addresses(&[vip(text)], lifetime).unwrap();
            let shown = rig.ip("a", "-o address show dev e0");
            let line = shown.lines().find(|line| line.contains(text)).unwrap();
            let left = ["valid_lft 2sec", "valid_lft 1sec"];
            assert!(left.iter().any(|left| line.contains(left)), "{line}");
            assert!(!line.contains("tentative"), "{line}");
            // Nobody refreshes it.
            assert_eq!(
                upset(&mut network).await,
                NetworkEvent::Lost(vip(text).ip())
            );
            assert!(!rig.ip("a", "address").contains(text));
        }
    });
}

#[test]
fn a_refreshed_address_never_misses_a_ping() {
    Rig::run(async |rig| {
        for (family, text) in [(V4, "10.9.0.100"), (V6, "fd09::100")] {
            let mut network = on_e0(family).addresses([vip(text)]).open().unwrap();
            network.add_addresses(&[vip(text)], SECOND).unwrap();
            // Longer than the address lives without being refreshed.
            let line = format!("ping -n -q -i 0.05 -c 60 -W 2 {text}");
            let mut ping = rig.command("b", &line);
            let pinged = ping.output();
            tokio::pin!(pinged);
            let mut refresh = interval(Duration::from_millis(200));
            let output = loop {
                tokio::select! {
                    output = &mut pinged => break output.unwrap(),
                    _ = refresh.tick() => network.add_addresses(&[vip(text)], SECOND).unwrap(),
                }
            };
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("60 received"), "{said}");
        }
    });
}

#[test]
fn without_a_lifetime_an_address_stays() {
    Rig::run(async |rig| {
        let address = vip("192.0.2.100/24").label("e0:vip").scope(Scope::Link);
        let mut network = on_e0(V4).open().unwrap();
        network
            .add_addresses(std::slice::from_ref(&address), None)
            .unwrap();
        let shown = rig.ip("a", "-o address show dev e0");
        let line = shown
            .lines()
            .find(|line| line.contains("192.0.2.100/24"))
            .unwrap();
        for word in ["scope link", "e0:vip", "valid_lft forever"] {
            assert!(line.contains(word), "{word}: {line}");
        }
    });
}

#[test]
fn an_address_another_removes_is_lost() {
    Rig::run(async |rig| {
        let all = [vip("10.9.0.100"), vip("10.9.0.101")];
        let mut network = on_e0(V4).addresses(all.clone()).open().unwrap();
        network.add_addresses(&all, None).unwrap();
        // Its own removal is no loss, even if it is told of after the address is back.
        network.remove_addresses(&all[..1]).unwrap();
        network.add_addresses(&all[..1], None).unwrap();
        rig.ip("a", "address delete 10.9.0.101/32 dev e0");
        assert_eq!(
            upset(&mut network).await,
            NetworkEvent::Lost(ip("10.9.0.101"))
        );
    });
}

#[test]
fn what_was_lost_while_the_kernel_told_too_much_is_known_all_the_same() {
    Rig::run(async |rig| {
        let all = [vip("10.9.0.100")];
        let mut network = on_e0(V4).addresses(all.clone()).open().unwrap();
        network.add_addresses(&all, None).unwrap();
        // More than the socket holds, of another interface, so that only the overflow tells.
        let batch = tempfile::NamedTempFile::new().unwrap();
        let line =
            |verb| move |n: u32| format!("address {verb} 127.1.{}.{}/32 dev lo\n", n >> 8, n & 255);
        let text: String = (0..2000).map(line("add")).collect();
        std::fs::write(batch.path(), text).unwrap();
        rig.ip("a", &format!("-batch {}", batch.path().display()));
        rig.ip("a", "address delete 10.9.0.100/32 dev e0");
        assert_eq!(
            upset(&mut network).await,
            NetworkEvent::Lost(ip("10.9.0.100"))
        );
    });
}

#[test]
fn the_first_of_a_subnet_goes_without_the_others() {
    Rig::run(async |rig| {
        std::fs::write("/proc/sys/net/ipv4/conf/e0/promote_secondaries", "0").unwrap();
        let all = [vip("192.0.2.100/24"), vip("192.0.2.101/24")];
        let mut network = on_e0(V4).addresses(all.clone()).open().unwrap();
        network.add_addresses(&all, None).unwrap();
        network.remove_addresses(&all[..1]).unwrap();
        let shown = rig.ip("a", "address show dev e0");
        assert!(!shown.contains("192.0.2.100"), "{shown}");
        assert!(shown.contains("192.0.2.101"), "{shown}");
    });
}

#[test]
fn what_a_killed_predecessor_left_is_removed() {
    Rig::run(async |rig| {
        rig.ip("a", "address add 10.9.0.100/24 dev e0");
        let all = [vip("10.9.0.100/24"), vip("10.9.0.101/24")];
        let mut network = on_e0(V4).addresses(all.clone()).open().unwrap();
        network.remove_addresses(&all).unwrap();
        assert!(!rig.ip("a", "address").contains("10.9.0.100"));
    });
}

#[test]
fn an_owner_s_own_address_gets_no_lifetime() {
    Rig::run(async |rig| {
        let own = [vip("10.9.0.1/24")];
        let mut network = on_e0(V4).addresses(own.clone()).open().unwrap();
        network.add_addresses(&own, SECOND).unwrap();
        let shown = rig.ip("a", "-o -4 address show dev e0");
        assert!(shown.contains("valid_lft forever"), "{shown}");
        let state = crate::rig::until(&mut network, |_| true).await;
        assert_eq!(state.source, Some(ip("10.9.0.1")), "there is no other");
    });
}

#[test]
fn closing_or_dropping_leaves_nothing() {
    Rig::run(async |rig| {
        let before = rig.ip("a", "-o address").len();
        for close in [true, false] {
            let mut network = on_e0(V4).open().unwrap();
            network
                .add_addresses(&[vip("10.9.0.100/24")], None)
                .unwrap();
            assert_ne!(rig.ip("a", "-o address").len(), before);
            if close {
                network.close().unwrap();
            } else {
                drop(network);
            }
            assert_eq!(rig.ip("a", "-o address").len(), before);
        }
    });
}

#[test]
fn every_address_is_tried_and_the_first_failure_told() {
    Rig::run(async |rig| {
        let mut network = on_e0(V4).open().unwrap();
        let all = [vip("10.9.0.100").on("nowhere"), vip("10.9.0.101")];
        let error = network.add_addresses(&all, None).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(19), "{error}"); // ENODEV
        assert!(rig.ip("a", "address").contains("10.9.0.101"));
        network.remove_addresses(&all).unwrap();
    });
}

#[test]
fn an_address_is_removed_from_an_interface_with_a_new_name() {
    Rig::run(async |rig| {
        let mut network = on_e0(V4).open().unwrap();
        crate::rig::until(&mut network, |state| state.up).await;
        let all = [vip("10.9.0.100/24")];
        network.add_addresses(&all, None).unwrap();
        rig.ip("a", "link set e0 down");
        rig.ip("a", "link set e0 name renamed");
        rig.ip("a", "link set renamed up");
        crate::rig::until(&mut network, |state| !state.up).await;
        network.remove_addresses(&all).unwrap();
        assert!(!rig.ip("a", "address").contains("10.9.0.100"));
    });
}
