use lb_vrrp::Family::V4;
use lb_vrrp::network::Network as _;
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

use crate::rig::{Rig, on_e0, received, vip};

/// Leaves this thread two capabilities, or none.
fn keep(kept: CapabilitySet) {
    let sets = CapabilitySets {
        effective: kept,
        permitted: CapabilitySet::NET_ADMIN | CapabilitySet::NET_RAW,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets).unwrap();
}

#[test]
fn two_capabilities_are_enough_and_fewer_are_refused() {
    Rig::run(async |rig| {
        let mut b = rig.in_b(|| on_e0(V4).open().unwrap());
        let address = vip("10.9.0.100/24");

        keep(CapabilitySet::empty());
        let error = on_e0(V4).open().err().unwrap();
        let source = std::error::Error::source(&error).unwrap();
        let kind = source.downcast_ref::<std::io::Error>().unwrap().kind();
        assert_eq!(kind, std::io::ErrorKind::PermissionDenied);

        keep(CapabilitySet::NET_ADMIN | CapabilitySet::NET_RAW);
        let mut a = on_e0(V4).vmac(true).open().unwrap();
        a.add_addresses(std::slice::from_ref(&address), None)
            .unwrap();
        a.announce(&address).unwrap();
        a.probe(&address).unwrap();
        a.send(V4.group(), b"message").unwrap();
        received(&mut b).await;
        a.close().unwrap();
    });
}
