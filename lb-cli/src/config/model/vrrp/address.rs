//! `virtual_addresses`, and the networks' interfaces they are set on.

use std::net::IpAddr;

use ipnet::IpNet;
use lb_vrrp::{Scope, VirtualAddress};

use crate::config::{
    Spanned,
    print::{ToToml, inline, quoted},
    section::Place,
    types::FromValue,
    value::Value,
};

/// `IFNAMSIZ` less the NUL: the longest name of an interface, and of an address's label.
const LONGEST_NAME: usize = 15;

/// The name of a network interface, which need not exist yet.
pub(super) fn interface(value: &Value<'_>) -> Option<Spanned<String>> {
    let text = value.text()?;
    if let Err(why) = check_interface(&text) {
        let message = format!("`{text}` cannot be the name of an interface: {why}");
        value.cx.error(text.span(), message, None);
        return None;
    }
    Some(text)
}

/// What the kernel refuses as a name (`dev_valid_name`).
pub(super) fn check_interface(name: &str) -> Result<(), &'static str> {
    let refused = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    match name {
        "" => Err("it is empty"),
        "." | ".." => Err("the system does not allow it"),
        _ if name.len() > LONGEST_NAME => Err("it has at most 15 octets"),
        _ if name.contains(refused) => Err("blanks, `/` and `:` are not allowed"),
        _ => Ok(()),
    }
}

/// An address, or a table with an address and how it is set.
impl FromValue for Spanned<VirtualAddress> {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        if !value.is_table() {
            if !value.is_string() {
                return value.mismatch("an address or a table");
            }
            return parse(value);
        }
        let section = value.section(Place::Plain, "virtual_addresses")?;
        let stated = section.require::<Spanned<VirtualAddress>>("address");
        let on = section.value("interface").map(|name| interface(&name));
        let label = section.value("label").map(|value| label(&value));
        let scope = section.get("scope").unwrap_or_default();
        section.finish(&[]);
        let stated = stated?;
        let mut address = stated.clone().into_inner().scope(scope);
        if let Some(on) = on {
            address = address.on(on?.into_inner());
        }
        if let Some(label) = label {
            let label = label?;
            if address.ip().is_ipv6() {
                let message = "labels are for IPv4: the address is IPv6";
                value.cx.error(label.span(), message, None);
                return None;
            }
            address = address.label(label.into_inner());
        }
        Some(stated.with(address))
    }
}

fn parse(value: &Value<'_>) -> Option<Spanned<VirtualAddress>> {
    let text = value.text()?;
    let refuse = |message: String| {
        value.cx.error(text.span(), message, None);
        None
    };
    let address = match text.parse::<VirtualAddress>() {
        Ok(address) => address,
        Err(why) => return refuse(why.to_string()),
    };
    let ip = address.ip();
    if is_of_no_host(ip) {
        return refuse(format!("{ip} is no address of a host"));
    }
    if let Ok(IpNet::V4(net)) = text.parse::<IpNet>()
        && net.prefix_len() < 31
    {
        if net.addr() == net.network() {
            return refuse(format!("{net} is the network itself, no address in it"));
        }
        if net.addr() == net.broadcast() {
            return refuse(format!("{ip} is the broadcast address of {}", net.trunc()));
        }
    }
    Some(text.with(address))
}

/// Any, a group, or all.
pub(super) fn is_of_no_host(ip: IpAddr) -> bool {
    let all = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    all || ip.is_unspecified() || ip.is_multicast()
}

fn label(value: &Value<'_>) -> Option<Spanned<String>> {
    let text = value.text()?;
    let allowed = |c: char| !c.is_whitespace() && !c.is_control();
    if text.is_empty() || text.len() > LONGEST_NAME || !text.chars().all(allowed) {
        let message = format!("the label `{text}` does not have 1 to 15 octets without blanks");
        value.cx.error(text.span(), message, None);
        return None;
    }
    Some(text)
}

impl FromValue for Scope {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.word(&SCOPES, &[])
    }
}

const SCOPES: [(&str, Scope); 3] = [
    ("global", Scope::Global),
    ("link", Scope::Link),
    ("host", Scope::Host),
];

impl ToToml for VirtualAddress {
    fn to_toml(&self) -> String {
        let text = self.to_string().to_toml();
        let scope = SCOPES.iter().find(|(_, scope)| *scope == self.scope_of());
        let scope = scope.filter(|_| self.scope_of() != Scope::Global);
        if self.interface().is_none() && self.label_text().is_none() && scope.is_none() {
            return text;
        }
        inline([
            ("address", Some(text)),
            ("interface", self.interface().map(quoted)),
            ("label", self.label_text().map(quoted)),
            ("scope", scope.map(|(word, _)| quoted(word))),
        ])
    }
}
