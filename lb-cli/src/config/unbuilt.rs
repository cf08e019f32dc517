//! Keys of the language that this version does not have yet, one line each, and what will bring them.
//!
//! Naming one is an error that says so: nothing in a file is silently ignored. Words that are not built yet stand beside
//! the words that are (`not_yet` in the model).

use super::section::Place;

pub(crate) const RULES: &str = "rules on requests and responses come with the next releases";
pub(crate) const TCP: &str =
    "TCP and UDP proxying comes with the next releases; leave `mode` out for HTTP";
pub(crate) const TLS: &str = "TLS comes with the next releases";
const LOGS: &str = "log targets of a backend come with the next releases: changes of servers go to those of [global]";
pub(crate) const CHECKS: &str = "checks beyond \"tcp\" and \"http\" come with the next releases";
pub(crate) const TRANSPARENT: &str = "transparent proxying comes with the next releases";
const PEERS: &str = "tables shared between nodes come with the next releases";
const LIMITS: &str = "rate limits come with the next releases";
const AGENT: &str = "agent checks come with the next releases";
const DNS: &str =
    "resolvers and server templates come with the next releases; names are resolved at start";
const HTTP2: &str = "HTTP/2 to servers comes with the next releases";
const ALERT: &str = "alerts come with the next releases; `notify` runs a program of yours";
const IPVS: &str = "kernel IPVS comes with the next releases";

/// Where a key stands, the key, and what brings it.
#[rustfmt::skip]
const KEYS: &[(Place, &str, &str)] = &[
    (Place::Root, "alert", ALERT),
    (Place::Root, "resolver", DNS),
    (Place::Root, "virtual_server", IPVS),
    (Place::Frontend, "rate_limit", LIMITS),
    (Place::Frontend, "tcp_request", RULES),
    (Place::Frontend, "tcp_response", RULES),
    (Place::Backend, "agent", AGENT),
    (Place::Backend, "log", LOGS),
    (Place::Backend, "server_template", DNS),
    (Place::Backend, "tcp_request", RULES),
    (Place::Backend, "tcp_response", RULES),
    (Place::Backend, "transparent", TRANSPARENT),
    (Place::Bind, "alpn", TLS),
    (Place::Bind, "tls", TLS),
    (Place::Bind, "transparent", TRANSPARENT),
    (Place::Server, "agent", AGENT),
    (Place::Server, "http2", HTTP2),
    (Place::Server, "resolver", DNS),
    (Place::Server, "tls", TLS),
    (Place::Check, "command", CHECKS),
    (Place::Check, "script", CHECKS),
    (Place::Check, "sni", TLS),
    (Place::Check, "tls", TLS),
    (Place::Check, "user", CHECKS),
    (Place::Table, "peers", PEERS),
    (Place::Vrrp, "alert", ALERT),
];

/// What brings `key` to `place`; `None` when the language has no such key.
pub(crate) fn part(place: Place, key: &str) -> Option<&'static str> {
    lines(place).find(|line| line.1 == key).map(|line| line.2)
}

/// The keys that `place` will have.
pub(crate) fn keys(place: Place) -> impl Iterator<Item = &'static str> {
    lines(place).map(|line| line.1)
}

fn lines(place: Place) -> impl Iterator<Item = &'static (Place, &'static str, &'static str)> {
    let both = matches!(place, Place::Defaults | Place::Listen);
    KEYS.iter().filter(move |line| match line.0 {
        Place::Frontend | Place::Backend if both => true,
        Place::Server => matches!(place, Place::Server | Place::DefaultServer),
        of => of == place,
    })
}
