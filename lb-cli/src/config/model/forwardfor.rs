//! `forwardfor`: telling the server who the client is.

use http::HeaderName;
use ipnet::IpNet;

use crate::config::{
    print::{ToToml, inline, quoted},
    section::{Place, Section},
    types::FromValue,
    value::Value,
};

/// A header that names the client's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardFor {
    /// Not for clients from these networks.
    pub except: Vec<IpNet>,
    /// The header; `X-Forwarded-For`.
    pub header: HeaderName,
    /// Not where the request has the header already.
    pub if_none: bool,
}

impl ForwardFor {
    /// `true`, `false`, or a table.
    pub(crate) fn read(owner: &Section<'_>) -> Option<Self> {
        let value = owner.value("forwardfor")?;
        if !value.is_table() {
            return value
                .boolean_or("a table, `true` or `false`")?
                .then(Self::default);
        }
        let section = value.section(Place::Plain, owner.child("forwardfor"))?;
        let read = Self {
            except: section.one_or_more("except"),
            header: section
                .get("header")
                .unwrap_or_else(|| Self::default().header),
            if_none: section.flag("if_none"),
        };
        section.finish(&[]);
        Some(read)
    }
}

impl Default for ForwardFor {
    fn default() -> Self {
        Self {
            except: Vec::new(),
            header: HeaderName::from_static("x-forwarded-for"),
            if_none: false,
        }
    }
}

/// A network, or one address of it.
impl FromValue for IpNet {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.parse(|text| {
            let network = text
                .parse()
                .or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()));
            network.map_err(|_| "a network is written as \"192.0.2.0/24\" or \"2001:db8::/32\"")
        })
    }
}

impl FromValue for HeaderName {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.parse(str::parse::<Self>)
    }
}

impl ToToml for IpNet {
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

impl ToToml for ForwardFor {
    fn to_toml(&self) -> String {
        inline([
            (
                "except",
                (!self.except.is_empty()).then(|| self.except.to_toml()),
            ),
            ("header", Some(quoted(self.header.as_str()))),
            ("if_none", Some(self.if_none.to_toml())),
        ])
    }
}
