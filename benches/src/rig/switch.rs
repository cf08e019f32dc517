//! The switch with its cables, and the firewall of a node.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    path::Path,
};

use super::{RigError, command, namespace::Namespace};

/// A bridge that forwards at once and floods multicast, as a plain switch does.
#[derive(Debug)]
pub(super) struct Switch(Namespace);

impl Switch {
    pub(super) fn new(rig: u32) -> Result<Self, RigError> {
        let namespace = Namespace::create(rig, "switch")?;
        // It has nothing to say itself.
        namespace.sysctl(&[
            ("ipv6/conf/all/disable_ipv6", "1"),
            ("ipv6/conf/default/disable_ipv6", "1"),
        ])?;
        namespace
            .ip("link add br0 type bridge forward_delay 0 mcast_snooping 0\nlink set br0 up")?;
        Ok(Self(namespace))
    }

    pub(super) fn namespace(&self) -> &Namespace {
        &self.0
    }

    /// A cable from port `p<port>` to `eth0` of a host with these addresses.
    pub(super) fn plug(
        &self,
        host: &Namespace,
        port: &str,
        v4: Ipv4Addr,
        v6: Ipv6Addr,
    ) -> Result<(), RigError> {
        let name = host.name();
        self.0.ip(&format!(
            "link add p{port} type veth peer name eth0 netns {name}\nlink set p{port} master br0 up"
        ))?;
        host.sysctl(&[
            // Addresses are usable at once, and nobody announces or learns unasked, as on a plain host.
            ("ipv6/conf/all/accept_dad", "0"),
            ("ipv6/conf/default/accept_dad", "0"),
            ("ipv6/conf/eth0/accept_dad", "0"),
            ("ipv4/conf/all/arp_notify", "0"),
            ("ipv4/conf/all/arp_accept", "0"),
            ("ipv4/conf/eth0/arp_accept", "0"),
            // Services are bound to the virtual address before it is there.
            ("ipv4/ip_nonlocal_bind", "1"),
            ("ipv6/ip_nonlocal_bind", "1"),
        ])?;
        host.ip(&format!("addr add {v4}/24 dev eth0"))?;
        raise(host, v6)
    }

    /// `ip link set` for a port.
    pub(super) fn set_port(&self, port: &str, setting: &str) -> Result<(), RigError> {
        self.0.ip(&format!("link set dev p{port} {setting}"))
    }
}

/// Sets `eth0` up. It loses its IPv6 addresses whenever it is set down.
pub(super) fn raise(host: &Namespace, v6: Ipv6Addr) -> Result<(), RigError> {
    host.ip(&format!(
        "link set eth0 up\naddr replace {v6}/64 dev eth0 nodad"
    ))
}

/// Has the node's firewall drop every VRRP packet.
pub(super) fn deafen(host: &Namespace) -> Result<(), RigError> {
    let rules = "table inet rig {
  chain input {
    type filter hook input priority 0;
    ip protocol 112 drop
    ip6 nexthdr 112 drop
  }
}";
    nft(host, rules)
}

/// Undoes [`deafen`].
pub(super) fn hear(host: &Namespace) -> Result<(), RigError> {
    nft(host, "delete table inet rig")
}

fn nft(host: &Namespace, rules: &str) -> Result<(), RigError> {
    let mut command = host.command(Path::new("nft"));
    command.args(["-f", "-"]);
    command::run(command, rules).map(drop)
}
