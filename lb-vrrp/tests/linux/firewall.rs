use lb_vrrp::Family::{V4, V6};
use lb_vrrp::network::Network as _;

use crate::rig::{Rig, on_e0, vip};

#[test]
fn without_accept_an_address_resolves_but_takes_nothing_in() {
    Rig::run(async |rig| {
        for (family, text, excluded, real) in [
            (V4, "10.9.0.100", "10.9.0.101", "10.9.0.1"),
            (V6, "fd09::100", "fd09::101", "fd09::1"),
        ] {
            let open = |accept| {
                on_e0(family)
                    .addresses([vip(text)])
                    .accept(accept)
                    .open()
                    .unwrap()
            };
            let both = [vip(text), vip(excluded)];
            let mut a = open(true);
            a.add_addresses(&both, None).unwrap();
            assert!(rig.is_reached(text).await && rig.is_reached(excluded).await);
            a.close().unwrap();
            rig.ip("b", "neigh flush dev e0");

            let mut a = open(false);
            a.add_addresses(&both, None).unwrap();
            assert!(!rig.is_reached(text).await && !rig.is_reached(excluded).await);
            rig.until_b_knows(text, &rig.mac("a")).await;
            assert!(rig.is_reached(real).await);
            a.close().unwrap();
            let tables = rig.command("a", "nft list tables").output().await.unwrap();
            assert_eq!(String::from_utf8_lossy(&tables.stdout), "");
        }
    });
}
