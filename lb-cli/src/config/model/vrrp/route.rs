//! `virtual_routes`: routes that are set with the state.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

use super::address;
use crate::config::{
    print::{ToToml, quoted},
    types::FromValue,
    value::Value,
};

/// A route that exists while the virtual router is master: `"192.0.2.0/24 via 10.0.0.1 dev eth0"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualRoute {
    /// Where it leads.
    pub destination: IpNet,
    /// The next hop; `None`: the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The interface; `None`: as the gateway says.
    pub interface: Option<String>,
}

const USAGE: &str =
    "a route is written as \"192.0.2.0/24 via 10.0.0.1 dev eth0\", or \"default via 10.0.0.1\"";

impl FromStr for VirtualRoute {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_ascii_whitespace();
        let to = words.next().ok_or(USAGE)?;
        let (mut gateway, mut interface) = (None, None);
        while let Some(word) = words.next() {
            let value = words.next().ok_or(USAGE)?;
            match word {
                "via" if gateway.is_none() => {
                    let address = value.parse::<IpAddr>();
                    gateway = Some(address.map_err(|_| "what follows `via` is an address")?);
                }
                "dev" if interface.is_none() => interface = Some(value.to_owned()),
                _ => return Err(USAGE),
            }
        }
        let destination = match (to, gateway) {
            ("default", Some(IpAddr::V4(_))) => "0.0.0.0/0".parse().map_err(|_| USAGE)?,
            ("default", Some(IpAddr::V6(_))) => "::/0".parse().map_err(|_| USAGE)?,
            ("default", None) => {
                return Err("without `via`, write \"0.0.0.0/0\" or \"::/0\" for default");
            }
            _ => to
                .parse::<IpNet>()
                .or_else(|_| to.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| USAGE)?,
        };
        if destination != destination.trunc() {
            return Err("the destination has bits behind its prefix");
        }
        if gateway.is_none() && interface.is_none() {
            return Err("a route needs `via` or `dev`");
        }
        if gateway.is_some_and(|via| via.is_ipv4() != destination.addr().is_ipv4()) {
            return Err("destination and gateway are not of one family");
        }
        Ok(Self {
            destination,
            gateway,
            interface,
        })
    }
}

impl fmt::Display for VirtualRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.destination.fmt(f)?;
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        if let Some(interface) = &self.interface {
            write!(f, " dev {interface}")?;
        }
        Ok(())
    }
}

impl FromValue for VirtualRoute {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let route: Self = value.parse(str::parse)?;
        if let Some(name) = &route.interface
            && let Err(why) = address::check_interface(name)
        {
            return value.fail(format!(
                "`{name}` cannot be the name of an interface: {why}"
            ));
        }
        Some(route)
    }
}

impl ToToml for VirtualRoute {
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_and_written_as_ip_route_does() {
        for (text, written) in [
            ("192.0.2.0/24 via 10.0.0.1 dev eth0", None),
            ("192.0.2.0/24 dev eth0", None),
            ("default via 10.0.0.1", Some("0.0.0.0/0 via 10.0.0.1")),
            (
                "default dev eth1 via fe80::1",
                Some("::/0 via fe80::1 dev eth1"),
            ),
            (
                "2001:db8::1 via 2001:db8::2",
                Some("2001:db8::1/128 via 2001:db8::2"),
            ),
        ] {
            let route: VirtualRoute = text.parse().unwrap();
            assert_eq!(route.to_string(), written.unwrap_or(text));
            assert_eq!(route.to_string().parse(), Ok(route));
        }
        for text in [
            "",
            "192.0.2.0/24",
            "192.0.2.1/24 dev eth0",
            "192.0.2.0/24 via",
            "192.0.2.0/24 via eth0",
            "192.0.2.0/24 via 10.0.0.1 via 10.0.0.2",
            "192.0.2.0/24 via fe80::1",
            "192.0.2.0/24 metric 1",
            "default dev eth0",
        ] {
            assert!(text.parse::<VirtualRoute>().is_err(), "{text}");
        }
    }
}
