//! `[backend.NAME]`: a set of servers and how requests are shared among them.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{
    Acl, Compression, Condition, Cookie, ErrorFile, ForwardFor, HttpConnection, Mode, Redispatch,
    RetryOn, Rules, Server, ServerTimeouts, Stats, Stick,
    check::{Check, Surroundings},
    server::{self, Common},
};
use crate::config::{
    Spanned,
    print::{Printer, ToToml, quoted},
    section::{Place, Section},
    types::words,
    unbuilt,
    value::Value,
};

/// A set of servers and how requests are shared among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Its name.
    pub name: Spanned<String>,
    /// The algorithm in HAProxy's words; `roundrobin`.
    pub balance: Spanned<String>,
    /// How hashes are mapped to servers, in HAProxy's words; `None`: `map-based`.
    pub hash_type: Option<Spanned<String>>,
    /// The load a server may have when it is hashed to, in percent of the average: 101 to 65535; `None`: any.
    pub hash_balance_factor: Option<Spanned<u16>>,
    /// The servers, in the order of the file.
    pub server: Vec<Server>,
    /// Keeping a client on one server.
    pub cookie: Option<Cookie>,
    /// The same by tables.
    pub stick: Vec<Stick>,
    /// Named conditions.
    pub acl: Vec<Acl>,
    /// What is done to requests and responses.
    pub rules: Rules,
    /// Retries of one request. 3.
    pub retries: u32,
    /// What is retried. Failed connections and empty responses.
    pub retry_on: Vec<RetryOn>,
    /// When a retry goes to another server.
    pub redispatch: Redispatch,
    /// Retries may be this many percent of the requests: 1 to 100; `None`: any number.
    pub retry_budget: Option<u16>,
    /// The load at which every server has its full `maxconn`; `None`: a tenth of what the frontends take.
    pub fullconn: Option<u32>,
    /// Which requests may use an idle connection to a server.
    pub http_reuse: HttpReuse,
    /// Idle connections to servers.
    pub pool: Pool,
    /// Requests whose client has gone are dropped from the queue.
    pub abortonclose: bool,
    /// All backup servers share the load, not the first only.
    pub allbackups: bool,
    /// Clients with a cookie are sent to their server even if it is down.
    pub persist: bool,
    /// The same for requests that meet one of these.
    pub force_persist: Vec<Condition>,
    /// The cookie does not count for requests that meet one of these.
    pub ignore_persist: Vec<Condition>,
    /// Replacements of `lb`'s own error pages.
    pub errorfile: Vec<ErrorFile>,
    /// Which responses are compressed.
    pub compression: Option<Compression>,
    /// Its own statistics page, for requests that reach it; that of `listen` is the frontend's.
    pub stats: Option<Stats>,
    /// What happens to connections between requests.
    pub http_connection: HttpConnection,
    /// The header that names the client's address, if any.
    pub forwardfor: Option<ForwardFor>,
    /// How long servers may take.
    pub timeout: ServerTimeouts,
    /// The source address of connections to servers; port 0: any port. `None`: the system's choice.
    pub connect_source: Option<SocketAddr>,
    /// Adds a `Via` header, as RFC 9110 asks of proxies. True.
    pub via: bool,
    /// Every check that moves a server's counter is logged (`option log-health-checks`).
    pub log_health_checks: bool,
}

/// Idle connections to servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Idle connections to keep for each server and worker; `None`: 256, 0: none.
    pub max_idle: Option<u32>,
    /// Idle ones are closed after this long. 4.5 s.
    pub idle_timeout: Duration,
    /// Connections are not used any longer after this age; `None`: no limit.
    pub max_age: Option<Duration>,
}

words! {
    /// Which requests may use an idle connection to a server.
    #[derive(Default)]
    pub enum HttpReuse {
        /// None: each request has a connection of its own.
        Never = "never",
        /// All but the first of a client connection.
        #[default]
        Safe = "safe",
        /// The first, too, on connections that were used more than once.
        Aggressive = "aggressive",
        /// All.
        Always = "always",
    }
}

impl Backend {
    pub(crate) fn read(name: Spanned<String>, section: &Section<'_>) -> Self {
        section.get::<Mode>("mode");
        let (timeout, check_timeout) = ServerTimeouts::read(section);
        let check = section.value("check");
        let common = Common {
            backend: name.clone(),
            check,
            check_timeout,
        };
        // For its problems: each server completes it on its own.
        let own = section.states("check");
        Check::resolve(
            check.as_slice(),
            &section.child("check"),
            own,
            Surroundings::default(),
        );
        Self {
            name,
            balance: section
                .get("balance")
                .unwrap_or_else(|| Spanned::built_in("roundrobin".to_owned())),
            hash_type: section.get("hash_type"),
            hash_balance_factor: section
                .value("hash_balance_factor")
                .and_then(|value| hash_balance_factor(&value)),
            server: servers(section, &common),
            compression: Compression::read(section),
            cookie: Cookie::read(section),
            stick: Stick::read_all(section, &common.backend),
            acl: Acl::read_all(section),
            rules: Rules::read(section),
            retries: section.number("retries", 0..=1000).unwrap_or(3),
            retry_on: section
                .value("retry_on")
                .map_or_else(RetryOn::usual, |value| RetryOn::read(&value)),
            redispatch: section.get("redispatch").unwrap_or_default(),
            retry_budget: section.number("retry_budget", 1..=100),
            fullconn: section.number("fullconn", 1..=i64::from(u32::MAX)),
            http_reuse: section.get("http_reuse").unwrap_or_default(),
            pool: Pool::read(section),
            abortonclose: section.flag("abortonclose"),
            allbackups: section.flag("allbackups"),
            persist: section.flag("persist"),
            force_persist: section.one_or_more("force_persist"),
            ignore_persist: section.one_or_more("ignore_persist"),
            errorfile: ErrorFile::read_all(section),
            stats: (section.place != Place::Listen)
                .then(|| Stats::read(section))
                .flatten(),
            http_connection: section.get("http_connection").unwrap_or_default(),
            forwardfor: ForwardFor::read(section),
            timeout,
            connect_source: section
                .value("connect_source")
                .and_then(|value| connect_source(&value)),
            via: section.get("via").unwrap_or(true),
            log_health_checks: section.flag("log_health_checks"),
        }
    }

    pub(crate) fn print(&self, out: &mut Printer) {
        let path = ["backend", self.name.as_str()];
        out.table(&path);
        out.set("mode", "http");
        out.set("balance", &self.balance);
        out.set_some("hash_type", self.hash_type.as_ref());
        out.set_some("hash_balance_factor", self.hash_balance_factor.as_ref());
        out.set("retries", self.retries);
        match self.retry_on.as_slice() {
            [] => out.set("retry_on", ["none"].as_slice()),
            causes => out.set("retry_on", causes),
        }
        out.set("redispatch", self.redispatch);
        out.set_some("retry_budget", self.retry_budget);
        out.set_some("fullconn", self.fullconn);
        out.set("http_reuse", self.http_reuse);
        out.set("abortonclose", self.abortonclose);
        out.set("allbackups", self.allbackups);
        out.set("persist", self.persist);
        out.set_any("force_persist", &self.force_persist);
        out.set_any("ignore_persist", &self.ignore_persist);
        out.set("http_connection", self.http_connection);
        out.set_some("forwardfor", self.forwardfor.as_ref());
        out.set_some("compression", self.compression.as_ref());
        out.set_some("connect_source", self.connect_source);
        out.set("via", self.via);
        out.set("log_health_checks", self.log_health_checks);
        out.set_some("stats", self.stats.as_ref());
        self.rules.print(out);
        Acl::print_all(&self.acl, &path, out);
        if let Some(cookie) = &self.cookie {
            cookie.print(&path, out);
        }
        Stick::print_all(&self.stick, &path, out);
        ErrorFile::print_all(&self.errorfile, &path, out);
        self.pool.print(&path, out);
        self.timeout.print(&path, out);
        for server in &self.server {
            server.print(&self.name, out);
        }
    }
}

fn servers<'a>(section: &Section<'a>, common: &Common<'a>) -> Vec<Server> {
    let defaults = section.section("default_server", Place::DefaultServer);
    if let Some(defaults) = &defaults {
        // For its problems: it is no server.
        Server::read(
            defaults,
            &Common {
                backend: common.backend.clone(),
                check: None,
                check_timeout: None,
            },
        );
    }
    let items = section
        .value("server")
        .and_then(|value| value.items())
        .into_iter()
        .flatten();
    let mut servers: Vec<Server> = items
        .filter_map(|item| {
            let server = item.section(Place::Server, section.child("server"))?;
            let mut server = server.lent_unless(section.states("server"));
            if let Some(defaults) = &defaults {
                server.inherit(defaults);
            }
            Server::read(&server, common)
        })
        .collect();
    server::number(&mut servers);
    servers
}

/// 0 is HAProxy's way to say "off".
fn hash_balance_factor(value: &Value<'_>) -> Option<Spanned<u16>> {
    let factor = value.number::<u16>("hash_balance_factor", &(0..=65_535))?;
    match factor {
        0 => None,
        1..=100 => value.fail("`hash_balance_factor` must be more than 100: no server can have less than the average of all"),
        _ => Some(Spanned::new(factor, value.span())),
    }
}

/// `"192.0.2.1"` or `"192.0.2.1:1024"`.
fn connect_source(value: &Value<'_>) -> Option<SocketAddr> {
    let text = value.text()?;
    if text.as_str() == "clientip" {
        value
            .cx
            .not_yet(text.span(), "\"clientip\"", unbuilt::TRANSPARENT);
        return None;
    }
    let address = text
        .parse()
        .or_else(|_| text.parse().map(|ip: IpAddr| SocketAddr::new(ip, 0)));
    address.ok().or_else(|| {
        value.fail_with(
            format!("`{text}` is not an IP address"),
            "write \"192.0.2.1\" or \"192.0.2.1:1024\"",
        )
    })
}

impl Pool {
    fn read(owner: &Section<'_>) -> Self {
        let section = owner.merged("pool", Place::Plain);
        let pool = Self {
            // A place for each is made at start, for every server and worker; no system has descriptors for more.
            max_idle: section.number("max_idle", 0..=65_536),
            // Below what servers usually keep, 5 s in Node and Apache, so that few requests meet a closed one.
            idle_timeout: section
                .duration("idle_timeout")
                .unwrap_or(Duration::from_millis(4_500)),
            max_age: section.duration("max_age"),
        };
        section.finish(&[]);
        pool
    }

    fn print(&self, path: &[&str], out: &mut Printer) {
        out.table(&[path, &["pool"]].concat());
        out.set_some("max_idle", self.max_idle);
        out.set("idle_timeout", self.idle_timeout);
        out.set_some("max_age", self.max_age);
    }
}

impl ToToml for SocketAddr {
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}
