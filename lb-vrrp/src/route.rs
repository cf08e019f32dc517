//! A route that moves with the virtual addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use thiserror::Error;

use crate::Family;

/// A route that is set while this node is master: Keepalived's line in `virtual_routes`, in the
/// words of `ip route`.
///
/// ```
/// use lb_vrrp::VirtualRoute;
///
/// let route: VirtualRoute = "192.0.2.0/24 via 10.0.0.1 dev eth0 metric 50".parse()?;
/// assert_eq!(route.gateway(), Some("10.0.0.1".parse()?));
/// assert_eq!(route.interface(), Some("eth0"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualRoute {
    destination: IpNet,
    gateway: Option<IpAddr>,
    interface: Option<String>,
    source: Option<IpAddr>,
    metric: Option<u32>,
}

impl VirtualRoute {
    /// The network it leads to.
    pub const fn destination(&self) -> IpNet {
        self.destination
    }

    /// The next hop; without one the network is on the link.
    pub const fn gateway(&self) -> Option<IpAddr> {
        self.gateway
    }

    /// The interface it leaves by, where that is not the one that advertises.
    pub fn interface(&self) -> Option<&str> {
        self.interface.as_deref()
    }

    /// The source address this host prefers for it.
    pub const fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// Its metric; the lowest wins.
    pub const fn metric(&self) -> Option<u32> {
        self.metric
    }

    fn family(&self) -> Family {
        Family::of(self.destination.addr())
    }
}

impl fmt::Display for VirtualRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.destination)?;
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        if let Some(interface) = &self.interface {
            write!(f, " dev {interface}")?;
        }
        if let Some(source) = self.source {
            write!(f, " src {source}")?;
        }
        if let Some(metric) = self.metric {
            write!(f, " metric {metric}")?;
        }
        Ok(())
    }
}

impl FromStr for VirtualRoute {
    type Err = ParseVirtualRouteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use ParseVirtualRouteError as Error;
        let mut words = text.split_whitespace();
        let first = words
            .next()
            .ok_or_else(|| Error::Destination(text.to_owned()))?;
        let mut defaults_to = None;
        let destination = match first {
            "default" => None,
            network => Some(destination(network)?),
        };
        let (mut gateway, mut interface, mut source, mut metric) = (None, None, None, None);
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| Error::Value(word.to_owned()))?;
            let address = || value.parse().map_err(|_| Error::Address(value.to_owned()));
            match word {
                "via" => gateway = Some(address()?),
                "src" => source = Some(address()?),
                "dev" => interface = Some(value.to_owned()),
                "metric" => {
                    let number = value.parse().map_err(|_| Error::Metric(value.to_owned()))?;
                    metric = Some(number);
                }
                _ => return Err(Error::Word(word.to_owned())),
            }
            defaults_to = defaults_to.or(gateway).or(source);
        }
        let destination = destination.unwrap_or_else(|| default(defaults_to));
        let route = Self {
            destination,
            gateway,
            interface,
            source,
            metric,
        };
        let other = |address: &IpAddr| Family::of(*address) != route.family();
        if gateway.iter().chain(&source).any(other) {
            return Err(Error::Families(text.to_owned()));
        }
        Ok(route)
    }
}

fn destination(text: &str) -> Result<IpNet, ParseVirtualRouteError> {
    let net = match text.parse::<IpNet>() {
        Ok(net) => net,
        Err(_) => text
            .parse::<IpAddr>()
            .map_err(|_| ParseVirtualRouteError::Destination(text.to_owned()))?
            .into(),
    };
    if net.trunc() != net {
        return Err(ParseVirtualRouteError::HostBits(net.trunc()));
    }
    Ok(net)
}

/// `default` in the family of what else is said; IPv4, as of old, where that is nothing.
fn default(of: Option<IpAddr>) -> IpNet {
    match of.map(Family::of) {
        Some(Family::V6) => IpNet::V6(ipnet::Ipv6Net::default()),
        _ => IpNet::V4(ipnet::Ipv4Net::default()),
    }
}

/// A text that is no route.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseVirtualRouteError {
    /// It does not begin with a network.
    #[error("{0:?} is no network: write it as 192.0.2.0/24, 2001:db8::/32 or default")]
    Destination(String),
    /// Bits are set behind the prefix; the network is named.
    #[error("the network is {0}")]
    HostBits(IpNet),
    /// After `via` or `src` there is no address.
    #[error("{0:?} is no address")]
    Address(String),
    /// After `metric` there is no number.
    #[error("{0:?} is no metric")]
    Metric(String),
    /// A word is not known.
    #[error("{0:?} is none of via, dev, src and metric")]
    Word(String),
    /// A word stands without its value.
    #[error("{0:?} wants a value")]
    Value(String),
    /// Its addresses are of both families.
    #[error("{0:?} mixes IPv4 and IPv6")]
    Families(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_read_and_written_in_the_words_of_ip_route() {
        for text in [
            "192.0.2.0/24 via 10.0.0.1 dev eth0",
            "192.0.2.0/24 dev eth0 src 10.0.0.5 metric 50",
            "2001:db8::/32 via fe80::1 dev eth0",
            "192.0.2.0/24",
        ] {
            assert_eq!(text.parse::<VirtualRoute>().unwrap().to_string(), text);
        }
        let host: VirtualRoute = "192.0.2.7 dev eth0".parse().unwrap();
        assert_eq!(host.destination().prefix_len(), 32);
    }

    #[test]
    fn default_is_of_its_gateway_s_family() {
        let to = |text: &str| {
            text.parse::<VirtualRoute>()
                .unwrap()
                .destination()
                .to_string()
        };
        assert_eq!(to("default via 10.0.0.1"), "0.0.0.0/0");
        assert_eq!(to("default via fe80::1 dev eth0"), "::/0");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, message) in [
            (
                "",
                r#""" is no network: write it as 192.0.2.0/24, 2001:db8::/32 or default"#,
            ),
            ("192.0.2.7/24", "the network is 192.0.2.0/24"),
            ("192.0.2.0/24 via eth0", r#""eth0" is no address"#),
            ("192.0.2.0/24 via", r#""via" wants a value"#),
            (
                "192.0.2.0/24 table 7",
                r#""table" is none of via, dev, src and metric"#,
            ),
            ("192.0.2.0/24 metric x", r#""x" is no metric"#),
            (
                "192.0.2.0/24 via fe80::1",
                r#""192.0.2.0/24 via fe80::1" mixes IPv4 and IPv6"#,
            ),
        ] {
            let error = text.parse::<VirtualRoute>().unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
