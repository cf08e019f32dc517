//! `bind`: one listening socket of a frontend.

use crate::config::{
    BindAddress, Spanned,
    print::{ToToml, inline},
    section::{Place, Section},
    types::FromValue,
    value::Value,
};

/// One listening socket of a frontend: an address, or a table with an address and options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// Where it listens.
    pub address: Spanned<BindAddress>,
    /// Every connection starts with a PROXY protocol header, whose addresses count.
    pub accept_proxy: bool,
    /// Length of the kernel's accept queue; `None`: as many as `maxconn`.
    pub backlog: Option<u32>,
    /// Only this network interface.
    pub interface: Option<String>,
    /// TCP maximum segment size announced to clients.
    pub mss: Option<u16>,
    /// An IPv6 socket that also takes IPv4; `None`: as the address says (`*` does, `[::]` does not).
    pub v4v6: Option<bool>,
    /// An IPv6 socket that takes IPv6 only.
    pub v6only: bool,
    /// TCP Fast Open.
    pub tfo: bool,
    /// Permissions of a Unix socket.
    pub mode: Option<u32>,
    /// Owner of a Unix socket: a name or a number.
    pub user: Option<String>,
    /// Group of a Unix socket: a name or a number.
    pub group: Option<String>,
    /// Client connections of this socket.
    pub maxconn: Option<u32>,
}

impl FromValue for Bind {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        if value.is_string() {
            let address = BindAddress::from_value(value)?;
            return Some(Self::on(Spanned::new(address, value.span())));
        }
        if !value.is_table() {
            return value.mismatch("an address or a table");
        }
        Self::read(&value.section(Place::Bind, "bind")?)
    }
}

impl Bind {
    /// This address, without options.
    pub const fn on(address: Spanned<BindAddress>) -> Self {
        Self {
            address,
            accept_proxy: false,
            backlog: None,
            interface: None,
            mss: None,
            v4v6: None,
            v6only: false,
            tfo: false,
            mode: None,
            user: None,
            group: None,
            maxconn: None,
        }
    }

    fn read(section: &Section<'_>) -> Option<Self> {
        let address: Option<BindAddress> = section.require("address");
        let span = section
            .value("address")
            .map_or(section.span, |value| value.span());
        // Options are read even if there is no address to put them on: their problems are worth a report, too.
        let bind = Self {
            address: Spanned::new(address.clone().unwrap_or(BindAddress::Any(0)), span),
            accept_proxy: section.flag("accept_proxy"),
            backlog: section.number("backlog", 1..=i64::from(i32::MAX)),
            interface: section.get("interface"),
            // What TCP_MAXSEG takes.
            mss: section.number("mss", 88..=32_767),
            v4v6: section.get("v4v6"),
            v6only: section.flag("v6only"),
            tfo: section.flag("tfo"),
            mode: section.value("mode").and_then(|value| permissions(&value)),
            user: section.get("user"),
            group: section.get("group"),
            maxconn: section.number("maxconn", 1..=i64::from(u32::MAX)),
        };
        section.finish(&[]);
        address?;
        bind.check(section);
        Some(bind)
    }

    /// Options that do not go with the address.
    fn check(&self, section: &Section<'_>) {
        let refuse = |keys: &[&'static str], why: &str| {
            for value in keys.iter().filter_map(|key| section.value(key)) {
                value.fail::<()>(format!("{why}: the address is {}", self.address));
            }
        };
        if !matches!(*self.address, BindAddress::Unix(_)) {
            refuse(
                &["mode", "user", "group"],
                "permissions are for Unix sockets",
            );
        }
        match *self.address {
            BindAddress::Unix(_) | BindAddress::Abstract(_) => {
                refuse(
                    &["interface", "mss", "v4v6", "v6only", "tfo"],
                    "an option of TCP",
                );
            }
            BindAddress::Ip(address) if address.is_ipv4() => {
                refuse(&["v4v6", "v6only"], "an option of IPv6");
            }
            _ => {}
        }
        if let (Some(true), true, Some(value)) = (self.v4v6, self.v6only, section.value("v6only")) {
            value.fail::<()>("`v6only` contradicts `v4v6`");
        }
    }
}

/// `"0660"`, in octal digits as chmod(1) takes them.
pub(super) fn permissions(value: &Value<'_>) -> Option<u32> {
    value.parse(|text| match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 && text.len() >= 3 => Ok(mode),
        _ => Err("permissions are octal digits, as in \"0660\""),
    })
}

impl ToToml for Bind {
    fn to_toml(&self) -> String {
        if *self == Self::on(self.address.clone()) {
            return self.address.to_toml();
        }
        let flag = |set: bool| set.then(|| true.to_toml());
        inline([
            ("address", Some(self.address.to_toml())),
            ("accept_proxy", flag(self.accept_proxy)),
            ("backlog", self.backlog.map(|n| n.to_toml())),
            ("interface", self.interface.as_ref().map(ToToml::to_toml)),
            ("mss", self.mss.map(|n| n.to_toml())),
            ("v4v6", self.v4v6.map(|set| set.to_toml())),
            ("v6only", flag(self.v6only)),
            ("tfo", flag(self.tfo)),
            (
                "mode",
                self.mode.map(|mode| format!("{mode:04o}").to_toml()),
            ),
            ("user", self.user.as_ref().map(ToToml::to_toml)),
            ("group", self.group.as_ref().map(ToToml::to_toml)),
            ("maxconn", self.maxconn.map(|n| n.to_toml())),
        ])
    }
}
