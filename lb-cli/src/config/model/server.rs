//! `server`: one machine of a backend.

use std::time::Duration;

use super::{Check, check::Surroundings, checked_name};
use crate::config::{
    ServerAddress, Spanned,
    print::{Printer, ToToml, quoted},
    section::{Place, Section},
    types::{FromValue, words},
    value::Value,
};

/// One machine of a backend, with what `default_server` adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name, unique in the backend.
    pub name: Spanned<String>,
    /// Where it is.
    pub address: Spanned<ServerAddress>,
    /// Its number, unique in the backend, from which consistent hashing starts. Where it is not stated: the lowest that
    /// is free, counting up from the server before, as in HAProxy.
    pub id: Spanned<u32>,
    /// Its share of the load: 0 to 256, 1. 0: only clients that are sent to it by a cookie.
    pub weight: u16,
    /// Requests at a time; `None`: no limit.
    pub maxconn: Option<u32>,
    /// `maxconn` while the backend has little to do; grows with the load. Only together with `maxconn`.
    pub minconn: Option<u32>,
    /// Requests that may wait for this very server; `None`: no limit.
    pub maxqueue: Option<u32>,
    /// Its value of the backend's cookie.
    pub cookie: Option<Spanned<String>>,
    /// The check to run, complete; `None`: not checked, taken to be up.
    pub check: Option<Check>,
    /// Used when no other server can be.
    pub backup: bool,
    /// In maintenance from the start.
    pub disabled: bool,
    /// Weight and `maxconn` grow over this time after the server came up; `None`: at once.
    pub slow_start: Option<Duration>,
    /// Traffic counts as checks, too.
    pub observe: Option<Observe>,
    /// Errors in a row until `on_error`. 10.
    pub error_limit: u32,
    /// What `error_limit` errors do.
    pub on_error: OnError,
    /// What happens to sessions when the server goes down.
    pub on_marked_down: Option<OnMarkedDown>,
    /// What happens to sessions on other servers when it comes up.
    pub on_marked_up: Option<OnMarkedUp>,
    /// Takes its state from another server's checks.
    pub track: Option<Spanned<Track>>,
    /// Requests over one connection; `None`: no limit.
    pub max_reuse: Option<u32>,
    /// GET and HEAD are redirected to this prefix instead of being proxied.
    pub redir: Option<String>,
    /// What it is taken for before its first check.
    pub init_state: InitState,
    /// Connections start with a PROXY protocol header.
    pub send_proxy: Option<ProxyVersion>,
}

/// Another server, whose state counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Its backend.
    pub backend: String,
    /// Its name.
    pub server: String,
}

words! {
    /// Which errors of the traffic count.
    pub enum Observe {
        /// Connections that fail.
        Layer4 = "layer4",
        /// Connections that fail and HTTP responses that are errors.
        Layer7 = "layer7",
    }
}

words! {
    /// What too many errors do.
    #[derive(Default)]
    pub enum OnError {
        /// Checks come at `fast_interval`.
        FastInter = "fastinter",
        /// They count as one failed check.
        #[default]
        FailCheck = "fail-check",
        /// They count as the failed check before the last.
        SuddenDeath = "sudden-death",
        /// The server is down at once.
        MarkDown = "mark-down",
    }
}

words! {
    /// What happens when a server goes down.
    pub enum OnMarkedDown {
        /// Its sessions are cut.
        ShutdownSessions = "shutdown-sessions",
    }
}

words! {
    /// What happens when a server comes up.
    pub enum OnMarkedUp {
        /// Sessions on backup servers are cut.
        ShutdownBackupSessions = "shutdown-backup-sessions",
    }
}

words! {
    /// What a server is taken for before its first check.
    #[derive(Default)]
    pub enum InitState {
        /// Up, but down after one failure.
        #[default]
        Up = "up",
        /// Down, but up after one success.
        Down = "down",
        /// Up, and down after `fall` failures.
        FullyUp = "fully-up",
        /// Down, and up after `rise` successes.
        FullyDown = "fully-down",
    }
}

words! {
    /// A version of the PROXY protocol.
    pub enum ProxyVersion {
        /// The text form.
        V1 = "v1",
        /// The binary form.
        V2 = "v2",
    }
}

/// What the servers of a backend have in common.
pub(crate) struct Common<'a> {
    /// The backend's name.
    pub(crate) backend: Spanned<String>,
    /// The backend's `check`.
    pub(crate) check: Option<Value<'a>>,
    /// The backend's `timeout.check`.
    pub(crate) check_timeout: Option<Duration>,
}

const MAX: i64 = u32::MAX as i64;

impl Server {
    /// `None`, after a report, where there is no name. `id` is still 0 where it is not stated.
    pub(crate) fn read<'a>(section: &Section<'a>, common: &Common<'a>) -> Option<Self> {
        let name = section.require::<Spanned<String>>("name");
        let address: Option<Spanned<ServerAddress>> = section.require("address");
        let send_proxy = section.get::<ProxyVersion>("send_proxy");
        let around = Surroundings {
            timeout: common.check_timeout,
            send_proxy: send_proxy.is_some(),
        };
        let track = section
            .value("track")
            .and_then(|value| Track::read(&value, &common.backend));
        let own_check = section.values("check").next();
        let layers: Vec<_> = section.values("check").chain(common.check).collect();
        let check = Check::resolve(
            &layers,
            &section.child("check"),
            section.states("check"),
            around,
        );
        let server = Self {
            name: name
                .clone()
                .unwrap_or_else(|| Spanned::new(String::new(), section.span)),
            // An address that was refused: nothing is built from a configuration with an error.
            address: address.unwrap_or_else(|| {
                Spanned::new(ServerAddress::Abstract(String::new()), section.span)
            }),
            id: section
                .value("id")
                .and_then(|value| id(&value))
                .unwrap_or(Spanned::built_in(0)),
            weight: section.number("weight", 0..=256).unwrap_or(1),
            maxconn: section.number("maxconn", 1..=MAX),
            minconn: section.number("minconn", 1..=MAX),
            maxqueue: section.number("maxqueue", 1..=MAX),
            cookie: section
                .value("cookie")
                .and_then(|value| cookie_value(&value)),
            // A tracking server has no check of its own; the backend's check is for the others.
            check: check.filter(|_| track.is_none()),
            backup: section.flag("backup"),
            disabled: section.flag("disabled"),
            slow_start: section.duration("slow_start"),
            observe: section.get("observe"),
            error_limit: section.number("error_limit", 1..=MAX).unwrap_or(10),
            on_error: section.get("on_error").unwrap_or_default(),
            on_marked_down: section.get("on_marked_down"),
            on_marked_up: section.get("on_marked_up"),
            track,
            max_reuse: section.number("max_reuse", 0..=MAX),
            redir: section.value("redir").and_then(|value| value.single_word()),
            init_state: section.get("init_state").unwrap_or_default(),
            send_proxy,
        };
        section.finish(&[]);
        if section.place == Place::DefaultServer {
            for value in ["name", "address", "id", "track"]
                .into_iter()
                .filter_map(|key| Some((key, section.value(key)?)))
            {
                value.1.fail::<()>(format!(
                    "`{}` is of one server: it cannot be a default",
                    value.0
                ));
            }
            return None;
        }
        server.contradictions(section, own_check);
        name.map(|name| Self {
            name: checked_name(section.cx, name, "a server"),
            ..server
        })
    }

    fn contradictions(&self, section: &Section<'_>, own_check: Option<Value<'_>>) {
        let at = |key| {
            section
                .value(key)
                .map_or(section.span, |value| value.span())
        };
        match (self.minconn, self.maxconn) {
            (Some(min), Some(max)) if min > max => {
                section.cx.error(
                    at("minconn"),
                    format!("`minconn` {min} exceeds `maxconn` {max}"),
                    None,
                );
            }
            (Some(_), None) if !section.has("maxconn") => {
                section
                    .cx
                    .error(at("minconn"), "`minconn` needs `maxconn`", None);
            }
            _ => {}
        }
        if self.track.is_some()
            && section.states("check")
            && own_check.is_some_and(|check| check.is_table() || check.boolean() == Some(true))
        {
            section.cx.error(
                at("check"),
                "a server that tracks another one cannot be checked itself",
                None,
            );
        }
        if self.observe.is_some() && self.check.is_none() {
            let help = "add `check` to the server or to the backend";
            section.cx.warning(
                at("observe"),
                "`observe` has no effect on a server that is not checked",
                help,
            );
        }
    }

    pub(crate) fn print(&self, backend: &str, out: &mut Printer) {
        let path = ["backend", backend, "server"];
        out.element(&path);
        out.set("name", &self.name);
        out.set("address", &self.address);
        out.set("id", *self.id);
        out.set("weight", self.weight);
        out.set_some("maxconn", self.maxconn);
        out.set_some("minconn", self.minconn);
        out.set_some("maxqueue", self.maxqueue);
        out.set_some("cookie", self.cookie.as_ref());
        out.set("backup", self.backup);
        out.set("disabled", self.disabled);
        out.set_some("slow_start", self.slow_start);
        out.set_some("observe", self.observe);
        out.set("error_limit", self.error_limit);
        out.set("on_error", self.on_error);
        out.set_some("on_marked_down", self.on_marked_down);
        out.set_some("on_marked_up", self.on_marked_up);
        out.set_some("track", self.track.as_ref());
        out.set_some("max_reuse", self.max_reuse);
        out.set_some("redir", self.redir.as_ref());
        out.set("init_state", self.init_state);
        out.set_some("send_proxy", self.send_proxy);
        match &self.check {
            Some(check) => check.print(&path, out),
            None => out.set("check", false),
        }
    }
}

impl Track {
    fn read(value: &Value<'_>, backend: &str) -> Option<Spanned<Self>> {
        let text = value.text()?;
        let (backend, server) = text.split_once('/').unwrap_or((backend, &text));
        if backend.is_empty() || server.is_empty() {
            return value.fail_with(
                "another server is expected",
                "write \"SERVER\" or \"BACKEND/SERVER\"",
            );
        }
        Some(text.with(Self {
            backend: backend.to_owned(),
            server: server.to_owned(),
        }))
    }
}

fn id(value: &Value<'_>) -> Option<Spanned<u32>> {
    let number = value.number("id", &(1..=i64::from(i32::MAX)))?;
    Some(Spanned::new(number, value.span()))
}

/// The characters of RFC 6265.
fn cookie_value(value: &Value<'_>) -> Option<Spanned<String>> {
    let text = value.text()?;
    let allowed = |b: u8| b.is_ascii_graphic() && !b"\",;\\".contains(&b);
    if text.is_empty() || !text.bytes().all(allowed) {
        return value
            .fail("the value of a cookie has printable ASCII only, without blanks and \",;\\");
    }
    Some(text)
}

impl FromValue for Spanned<ServerAddress> {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        Some(Self::new(ServerAddress::from_value(value)?, value.span()))
    }
}

impl ToToml for Track {
    fn to_toml(&self) -> String {
        quoted(&format!("{}/{}", self.backend, self.server))
    }
}

/// Gives every server without a number the next one that is free.
pub(crate) fn number(servers: &mut [Server]) {
    let taken: std::collections::BTreeSet<u32> = servers.iter().map(|server| *server.id).collect();
    let mut free = (1..).filter(|id| !taken.contains(id));
    for server in servers.iter_mut().filter(|server| *server.id == 0) {
        // There are fewer servers than numbers.
        server.id = Spanned::built_in(free.next().unwrap_or(u32::MAX));
    }
}
