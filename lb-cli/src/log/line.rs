//! What a log line tells, and HAProxy's HTTP line of it (`option httplog`), field for field:
//!
//! `%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc
//! %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r`

use std::time::Duration;

use http::{Method, Uri, Version};
use lb_http::{
    exchange::{Exchange, Failure},
    fetch::View,
    transaction::Captures,
};
use lb_tcp::Endpoint;
use tokio::time::Instant;

use super::{
    LocalClock,
    text::{escape, escape_capture, millis, number},
};

/// The first two characters of `%tsc`: who ended the session, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Termination(pub char, pub char);

impl Termination {
    /// All went well.
    pub const NORMAL: Self = Self('-', '-');

    /// By why the proxy answered itself.
    pub fn of(failure: Option<Failure>) -> Self {
        match failure {
            None => Self::NORMAL,
            Some(Failure::NoServer | Failure::Connect) => Self('S', 'C'),
            Some(Failure::QueueTimeout) => Self('s', 'Q'),
            Some(Failure::ConnectTimeout) => Self('s', 'C'),
            Some(Failure::ResponseTimeout) => Self('s', 'H'),
            Some(Failure::BadResponse) => Self('S', 'H'),
            Some(Failure::InvalidResponse | Failure::InvalidBody | Failure::ResponseDenied) => {
                Self('P', 'H')
            }
            Some(Failure::Client) => Self('C', 'D'),
            Some(Failure::ClientTimeout) => Self('c', 'D'),
            Some(Failure::BodyTimeout) => Self('c', 'R'),
            Some(
                Failure::BodyTooLarge | Failure::Denied | Failure::Rejected | Failure::Rewrite,
            ) => Self('P', 'R'),
            Some(Failure::ResponseReplaced) => Self('L', 'H'),
            Some(Failure::Tarpitted) => Self('P', 'T'),
            Some(Failure::ShutDown) => Self('D', 'H'),
            Some(Failure::Redirected) => Self('L', 'C'),
            Some(_) => Self('L', 'R'),
        }
    }
}

/// Connections at the moment of the line: `%ac/%fc/%bc/%sc`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connections {
    /// Of the process.
    pub process: u32,
    /// Of the frontend.
    pub frontend: u32,
    /// Of the backend.
    pub backend: u32,
    /// Of the server.
    pub server: u32,
}

/// Everything that a line tells of a request, or of what was none.
#[derive(Debug)]
pub struct Line<'a> {
    /// The client.
    pub client: &'a Endpoint,
    /// The same as `address:port`.
    pub client_text: &'a str,
    /// The address it connected to.
    pub local: &'a Endpoint,
    /// When the connection was there for this request: it was accepted, or the request before it had ended.
    pub ready: Instant,
    /// When the request's first byte came.
    pub began: Instant,
    /// When its head was whole; `None` if it was none.
    pub received: Option<Instant>,
    /// When all was over.
    pub ended: Instant,
    /// The same moment since 1970.
    pub now: Duration,
    /// The frontend's name.
    pub frontend: &'a str,
    /// The backend's name, or the frontend's if there is none.
    pub backend: &'a str,
    /// How the proxy came to the response; `None` if it was never asked.
    pub exchange: Option<&'a Exchange>,
    /// The statistics page has answered.
    pub by_stats: bool,
    /// The status sent; `None` if none was.
    pub status: Option<u16>,
    /// Bytes sent to the client.
    pub bytes: u64,
    /// Bytes that came from it.
    pub bytes_in: u64,
    /// How it ended.
    pub termination: Termination,
    /// Connections at this moment.
    pub connections: Connections,
    /// The request line; `None` if there was none that could be read.
    pub asked: Option<Asked<'a>>,
    /// What was kept of the messages.
    pub captures: Option<&'a Captures>,
    /// How many fields are kept of requests and of responses.
    pub slots: (usize, usize),
    /// The line is written before all is over (`option logasap`).
    pub asap: bool,
    /// The frontend's lines before this one, and the requests of the process.
    pub counters: (u64, u64),
    /// What expressions may look at.
    pub view: View<'a>,
}

/// A request line.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target.
    pub uri: &'a Uri,
    /// The version.
    pub version: Version,
}

/// The phases of a request: `TR/Tw/Tc/Tr/Ta`; `None` for one that never ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    pub(super) request: Option<Duration>,
    pub(super) queue: Option<Duration>,
    pub(super) connect: Option<Duration>,
    pub(super) response: Option<Duration>,
    pub(super) data: Option<Duration>,
    pub(super) active: Duration,
}

impl Line<'_> {
    /// Writes the line, without its end.
    pub(super) fn write(&self, out: &mut Vec<u8>, clock: &mut LocalClock) {
        out.extend_from_slice(self.client_text.as_bytes());
        out.extend_from_slice(b" [");
        clock.write(out, self.at(self.began));
        out.extend_from_slice(b"] ");
        out.extend_from_slice(self.frontend.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.backend.as_bytes());
        out.push(b'/');
        out.extend_from_slice(self.server().as_bytes());
        out.push(b' ');
        self.write_timers(out);
        out.push(b' ');
        self.write_status(out);
        out.push(b' ');
        self.write_bytes(out);
        for cookie in self.cookies() {
            out.push(b' ');
            out.extend_from_slice(cookie.unwrap_or(b"-"));
        }
        out.push(b' ');
        out.extend(self.state());
        out.push(b' ');
        self.write_counts(out);
        if let Some(slots) = self.request_captures() {
            out.push(b' ');
            braces(out, slots);
        }
        if let Some(slots) = self.response_captures() {
            out.push(b' ');
            braces(out, slots);
        }
        out.extend_from_slice(b" \"");
        self.write_request(out);
        out.push(b'"');
    }

    /// A moment of this request, since 1970.
    pub(super) fn at(&self, moment: Instant) -> Duration {
        self.now
            .saturating_sub(self.ended.saturating_duration_since(moment))
    }

    pub(super) fn server(&self) -> &str {
        let server = self.exchange.and_then(|exchange| exchange.server.as_ref());
        match server {
            Some(server) => server.name(),
            None if self.by_stats => "<STATS>",
            None => "<NOSRV>",
        }
    }

    pub(super) fn timers(&self) -> Timers {
        let span =
            |from: Option<Instant>, to: Option<Instant>| Some(to?.saturating_duration_since(from?));
        let (mut dequeued, mut connected, mut responded) = (None, None, None);
        if self.by_stats {
            dequeued = self.received;
            connected = dequeued;
            responded = dequeued;
        }
        if let Some(exchange) = self.exchange {
            dequeued = exchange.dequeued;
            connected = exchange.connected;
            responded = exchange.responded;
            // Who waited in vain waited to the end.
            if self.termination.1 == 'Q' {
                dequeued = Some(self.ended);
            }
        }
        Timers {
            request: span(Some(self.began), self.received),
            queue: span(self.received, dequeued),
            connect: span(dequeued, connected),
            response: span(connected, responded),
            data: span(responded, Some(self.ended)),
            active: self.ended.saturating_duration_since(self.began),
        }
    }

    fn write_timers(&self, out: &mut Vec<u8>) {
        let timers = self.timers();
        for timer in [
            timers.request,
            timers.queue,
            timers.connect,
            timers.response,
        ] {
            millis(out, timer);
            out.push(b'/');
        }
        self.plus(out);
        millis(out, Some(timers.active));
    }

    /// What goes on growing after the line is written.
    pub(super) fn plus(&self, out: &mut Vec<u8>) {
        if self.asap {
            out.push(b'+');
        }
    }

    pub(super) fn write_status(&self, out: &mut Vec<u8>) {
        match self.status {
            Some(status) => number(out, status),
            None => out.extend_from_slice(b"-1"),
        }
    }

    pub(super) fn write_bytes(&self, out: &mut Vec<u8>) {
        self.plus(out);
        number(out, self.bytes);
    }

    /// The captured cookies of request and response.
    pub(super) fn cookies(&self) -> [Option<&[u8]>; 2] {
        let captures = self.captures;
        [
            captures.and_then(|captures| captures.request_cookie.as_deref()),
            captures.and_then(|captures| captures.response_cookie.as_deref()),
        ]
    }

    /// `%tsc`
    pub(super) fn state(&self) -> [u8; 4] {
        let Termination(who, when) = self.termination;
        let cookie = self.exchange.map_or(['-', '-'], |exchange| {
            [
                exchange.request_cookie.as_char(),
                exchange.response_cookie.as_char(),
            ]
        });
        // HAProxy's characters are ASCII.
        [who, when, cookie[0], cookie[1]].map(|c| c as u8)
    }

    /// `ac/fc/bc/sc/rc sq/bq`
    fn write_counts(&self, out: &mut Vec<u8>) {
        let Connections {
            process,
            frontend,
            backend,
            server,
        } = self.connections;
        for count in [process, frontend, backend, server] {
            number(out, count);
            out.push(b'/');
        }
        self.write_retries(out);
        let (server, pool) = self.queues();
        out.push(b' ');
        number(out, server);
        out.push(b'/');
        number(out, pool);
    }

    /// `%rc`
    pub(super) fn write_retries(&self, out: &mut Vec<u8>) {
        if self.is_redispatched() {
            out.push(b'+');
        }
        number(out, self.retries());
    }

    pub(super) fn retries(&self) -> u32 {
        self.exchange.map_or(0, |exchange| exchange.retries)
    }

    pub(super) fn is_redispatched(&self) -> bool {
        self.exchange.is_some_and(|exchange| exchange.redispatched)
    }

    /// `sq`, `bq`
    pub(super) fn queues(&self) -> (u32, u32) {
        self.exchange.map_or((0, 0), |exchange| {
            (exchange.server_queue, exchange.pool_queue)
        })
    }

    /// What was kept of the request, a slot each; `None` where nothing is ever kept of one.
    pub(super) fn request_captures(&self) -> Option<impl Iterator<Item = Option<&[u8]>>> {
        let captures = self.captures.filter(|_| self.slots.0 > 0)?;
        Some(padded(captures.request(), self.slots.0))
    }

    /// The same of the response.
    pub(super) fn response_captures(&self) -> Option<impl Iterator<Item = Option<&[u8]>>> {
        let captures = self.captures.filter(|_| self.slots.1 > 0)?;
        Some(padded(captures.response(), self.slots.1))
    }

    /// `GET / HTTP/1.1`
    pub(super) fn write_request(&self, out: &mut Vec<u8>) {
        let Some(asked) = &self.asked else {
            return out.extend_from_slice(b"<BADREQ>");
        };
        escape(out, asked.method.as_str().as_bytes());
        out.push(b' ');
        asked.with_target(|target| escape(out, target.as_bytes()));
        out.push(b' ');
        out.extend_from_slice(asked.version().as_bytes());
    }
}

impl Asked<'_> {
    /// The target as it was sent.
    pub(super) fn with_target<R>(&self, write: impl FnOnce(&str) -> R) -> R {
        let uri = self.uri;
        match (uri.scheme_str(), uri.authority(), uri.path_and_query()) {
            (None, None, Some(target)) => write(target.as_str()),
            _ => write(&uri.to_string()),
        }
    }

    pub(super) fn version(&self) -> &'static str {
        match self.version {
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_2 => "HTTP/2.0",
            _ => "HTTP/1.1",
        }
    }
}

/// Every slot, filled or not.
fn padded<'a>(
    found: impl Iterator<Item = Option<&'a [u8]>>,
    slots: usize,
) -> impl Iterator<Item = Option<&'a [u8]>> {
    found.chain(std::iter::repeat(None)).take(slots)
}

/// `{a|b}`
pub(super) fn braces<'a>(out: &mut Vec<u8>, slots: impl Iterator<Item = Option<&'a [u8]>>) {
    out.push(b'{');
    for (at, slot) in slots.enumerate() {
        if at > 0 {
            out.push(b'|');
        }
        escape_capture(out, slot.unwrap_or_default());
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_haproxys_state() {
        for (failure, who, when) in [
            (Failure::NoServer, 'S', 'C'),
            (Failure::QueueTimeout, 's', 'Q'),
            (Failure::ResponseTimeout, 's', 'H'),
            (Failure::BadResponse, 'S', 'H'),
            (Failure::Local, 'L', 'R'),
        ] {
            assert_eq!(Termination::of(Some(failure)), Termination(who, when));
        }
    }
}
