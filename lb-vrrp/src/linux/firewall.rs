//! `accept = false`: the virtual addresses move, but nothing that is sent to them is taken in
//! (RFC 9568 §6.1, Accept_Mode).
//!
//! It is done by an nftables table of our own, which `nft` sets: its netlink language is large,
//! and whoever wants this has the program. Neighbour discovery passes; what this host sends to
//! itself does, too.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::process::{Command, Stdio};

use crate::{Family, VirtualRouterId};

/// Before the filters of others, as Keepalived's.
const PRIORITY: i32 = -1;

/// The table that drops.
#[derive(Debug)]
pub(super) struct Firewall {
    family: Family,
    table: String,
    addresses: Vec<IpAddr>,
}

impl Firewall {
    /// One for a virtual router, with nothing in it.
    pub(super) fn new(family: Family, interface: &str, id: VirtualRouterId) -> Self {
        // A table's name is of letters, digits and underscores.
        let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let interface: String = interface.chars().map(letter).collect();
        let number = match family {
            Family::V4 => 4,
            Family::V6 => 6,
        };
        Self {
            family,
            table: format!("lb_vrrp{number}_{id}_{interface}"),
            addresses: Vec::new(),
        }
    }

    /// Drops what comes to `addresses`, beside those that were named before.
    pub(super) fn cover(&mut self, addresses: impl Iterator<Item = IpAddr>) -> io::Result<()> {
        let before = self.addresses.len();
        for address in addresses {
            if !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
        if self.addresses.len() == before {
            return Ok(());
        }
        let result = run(&self.script());
        if result.is_err() {
            self.addresses.truncate(before);
        }
        result
    }

    /// Removes the table.
    pub(super) fn remove(&mut self) -> io::Result<()> {
        if self.addresses.is_empty() {
            return Ok(());
        }
        self.addresses.clear();
        // Made first, so that one that is gone is none the worse.
        run(&format!(
            "table inet {0}\ndelete table inet {0}\n",
            self.table
        ))
    }

    /// The table anew, in one transaction.
    fn script(&self) -> String {
        let table = &self.table;
        let mut script = format!("table inet {table}\ndelete table inet {table}\n");
        let list: Vec<_> = self.addresses.iter().map(ToString::to_string).collect();
        let list = list.join(", ");
        let rules = match self.family {
            Family::V4 => format!("ip daddr {{ {list} }} drop"),
            Family::V6 => format!(
                "icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept\n\
                 ip6 daddr {{ {list} }} drop"
            ),
        };
        let _infallible = writeln!(
            script,
            "table inet {table} {{\nchain input {{\n\
             type filter hook input priority {PRIORITY}; policy accept;\n\
             iifname \"lo\" accept\n{rules}\n}}\n}}"
        );
        script
    }
}

fn run(script: &str) -> io::Result<()> {
    let mut child = spawn().map_err(|error| {
        let text = format!("`accept = false` needs the program nft (package nftables): {error}");
        io::Error::new(error.kind(), text)
    })?;
    if let Some(mut input) = child.stdin.take() {
        // A broken pipe is explained by what nft says itself.
        let _explained = input.write_all(script.as_bytes());
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or_default();
    Err(io::Error::other(format!(
        "nft failed, {}: {first}",
        output.status
    )))
}

fn spawn() -> io::Result<std::process::Child> {
    let mut result = Err(io::ErrorKind::NotFound.into());
    // A user's PATH lacks sbin on Debian.
    for program in ["nft", "/usr/sbin/nft"] {
        result = Command::new(program)
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        match &result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => break,
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_s_name_is_one_whatever_the_interface_s() {
        let id = VirtualRouterId::new(88).expect("not 0");
        let firewall = Firewall::new(Family::V6, "br-lan.7", id);
        assert_eq!(firewall.table, "lb_vrrp6_88_br_lan_7");
    }
}
