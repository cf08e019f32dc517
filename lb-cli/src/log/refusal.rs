//! Lines of what was no request.

use lb_http::{
    exchange::Exchange,
    fetch::View,
    format::Format,
    server::{Refused, RefusedCause},
};
use lb_tcp::Endpoint;
use tokio::time::Instant;

use super::{Connections, Line, LocalClock, Termination};

/// Bytes that were no request, or none at all.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// What happened.
    pub refused: &'a Refused,
    /// The frontend's name.
    pub frontend: &'a str,
    /// Connections at this moment.
    pub connections: Connections,
}

/// A connection that ended before HTTP could begin on it.
#[derive(Debug)]
pub struct Unheard<'a> {
    /// The client.
    pub client: &'a Endpoint,
    /// The address it connected to.
    pub local: &'a Endpoint,
    /// When it came.
    pub since: Instant,
    /// The frontend's name.
    pub frontend: &'a str,
    /// Which of its sockets, from 1 on.
    pub bind: usize,
    /// What is wrong.
    pub message: &'a str,
    /// Connections at this moment.
    pub connections: Connections,
}

impl Refusal<'_> {
    /// What a line tells of it; `client` is its client as `address:port`.
    pub fn line<'l>(&'l self, client: &'l str) -> Line<'l> {
        let refused = self.refused;
        let who = match refused.cause {
            RefusedCause::ClientClosed => 'C',
            RefusedCause::Timeout => 'c',
            _ => 'P',
        };
        Line {
            ready: refused.ready,
            began: refused.since,
            status: Some(refused.status.as_u16()),
            termination: Termination(who, 'R'),
            ..nothing(
                &refused.peer,
                client,
                &refused.local,
                self.frontend,
                self.connections,
            )
        }
    }
}

impl Unheard<'_> {
    /// What a line tells of it; `client` is its client as `address:port`.
    pub fn line<'l>(&'l self, client: &'l str) -> Line<'l> {
        Line {
            ready: self.since,
            began: self.since,
            status: Some(0),
            termination: Termination('P', 'R'),
            ..nothing(
                self.client,
                client,
                self.local,
                self.frontend,
                self.connections,
            )
        }
    }

    /// Writes a line by `error_log_format`.
    pub fn write_by(
        &self,
        format: &Format,
        client: &str,
        out: &mut Vec<u8>,
        clock: &mut LocalClock,
    ) {
        let line = self.line(client);
        format.write(out, &line.view, &mut |out, alias, style| {
            line.alias(out, clock, alias, style);
        });
    }

    /// HAProxy's line of it: `192.0.2.7:4711 [20/Nov/2026:17:21:06.897] web/1: message`.
    pub fn write(&self, client: &str, out: &mut Vec<u8>, clock: &mut LocalClock) {
        use std::io::Write;
        let line = self.line(client);
        out.extend_from_slice(client.as_bytes());
        out.extend_from_slice(b" [");
        clock.write(out, line.at(self.since));
        // Writing to a Vec cannot fail.
        let _ = write!(out, "] {}/{}: {}", self.frontend, self.bind, self.message);
    }
}

/// The client's end as lines have it.
pub fn client_text(client: &Endpoint) -> String {
    match client.inet() {
        Some(address) => format!("{}:{}", address.ip(), address.port()),
        None => format!("{client}:0"),
    }
}

fn nothing<'l>(
    client: &'l Endpoint,
    client_text: &'l str,
    local: &'l Endpoint,
    frontend: &'l str,
    connections: Connections,
) -> Line<'l> {
    let now = Instant::now();
    Line {
        client,
        client_text,
        local,
        ready: now,
        began: now,
        received: None,
        ended: now,
        now: LocalClock::now(),
        frontend,
        backend: frontend,
        exchange: None::<&Exchange>,
        by_stats: false,
        status: None,
        bytes: 0,
        bytes_in: 0,
        termination: Termination::NORMAL,
        connections,
        asked: None,
        captures: None,
        slots: (0, 0),
        asap: false,
        counters: (0, 0),
        view: View::default(),
    }
}
