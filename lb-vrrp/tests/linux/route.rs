use lb_vrrp::Family::V4;
use lb_vrrp::VirtualRoute;
use lb_vrrp::network::Network as _;

use crate::rig::{Rig, on_e0};

#[test]
fn a_route_is_there_while_it_is_set() {
    Rig::run(async |rig| {
        let routes: [VirtualRoute; 2] = [
            "192.0.2.0/24 via 10.9.0.2 metric 50".parse().unwrap(),
            "2001:db8::/32 via fe80::2 dev e0".parse().unwrap(),
        ];
        let show = || rig.ip("a", "route") + &rig.ip("a", "-6 route");
        let mut network = on_e0(V4).open().unwrap();
        for close in [false, true] {
            network.add_routes(&routes).unwrap();
            network.add_routes(&routes).unwrap();
            let shown = show();
            assert!(
                shown.contains("192.0.2.0/24 via 10.9.0.2 dev e0 proto static metric 50"),
                "{shown}"
            );
            assert!(
                shown.contains("2001:db8::/32 via fe80::2 dev e0"),
                "{shown}"
            );
            if close {
                break;
            }
            network.remove_routes(&routes).unwrap();
            network.remove_routes(&routes).unwrap();
            assert!(!show().contains("2.0/24") && !show().contains("2001:"));
        }
        network.close().unwrap();
        assert!(!show().contains("2.0/24") && !show().contains("2001:"));
    });
}
