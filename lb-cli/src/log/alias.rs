//! What every `%name` of a log-format string stands for.
//!
//! As HAProxy 2.6.12 was seen to write them: `+Q` quotes texts and no numbers, dates or states; `+X` is for addresses,
//! ports, `%Ts`, `%ms`, `%pid`, `%lc` and `%rt`.

use std::{io::Write, process, time::Duration};

use lb_http::format::{Alias, Style};
use lb_tcp::Endpoint;

use super::{
    Line, LocalClock,
    line::braces,
    text::{escape, escape_capture, millis, number},
};

impl Line<'_> {
    /// Writes one item.
    pub(super) fn alias(
        &self,
        out: &mut Vec<u8>,
        clock: &mut LocalClock,
        alias: Alias,
        style: Style,
    ) {
        match alias {
            Alias::TimeActive
            | Alias::TimeConnect
            | Alias::TimeData
            | Alias::TimeHandshake
            | Alias::TimeIdle
            | Alias::TimeQuery
            | Alias::TimeRequest
            | Alias::TimeResponse
            | Alias::TimeTotal
            | Alias::TimeUser
            | Alias::TimeWait => self.timer(out, alias),
            Alias::AcceptTime => clock.write(out, self.at(self.ready)),
            Alias::RequestTime => clock.write(out, self.at(self.began)),
            Alias::GmtTime => clock.write_gmt(out, self.at(self.ready)),
            Alias::LocalTime => clock.write_local(out, self.at(self.ready)),
            Alias::RequestTimeGmt => clock.write_gmt(out, self.at(self.began)),
            Alias::RequestTimeLocal => clock.write_local(out, self.at(self.began)),
            Alias::Timestamp => wide(out, self.at(self.ready).as_secs(), style),
            Alias::Milliseconds => match style.hexadecimal {
                true => hexadecimal(out, self.at(self.ready).subsec_millis(), 2),
                false => super::clock::millis(out, self.at(self.ready)),
            },
            Alias::Status => self.write_status(out),
            Alias::BytesRead => self.write_bytes(out),
            Alias::BytesUploaded => number(out, self.bytes_in),
            Alias::TerminationState => out.extend_from_slice(&self.state()[..2]),
            Alias::TerminationStateCookie => out.extend(self.state()),
            Alias::ProcessConnections => number(out, self.connections.process),
            Alias::FrontendConnections => number(out, self.connections.frontend),
            Alias::BackendConnections => number(out, self.connections.backend),
            Alias::ServerConnections => number(out, self.connections.server),
            Alias::Retries => self.write_retries(out),
            Alias::ServerQueue => number(out, self.queues().0),
            Alias::BackendQueue => number(out, self.queues().1),
            Alias::LogCounter => wide(out, self.counters.0, style),
            Alias::RequestCounter => wide(out, self.counters.1, style),
            Alias::Pid => wide(out, process::id(), style),
            Alias::ClientIp => ip(out, Some(self.client), style),
            Alias::ClientPort => port(out, Some(self.client), style),
            Alias::FrontendIp => ip(out, Some(self.local), style),
            Alias::FrontendPort => port(out, Some(self.local), style),
            Alias::ServerIp => ip(out, self.server_address().as_ref(), style),
            Alias::ServerPort => port(out, self.server_address().as_ref(), style),
            Alias::BackendSourceIp => ip(out, self.source().as_ref(), style),
            Alias::BackendSourcePort => port(out, self.source().as_ref(), style),
            Alias::Frontend | Alias::FrontendTls => style.text(out, self.frontend.as_bytes()),
            Alias::Backend => style.text(out, self.backend.as_bytes()),
            Alias::Server => style.text(out, self.server().as_bytes()),
            Alias::Hostname => style.text(out, hostname().as_bytes()),
            Alias::RequestCookie => style.text(out, self.cookies()[0].unwrap_or_default()),
            Alias::ResponseCookie => style.text(out, self.cookies()[1].unwrap_or_default()),
            Alias::RequestCaptures => {
                if let Some(slots) = self.request_captures() {
                    quoted(out, style, |out| braces(out, slots));
                }
            }
            Alias::ResponseCaptures => {
                if let Some(slots) = self.response_captures() {
                    quoted(out, style, |out| braces(out, slots));
                }
            }
            Alias::RequestCapturesList => {
                if let Some(slots) = self.request_captures() {
                    list(out, style, slots);
                }
            }
            Alias::ResponseCapturesList => {
                if let Some(slots) = self.response_captures() {
                    list(out, style, slots);
                }
            }
            Alias::Request
            | Alias::Method
            | Alias::Uri
            | Alias::UriPath
            | Alias::Path
            | Alias::Query
            | Alias::Version => self.request_part(out, alias, style),
            // Nothing has them yet; planning refuses those that could mislead.
            _ => style.missing(out),
        }
    }

    fn timer(&self, out: &mut Vec<u8>, alias: Alias) {
        let timers = self.timers();
        let total = self.ended.saturating_duration_since(self.ready);
        let idle = self.began.saturating_duration_since(self.ready);
        let timer = match alias {
            Alias::TimeRequest => timers.request,
            Alias::TimeWait => timers.queue,
            Alias::TimeConnect => timers.connect,
            Alias::TimeResponse => timers.response,
            Alias::TimeData => timers.data,
            Alias::TimeHandshake => Some(Duration::ZERO),
            Alias::TimeIdle => Some(idle),
            Alias::TimeQuery => timers.request.map(|request| idle + request),
            Alias::TimeTotal => {
                self.plus(out);
                Some(total)
            }
            _ => {
                self.plus(out);
                Some(timers.active)
            }
        };
        millis(out, timer);
    }

    fn server_address(&self) -> Option<Endpoint> {
        let server = self.exchange?.server.as_ref()?;
        server.target().socket_addr().map(Endpoint::from)
    }

    fn source(&self) -> Option<Endpoint> {
        self.exchange?
            .source
            .as_deref()
            .map(|it| Endpoint::from(*it))
    }

    /// `%r` and its parts, escaped.
    fn request_part(&self, out: &mut Vec<u8>, alias: Alias, style: Style) {
        let mut text = Vec::new();
        match (&self.asked, alias) {
            (_, Alias::Request) => self.write_request(&mut text),
            (None, _) => text.extend_from_slice(b"<BADREQ>"),
            (Some(asked), Alias::Method) => escape(&mut text, asked.method.as_str().as_bytes()),
            (Some(asked), Alias::Version) => text.extend_from_slice(asked.version().as_bytes()),
            (Some(asked), _) => asked.with_target(|target| {
                let at = target.find('?').unwrap_or(target.len());
                let part = match alias {
                    Alias::UriPath => &target[..at],
                    Alias::Path => path_only(&target[..at]),
                    Alias::Query => &target[at..],
                    _ => target,
                };
                escape(&mut text, part.as_bytes());
            }),
        }
        // A target without a path or a query is no target that is missing.
        let mut style = style;
        style.mandatory = false;
        style.text(out, &text);
    }
}

/// A target without scheme and authority; nothing of one that has no path, such as `*`.
fn path_only(target: &str) -> &str {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    rest.find('/').map_or("", |at| &rest[at..])
}

/// The name of this host, as it was at the first line.
fn hostname() -> &'static str {
    static NAME: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    NAME.get_or_init(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        name.trim_end().to_owned()
    })
}

fn list<'a>(out: &mut Vec<u8>, style: Style, slots: impl Iterator<Item = Option<&'a [u8]>>) {
    for (at, slot) in slots.enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        match slot {
            Some(text) => quoted(out, style, |out| escape_capture(out, text)),
            // HAProxy's `-M` does not reach these.
            None if style.quote => out.extend_from_slice(b"\"\""),
            None => out.push(b'-'),
        }
    }
}

fn quoted(out: &mut Vec<u8>, style: Style, write: impl FnOnce(&mut Vec<u8>)) {
    let mut text = Vec::new();
    write(&mut text);
    style.text(out, &text);
}

fn ip(out: &mut Vec<u8>, endpoint: Option<&Endpoint>, style: Style) {
    match endpoint.map(|endpoint| (endpoint, endpoint.ip())) {
        None => style.missing(out),
        Some((_, Some(std::net::IpAddr::V4(ip)))) if style.hexadecimal => {
            hexadecimal(out, u32::from(ip), 8);
        }
        Some((_, Some(std::net::IpAddr::V6(ip)))) if style.hexadecimal => {
            for byte in ip.octets() {
                hexadecimal(out, byte, 2);
            }
        }
        Some((_, Some(ip))) => style.text(out, ip.to_string().as_bytes()),
        Some((endpoint, None)) => style.text(out, endpoint.to_string().as_bytes()),
    }
}

fn port(out: &mut Vec<u8>, endpoint: Option<&Endpoint>, style: Style) {
    match endpoint {
        None => style.missing(out),
        Some(endpoint) => wide(out, endpoint.port().unwrap_or(0), style),
    }
}

/// A number that `+X` writes with four digits at least.
fn wide(out: &mut Vec<u8>, value: impl itoa::Integer + std::fmt::UpperHex, style: Style) {
    match style.hexadecimal {
        true => hexadecimal(out, value, 4),
        false => number(out, value),
    }
}

fn hexadecimal(out: &mut Vec<u8>, value: impl std::fmt::UpperHex, digits: usize) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{value:0digits$X}");
}
