//! `check`: asking a server whether it works.

use std::{net::IpAddr, time::Duration};

use http::{HeaderName, HeaderValue, Method, Version, uri::PathAndQuery};

use crate::config::{
    Spanned,
    print::{Printer, ToToml, quoted},
    section::{Place, Section},
    types::{FromValue, words},
    unbuilt,
    value::Value,
};

/// Asking a server whether it works. Defaults are HAProxy's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is asked.
    pub kind: CheckKind,
    /// Between two checks. 2 s.
    pub interval: Duration,
    /// The same while the server is rising or falling; `None`: `interval`.
    pub fast_interval: Option<Duration>,
    /// The same while it is down; `None`: `interval`.
    pub down_interval: Option<Duration>,
    /// Successes in a row until it is up. 2.
    pub rise: u32,
    /// Failures in a row until it is down. 3.
    pub fall: u32,
    /// For the answer, once connected: the check's `timeout`, else `timeout.check`; `None`: the whole check takes at most
    /// `interval`.
    pub timeout: Option<Duration>,
    /// Another port than the server's.
    pub port: Option<u16>,
    /// Another address than the server's.
    pub address: Option<IpAddr>,
    /// Starts with a PROXY protocol header. As the server's traffic does, unless the check has a port or address of its own.
    pub send_proxy: bool,
}

/// What a check asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// A connection that is accepted is enough.
    Tcp,
    /// An HTTP request.
    Http(HttpCheck),
}

/// The request of an HTTP check and what counts as an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheck {
    /// GET. HAProxy asks with OPTIONS, which common servers refuse.
    pub method: Method,
    /// `/`.
    pub uri: PathAndQuery,
    /// HTTP/1.0.
    pub version: Version,
    /// In the order they are sent.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What follows the headers.
    pub body: Option<String>,
    /// Rules in HAProxy's words, all of which must hold; empty: any status from 200 to 399.
    pub expect: Vec<Spanned<String>>,
}

words! {
    /// The `type` of a check.
    #[derive(Default)]
    pub(crate) enum CheckType {
        #[default]
        Tcp = "tcp",
        Http = "http",
    }
    not_yet {
        "tls" => unbuilt::TLS,
        "script" => unbuilt::CHECKS,
        "mysql" => unbuilt::CHECKS,
        "pgsql" => unbuilt::CHECKS,
        "redis" => unbuilt::CHECKS,
        "smtp" => unbuilt::CHECKS,
        "ldap" => unbuilt::CHECKS,
        "exec" => unbuilt::CHECKS,
    }
}

/// What a check takes from the server and backend it belongs to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Surroundings {
    /// The backend's `timeout.check`.
    pub(crate) timeout: Option<Duration>,
    /// Traffic to the server starts with a PROXY protocol header.
    pub(crate) send_proxy: bool,
}

impl Check {
    /// The check that `layers` make, the strongest first: `false` hides those after it, `true` or a table asks for one,
    /// and keys of a table win over those of the tables after it. The first is reported on if it is the section's `own`.
    pub(crate) fn resolve(
        layers: &[Value<'_>],
        path: &str,
        own: bool,
        around: Surroundings,
    ) -> Option<Self> {
        let cx = layers.first()?.cx;
        let mut merged: Option<Section<'_>> = None;
        for (layer, value) in layers.iter().enumerate() {
            if !value.is_table() {
                match value.boolean_or("a table, `true` or `false`") {
                    Some(true) => {
                        merged.get_or_insert_with(|| Section::empty(cx, Place::Check, path));
                    }
                    _ => break,
                }
            } else if let Some(table) = value.section(Place::Check, path) {
                match &mut merged {
                    Some(merged) => merged.inherit(&table),
                    None => merged = Some(table.lent_unless(own && layer == 0)),
                }
            }
        }
        merged.map(|section| Self::read(&section, around))
    }

    fn read(section: &Section<'_>, around: Surroundings) -> Self {
        let (port, address) = (section.number("port", 1..=65_535), section.get("address"));
        let check = Self {
            kind: CheckKind::read(section),
            interval: section
                .duration("interval")
                .unwrap_or(Duration::from_secs(2)),
            fast_interval: section.duration("fast_interval"),
            down_interval: section.duration("down_interval"),
            rise: section.number("rise", 1..=10_000).unwrap_or(2),
            fall: section.number("fall", 1..=10_000).unwrap_or(3),
            timeout: section.duration("timeout").or(around.timeout),
            port,
            address,
            send_proxy: section
                .get("send_proxy")
                .unwrap_or(around.send_proxy && port.is_none() && address.is_none()),
        };
        section.finish(&[]);
        check
    }

    pub(crate) fn print(&self, path: &[&str], out: &mut Printer) {
        out.table(&[path, &["check"]].concat());
        match &self.kind {
            CheckKind::Tcp => out.set("type", CheckType::Tcp),
            CheckKind::Http(http) => {
                out.set("type", CheckType::Http);
                out.set("method", http.method.as_str());
                out.set("uri", http.uri.as_str());
                out.set("version", version_text(http.version));
                out.set_some("body", http.body.as_ref());
                out.set_any("expect", &http.expect);
            }
        }
        out.set("interval", self.interval);
        out.set_some("fast_interval", self.fast_interval);
        out.set_some("down_interval", self.down_interval);
        out.set("rise", self.rise);
        out.set("fall", self.fall);
        out.set_some("timeout", self.timeout);
        out.set_some("port", self.port);
        out.set_some("address", self.address);
        out.set("send_proxy", self.send_proxy);
        if let CheckKind::Http(http) = &self.kind
            && !http.headers.is_empty()
        {
            out.table(&[path, &["check", "headers"]].concat());
            for (name, value) in &http.headers {
                out.set(name.as_str(), value.to_str().unwrap_or_default());
            }
        }
    }
}

impl CheckKind {
    fn read(section: &Section<'_>) -> Self {
        let kind = section
            .value("type")
            .map(|value| CheckType::from_value(&value));
        let http = HttpCheck {
            method: section.get("method").unwrap_or(Method::GET),
            uri: section
                .get("uri")
                .unwrap_or_else(|| PathAndQuery::from_static("/")),
            version: section.get("version").unwrap_or(Version::HTTP_10),
            headers: headers(section),
            body: section.get("body"),
            expect: section.one_or_more("expect"),
        };
        match kind.unwrap_or(Some(CheckType::Tcp)) {
            Some(CheckType::Http) => return Self::Http(http),
            Some(CheckType::Tcp) => {
                for key in ["method", "uri", "version", "headers", "body", "expect"] {
                    if let Some(value) = section.value(key).filter(|_| section.states(key)) {
                        let message = format!("`{key}` is for checks of type \"http\"");
                        value.fail_with::<()>(message, "add `type = \"http\"`");
                    }
                }
            }
            // Of a type that was refused, whose keys may be right.
            None => {}
        }
        Self::Tcp
    }
}

fn headers(section: &Section<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let Some(table) = section.section("headers", Place::Plain) else {
        return Vec::new();
    };
    let pairs = table.entries().filter_map(|entry| {
        let Ok(name) = entry.key.parse::<HeaderName>() else {
            section.cx.error(
                entry.span,
                format!("`{}` is not a header's name", entry.key),
                None,
            );
            return None;
        };
        // Printable, so that the value can be shown again.
        let value = entry.value.parse(|text| match HeaderValue::from_str(text) {
            Ok(value) if value.to_str().is_ok() => Ok(value),
            _ => Err("a header's value is one line of ASCII"),
        });
        Some((name, value?))
    });
    pairs.collect()
}

fn version_text(version: Version) -> &'static str {
    if version == Version::HTTP_11 {
        "HTTP/1.1"
    } else {
        "HTTP/1.0"
    }
}

impl FromValue for Version {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.word(
            &[("HTTP/1.0", Self::HTTP_10), ("HTTP/1.1", Self::HTTP_11)],
            &[],
        )
    }
}

impl FromValue for Method {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.parse(|text| Self::from_bytes(text.as_bytes()))
    }
}

impl FromValue for PathAndQuery {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.parse(|text| match text.parse::<Self>() {
            Ok(path) if path.as_str() == text && (text.starts_with('/') || text == "*") => Ok(path),
            _ => Err("a path starts with `/` and has no blanks"),
        })
    }
}

impl FromValue for IpAddr {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.parse(|text| text.parse().map_err(|_| "this is not an IP address"))
    }
}

impl ToToml for IpAddr {
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}
