//! `show sess` and `shutdown session`: connections of clients.
//!
//! HAProxy shows what its streams are made of; here is what an operator can use of that, by the same names. A connection
//! without a request is shown, too.

use std::{sync::Arc, time::Duration};

use lb_tcp::Endpoint;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::reply::{Lines, Reply};
use crate::{
    log::{LocalClock, client_text},
    run::{Refusal, Session, System},
};

const EXPECTED: &str = "Session pointer expected (use 'show sess').";

/// `show sess [all|ID]`
pub(super) fn show(system: &System, words: &[String]) -> Result<Reply, Refusal> {
    let now = Instant::now();
    let (chosen, long) = match words.first().map(String::as_str) {
        None => (system.sessions().all(), false),
        Some("all") => (system.sessions().all(), true),
        Some(word) => {
            let id = number(word)?;
            let found = system.sessions().find(id);
            let why = Refusal::Unknown("no-such-session", "Session not found.");
            (vec![found.ok_or(why)?], true)
        }
    };
    let line = |session: &Arc<Session>| {
        let seen = Seen::of(session, system, now);
        let text = if long { seen.long() } else { seen.line() };
        (text, seen.object())
    };
    let lines = chosen.iter().map(line).collect();
    let head = String::new();
    Ok(Lines { head, lines }.into())
}

/// `shutdown session ID`
pub(super) fn shut(system: &System, words: &[String]) -> Result<String, Refusal> {
    let id = number(words.first().map_or("", String::as_str))?;
    let why = "No such session (use 'show sess').";
    let found = system.sessions().find(id);
    found
        .ok_or(Refusal::Unknown("no-such-session", why))?
        .kill();
    Ok(String::new())
}

/// `0x1f`
fn number(word: &str) -> Result<u64, Refusal> {
    let digits = word.strip_prefix("0x").ok_or(Refusal::Words(EXPECTED))?;
    u64::from_str_radix(digits, 16).map_err(|_| Refusal::Words(EXPECTED))
}

/// What is shown of a connection.
struct Seen {
    id: String,
    proto: &'static str,
    source: String,
    local: Option<String>,
    frontend: String,
    listener: usize,
    backend: Option<String>,
    server: Option<String>,
    age: Duration,
    requests: u32,
    /// Of the request under way, or the last one.
    bytes: [u64; 2],
    state: &'static str,
}

impl Seen {
    fn of(session: &Session, system: &System, now: Instant) -> Self {
        let client = session.client();
        let state = match client {
            None => "proxy-header",
            Some(client) if client.is_idle() => "idle",
            Some(_) => "request",
        };
        let (backend, server) = match client {
            Some(client) if state == "request" => reached(system, client.place(), client.server()),
            _ => (None, None),
        };
        Self {
            id: format!("0x{:x}", session.id()),
            proto: match session.peer().ip() {
                Some(ip) if ip.is_ipv4() => "tcpv4",
                Some(_) => "tcpv6",
                None => "unix_stream",
            },
            source: text(session.peer()),
            local: client.map(|client| text(client.local())),
            frontend: session.frontend().plan().name().to_owned(),
            listener: session.bind() + 1,
            backend,
            server,
            age: now.saturating_duration_since(session.since()),
            requests: client.map_or(0, |client| client.requests()),
            bytes: client.map_or([0; 2], |client| [client.bytes_in(), client.bytes_out()]),
            state,
        }
    }

    /// `0x1: proto=tcpv4 src=192.0.2.1:4711 fe=web be=app srv=s1 age=3s reqs=2 state=request`
    fn line(&self) -> String {
        let Self {
            id,
            proto,
            source,
            frontend,
            requests,
            state,
            ..
        } = self;
        let (backend, server) = self.names();
        let age = self.age.as_secs();
        format!(
            "{id}: proto={proto} src={source} fe={frontend} be={backend} srv={server} age={age}s reqs={requests} \
             state={state}"
        )
    }

    fn long(&self) -> String {
        let Self {
            id,
            proto,
            source,
            frontend,
            listener,
            requests,
            state,
            bytes,
            ..
        } = self;
        let (backend, server) = self.names();
        let age = self.age.as_secs();
        let local = self.local.as_deref().unwrap_or("?");
        let came = LocalClock::text(LocalClock::now().saturating_sub(self.age));
        format!(
            "{id}: [{came}] proto={proto} source={source}\n  frontend={frontend}, listener=? (id={listener}) \
             addr={local}\n  backend={backend}\n  server={server}\n  age={age}s reqs={requests} state={state} \
             in={} out={}",
            bytes[0], bytes[1]
        )
    }

    /// In HAProxy's words where there is none.
    fn names(&self) -> (&str, &str) {
        let backend = self.backend.as_deref().unwrap_or("<NONE>");
        (backend, self.server.as_deref().unwrap_or("<none>"))
    }

    fn object(&self) -> Value {
        json!({
            "id": self.id, "proto": self.proto, "source": self.source, "frontend": self.frontend,
            "backend": self.backend, "server": self.server, "age": self.age.as_secs(),
            "requests": self.requests, "state": self.state, "bytes_in": self.bytes[0],
            "bytes_out": self.bytes[1],
        })
    }
}

/// The names of the backend and the server that have its request.
fn reached(system: &System, place: u32, server: u64) -> (Option<String>, Option<String>) {
    for backend in system.backends() {
        let snapshot = backend.pool().snapshot();
        let mut servers = snapshot.all().iter();
        if let Some(server) = servers.find(|one| u64::from(one.uid()) == server) {
            let names = [backend.plan().name(), server.name()];
            let [backend, server] = names.map(|name| Some(name.to_owned()));
            return (backend, server);
        }
    }
    let mut backends = system.backends().iter();
    let backend = backends.find(|backend| backend.number() == place);
    (
        backend.map(|backend| backend.plan().name().to_owned()),
        None,
    )
}

/// HAProxy's `unix:1` has the number of a socket where there is no address.
fn text(end: &Endpoint) -> String {
    match end.inet() {
        Some(_) => client_text(end),
        None => "unix:1".to_owned(),
    }
}
