//! `timeout`: how long each side may take.

use std::time::Duration;

use crate::config::{
    print::Printer,
    section::{Elsewhere, Place, Section},
};

const SECOND: Duration = Duration::from_secs(1);

/// Keys of a backend's `timeout` and of a frontend's.
const OF_BACKENDS: &[&str] = &[
    "check",
    "connect",
    "queue",
    "server",
    "server_fin",
    "tunnel",
];
const OF_FRONTENDS: &[&str] = &[
    "client",
    "client_fin",
    "http_keep_alive",
    "http_request",
    "tarpit",
];

/// `timeout` of a frontend: the client's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTimeouts {
    /// Silence of the client while it should send or take. 50 s.
    pub client: Duration,
    /// From the first byte of a request to the end of its headers. 10 s.
    pub http_request: Duration,
    /// Between two requests. 10 s.
    pub http_keep_alive: Duration,
    /// After the client closed its half. 30 s.
    pub client_fin: Duration,
    /// Before a client in the tarpit gets its answer. 10 s.
    pub tarpit: Duration,
}

/// `timeout` of a backend: the servers' side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTimeouts {
    /// For a connection to a server. 5 s.
    pub connect: Duration,
    /// Silence of the server while it should send or take. 50 s.
    pub server: Duration,
    /// In the queue for a free slot. As `connect`.
    pub queue: Duration,
    /// Silence on both sides after an upgrade. 1 h.
    pub tunnel: Duration,
    /// After the server closed its half. 30 s.
    pub server_fin: Duration,
}

impl ClientTimeouts {
    pub(crate) fn read(owner: &Section<'_>) -> Self {
        let section = owner.merged("timeout", Place::Timeout);
        let timeouts = Self {
            client: section.duration("client").unwrap_or(50 * SECOND),
            http_request: section.duration("http_request").unwrap_or(10 * SECOND),
            http_keep_alive: section.duration("http_keep_alive").unwrap_or(10 * SECOND),
            client_fin: section.duration("client_fin").unwrap_or(30 * SECOND),
            tarpit: section.duration("tarpit").unwrap_or(10 * SECOND),
        };
        finish(&section, owner, (OF_BACKENDS, "the `timeout` of a backend"));
        timeouts
    }

    pub(crate) fn print(&self, path: &[&str], out: &mut Printer) {
        out.table(&[path, &["timeout"]].concat());
        out.set("client", self.client);
        out.set("http_request", self.http_request);
        out.set("http_keep_alive", self.http_keep_alive);
        out.set("client_fin", self.client_fin);
        out.set("tarpit", self.tarpit);
    }
}

impl ServerTimeouts {
    /// Also gives `check`, which belongs to the checks.
    pub(crate) fn read(owner: &Section<'_>) -> (Self, Option<Duration>) {
        let section = owner.merged("timeout", Place::Timeout);
        let connect = section.duration("connect").unwrap_or(5 * SECOND);
        let timeouts = Self {
            connect,
            server: section.duration("server").unwrap_or(50 * SECOND),
            queue: section.duration("queue").unwrap_or(connect),
            tunnel: section.duration("tunnel").unwrap_or(3600 * SECOND),
            server_fin: section.duration("server_fin").unwrap_or(30 * SECOND),
        };
        let check = section.duration("check");
        finish(
            &section,
            owner,
            (OF_FRONTENDS, "the `timeout` of a frontend"),
        );
        (timeouts, check)
    }

    pub(crate) fn print(&self, path: &[&str], out: &mut Printer) {
        out.table(&[path, &["timeout"]].concat());
        out.set("connect", self.connect);
        out.set("server", self.server);
        out.set("queue", self.queue);
        out.set("tunnel", self.tunnel);
        out.set("server_fin", self.server_fin);
    }
}

/// The other side's keys are known where the owner is both sides, and misplaced where it is one.
fn finish(section: &Section<'_>, owner: &Section<'_>, other: Elsewhere<'_>) {
    if matches!(owner.place, Place::Defaults | Place::Listen) {
        section.know(other.0);
    }
    section.finish(&[other]);
}
