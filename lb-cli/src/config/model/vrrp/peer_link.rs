//! `peer_link`: a connection between the nodes by which a dead process is known at once.

use std::net::SocketAddr;

use crate::config::{
    Spanned,
    model::Secret,
    print::{ToToml, inline},
    section::{Place, Section},
    types::FromValue,
    value::Value,
};

/// A connection between the nodes of a virtual router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerLink {
    /// Where this node listens, and what it connects from unless it is the unspecified address.
    pub bind: Spanned<SocketAddr>,
    /// The other nodes, at least one.
    pub peers: Vec<Spanned<SocketAddr>>,
    /// What all of them know: at least 16 octets.
    pub key: Secret<String>,
}

/// Shorter keys can be guessed by who has seen one exchange.
const SHORTEST_KEY: usize = 16;

impl PeerLink {
    pub(super) fn read(owner: &Section<'_>) -> Option<Self> {
        let section = owner.section("peer_link", Place::Plain)?;
        let bind: Option<Spanned<SocketAddr>> = section.require("bind");
        let peers: Option<Vec<Spanned<SocketAddr>>> = section.require("peers");
        let key: Option<Spanned<String>> = section.require("key");
        section.finish(&[]);
        let stated = section
            .value("peers")
            .map(|peers| (peers, peers.one_or_more().len()));
        if let Some((value, 0)) = stated {
            value.fail::<()>("a peer link has peers");
        }
        let key = key.filter(|key| {
            let long = key.len() >= SHORTEST_KEY;
            if !long {
                let message = format!(
                    "the key has {} octets: at least {SHORTEST_KEY} are needed",
                    key.len()
                );
                let help = "`openssl rand -hex 32` makes one".to_owned();
                section.cx.error(key.span(), message, Some(help));
            }
            long
        });
        let (bind, peers) = (bind?, peers?);
        for (at, peer) in peers.iter().enumerate() {
            let why = if **peer == *bind {
                "is this node itself"
            } else if peer.ip().is_unspecified() {
                "is no address of a host"
            } else if peer.is_ipv4() != bind.is_ipv4() {
                "is not of the family of `bind`"
            } else if peers[..at].contains(peer) {
                "is named twice"
            } else {
                continue;
            };
            let message = format!("the peer {} {why}", **peer);
            section.cx.error(peer.span(), message, None);
        }
        Some(Self {
            bind,
            peers,
            key: Secret::new(key?.into_inner()),
        })
    }
}

impl FromValue for Spanned<SocketAddr> {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let address = value.parse(|text| match text.parse::<SocketAddr>() {
            Ok(address) if address.port() == 0 => Err("a port is from 1 to 65535"),
            Ok(address) if address.ip().is_multicast() => Err("it is no address of a host"),
            Ok(address) => Ok(address),
            Err(_) => {
                Err("an address and a port are written as \"10.0.0.1:5405\" or \"[fd00::1]:5405\"")
            }
        })?;
        Some(Self::new(address, value.span()))
    }
}

impl ToToml for PeerLink {
    fn to_toml(&self) -> String {
        inline([
            ("bind", Some(self.bind.to_toml())),
            ("peers", Some(self.peers.to_toml())),
            ("key", Some(self.key.reveal().to_toml())),
        ])
    }
}
