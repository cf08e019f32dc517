//! `witness`: others on the network, without whom a node does not take the addresses.

use std::net::IpAddr;

use super::address;
use crate::config::{
    Spanned,
    print::{ToToml, inline},
    section::{Place, Section},
    types::{FromValue, words},
};

/// Hosts that a node must reach before it takes the addresses: one that reaches none of them is cut off itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Who is asked, at least one.
    pub targets: Vec<Spanned<IpAddr>>,
    /// How.
    pub mode: WitnessMode,
    /// How many must answer: 1 to as many as there are. 1.
    pub min_up: u32,
}

words! {
    /// How a witness is asked.
    #[derive(Default)]
    pub enum WitnessMode {
        /// By ARP, or neighbour solicitation: hosts on the link.
        #[default]
        Arp = "arp",
        /// By ICMP echo.
        Ping = "ping",
    }
}

impl Witness {
    pub(super) fn read(owner: &Section<'_>) -> Option<Self> {
        let section = owner.section("witness", Place::Plain)?;
        let targets: Option<Vec<Spanned<IpAddr>>> = section.require("targets");
        let mode = section.get("mode").unwrap_or_default();
        let min_up = section
            .number("min_up", 1..=i64::from(u32::MAX))
            .unwrap_or(1);
        section.finish(&[]);
        let stated = section.value("targets")?.one_or_more().len();
        if stated == 0 {
            let help = "name hosts that are always there, such as the gateway";
            return section
                .value("targets")?
                .fail_with("a witness has targets", help);
        }
        if min_up as usize > stated {
            return section.value("min_up")?.fail(format!(
                "`min_up` {min_up} exceeds the number of targets, {stated}"
            ));
        }
        let targets = targets?;
        for (at, target) in targets.iter().enumerate() {
            let why = if target.is_loopback() {
                "is this host itself"
            } else if targets[..at].contains(target) {
                "is named twice"
            } else {
                continue;
            };
            let message = format!("the target {} {why}", **target);
            section.cx.error(target.span(), message, None);
        }
        Some(Self {
            targets,
            mode,
            min_up,
        })
    }
}

impl FromValue for Spanned<IpAddr> {
    fn from_value(value: &crate::config::value::Value<'_>) -> Option<Self> {
        let address = IpAddr::from_value(value)?;
        if address::is_of_no_host(address) {
            return value.fail(format!("{address} is no address of a host"));
        }
        Some(Self::new(address, value.span()))
    }
}

impl ToToml for Witness {
    fn to_toml(&self) -> String {
        inline([
            ("targets", Some(self.targets.to_toml())),
            ("mode", Some(self.mode.to_toml())),
            ("min_up", Some(self.min_up.to_toml())),
        ])
    }
}
