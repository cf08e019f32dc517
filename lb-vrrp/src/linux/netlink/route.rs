//! Routes.

use std::io;

use ipnet::IpNet;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::{
    RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};

use super::{Netlink, address::address_family};
use crate::{Family, VirtualRoute};

impl Netlink {
    /// Sets a route, or replaces the one to the same network with the same metric.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(crate) fn add_route(&mut self, route: &VirtualRoute, index: u32) -> io::Result<()> {
        let message = RouteNetlinkMessage::NewRoute(message(route, index));
        self.request(message, NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Removes a route; one that is not there is none the worse.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(crate) fn remove_route(&mut self, route: &VirtualRoute, index: u32) -> io::Result<()> {
        match self.request(RouteNetlinkMessage::DelRoute(message(route, index)), 0) {
            Err(error) if matches!(error.raw_os_error(), Some(libc::ESRCH | libc::ENODEV)) => {
                Ok(())
            }
            result => result,
        }
    }
}

fn message(route: &VirtualRoute, index: u32) -> RouteMessage {
    let destination = route.destination();
    let mut message = RouteMessage::default();
    let family = match destination {
        IpNet::V4(_) => Family::V4,
        IpNet::V6(_) => Family::V6,
    };
    message.header.address_family = address_family(family);
    message.header.destination_prefix_length = destination.prefix_len();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Static;
    message.header.scope = match route.gateway() {
        Some(_) => RouteScope::Universe,
        None => RouteScope::Link,
    };
    message.header.kind = RouteType::Unicast;
    message.attributes = vec![
        RouteAttribute::Destination(destination.addr().into()),
        RouteAttribute::Oif(index),
    ];
    let gateway = route.gateway().map(|ip| RouteAttribute::Gateway(ip.into()));
    let source = route
        .source()
        .map(|ip| RouteAttribute::PrefSource(ip.into()));
    let metric = route.metric().map(RouteAttribute::Priority);
    message
        .attributes
        .extend([gateway, source, metric].into_iter().flatten());
    message
}
