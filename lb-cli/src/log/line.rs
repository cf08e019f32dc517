//! HAProxy's HTTP log line (`option httplog`), field for field:
//!
//! `%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc
//! %ac/%fc/%bc/%sc/%rc %sq/%bq %{+Q}r`

use std::time::Duration;

use http::{Method, Uri, Version};
use lb_http::{
    exchange::{Exchange, Failure},
    server::{Refused, RefusedCause},
};
use lb_tcp::Endpoint;
use tokio::time::Instant;

use super::LocalClock;

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

/// Everything that a line tells of a request that was one.
#[derive(Debug)]
pub struct Line<'a> {
    /// The client, as `address:port`.
    pub client: &'a str,
    /// When its first byte came.
    pub began: Instant,
    /// When its head was whole.
    pub received: Instant,
    /// When all was over.
    pub ended: Instant,
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
    /// How it ended.
    pub termination: Termination,
    /// Connections at this moment.
    pub connections: Connections,
    /// The request line.
    pub method: &'a Method,
    /// Its target.
    pub uri: &'a Uri,
    /// Its version.
    pub version: Version,
}

impl Line<'_> {
    /// Writes the line, without its end.
    pub fn write(&self, out: &mut Vec<u8>, clock: &mut LocalClock) {
        let exchange = self.exchange;
        out.extend_from_slice(self.client.as_bytes());
        out.extend_from_slice(b" [");
        clock.write(out, self.ended - self.began);
        out.extend_from_slice(b"] ");
        out.extend_from_slice(self.frontend.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.backend.as_bytes());
        out.push(b'/');
        let server = exchange.and_then(|exchange| exchange.server.as_ref());
        let server = match server {
            Some(server) => server.name(),
            None if self.by_stats => "<STATS>",
            None => "<NOSRV>",
        };
        out.extend_from_slice(server.as_bytes());
        out.push(b' ');
        self.write_timers(out);
        match self.status {
            Some(status) => number(out, status),
            None => out.extend_from_slice(b"-1"),
        }
        out.push(b' ');
        number(out, self.bytes);
        out.extend_from_slice(b" - - ");
        let Termination(who, when) = self.termination;
        let cookie = exchange.map_or(['-', '-'], |exchange| {
            [
                exchange.request_cookie.as_char(),
                exchange.response_cookie.as_char(),
            ]
        });
        // HAProxy's characters are ASCII.
        out.extend([who, when, cookie[0], cookie[1]].map(|c| c as u8));
        out.push(b' ');
        self.write_counts(out);
        out.extend_from_slice(b" \"");
        request_line(out, self.method, self.uri, self.version);
        out.push(b'"');
    }

    /// `TR/Tw/Tc/Tr/Ta`; -1 for a phase that never ended.
    fn write_timers(&self, out: &mut Vec<u8>) {
        let span =
            |from: Option<Instant>, to: Option<Instant>| Some(to?.saturating_duration_since(from?));
        let (mut dequeued, mut connected, mut responded) = (None, None, None);
        if self.by_stats {
            dequeued = Some(self.received);
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
        let timers = [
            span(Some(self.began), Some(self.received)),
            span(Some(self.received), dequeued),
            span(dequeued, connected),
            span(connected, responded),
            span(Some(self.began), Some(self.ended)),
        ];
        for (at, timer) in timers.into_iter().enumerate() {
            if at > 0 {
                out.push(b'/');
            }
            millis(out, timer);
        }
        out.push(b' ');
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
        let (mut retries, mut queues) = (0, (0, 0));
        if let Some(exchange) = self.exchange {
            if exchange.redispatched {
                out.push(b'+');
            }
            retries = exchange.retries;
            queues = (exchange.server_queue, exchange.pool_queue);
        }
        number(out, retries);
        out.push(b' ');
        number(out, queues.0);
        out.push(b'/');
        number(out, queues.1);
    }
}

/// The line of what was no request.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// What happened.
    pub refused: &'a Refused,
    /// The frontend's name.
    pub frontend: &'a str,
    /// Connections at this moment.
    pub connections: Connections,
}

impl Refusal<'_> {
    /// Writes the line, without its end.
    pub fn write(&self, out: &mut Vec<u8>, clock: &mut LocalClock) {
        let refused = self.refused;
        let elapsed = refused.since.elapsed();
        endpoint(out, &refused.peer);
        out.extend_from_slice(b" [");
        clock.write(out, elapsed);
        out.extend_from_slice(b"] ");
        out.extend_from_slice(self.frontend.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.frontend.as_bytes());
        out.extend_from_slice(b"/<NOSRV> -1/-1/-1/-1/");
        millis(out, Some(elapsed));
        out.push(b' ');
        number(out, refused.status.as_u16());
        out.extend_from_slice(match refused.cause {
            RefusedCause::ClientClosed => b" 0 - - CR-- ",
            RefusedCause::Timeout => b" 0 - - cR-- ",
            _ => b" 0 - - PR-- ",
        });
        let Connections {
            process, frontend, ..
        } = self.connections;
        number(out, process);
        out.push(b'/');
        number(out, frontend);
        out.extend_from_slice(b"/0/0/0 0/0 \"<BADREQ>\"");
    }
}

fn endpoint(out: &mut Vec<u8>, endpoint: &Endpoint) {
    use std::io::Write;
    // Writing to a Vec cannot fail.
    let _ = match endpoint.inet() {
        Some(address) => write!(out, "{}:{}", address.ip(), address.port()),
        None => write!(out, "{endpoint}:0"),
    };
}

fn number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn millis(out: &mut Vec<u8>, duration: Option<Duration>) {
    match duration {
        Some(duration) => number(out, duration.as_millis()),
        None => out.extend_from_slice(b"-1"),
    }
}

fn request_line(out: &mut Vec<u8>, method: &Method, uri: &Uri, version: Version) {
    escape(out, method.as_str());
    out.push(b' ');
    match (uri.scheme_str(), uri.authority(), uri.path_and_query()) {
        (None, None, Some(target)) => escape(out, target.as_str()),
        _ => escape(out, &uri.to_string()),
    }
    out.extend_from_slice(match version {
        Version::HTTP_10 => b" HTTP/1.0",
        Version::HTTP_2 => b" HTTP/2.0",
        _ => b" HTTP/1.1",
    });
}

/// Non-printable characters and `"` become `#XX`, so that a line can be parsed.
fn escape(out: &mut Vec<u8>, text: &str) {
    use std::io::Write;
    if text.bytes().all(is_plain) {
        return out.extend_from_slice(text.as_bytes());
    }
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(byte);
        } else {
            // Writing to a Vec cannot fail.
            let _ = write!(out, "#{byte:02X}");
        }
    }
}

fn is_plain(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte) && byte != b'"'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_a_line_is_escaped() {
        let mut out = Vec::new();
        escape(&mut out, "/a\"b\u{e9}#c");
        assert_eq!(out, b"/a#22b#C3#A9#c");
    }

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
