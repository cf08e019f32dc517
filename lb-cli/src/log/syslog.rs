//! Syslog as HAProxy sends it: RFC 3164 without a host name, one datagram a
//! line, the line feed with it.
//!
//! ```text
//! <150>Nov 20 13:14:54 lb[23872]: 127.0.0.1:38194 [20/Nov/2026:13:14:54.336] …
//! ```
//!
//! The sockets do not block and are not connected: a target that is missing or
//! slow loses lines, which are counted, and one that comes back gets the next.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process,
    time::{SystemTime, UNIX_EPOCH},
};

use jiff::{Timestamp, tz::TimeZone};

use super::{Batch, Level};
use crate::config::{ServerAddress, model::LogTarget};

/// HAProxy's default of `len`: header and line, without the line feed.
const LONGEST: usize = 1024;

/// A syslog server.
pub(super) struct Syslog {
    socket: Socket,
    target: LogTarget,
    clock: HeaderClock,
    datagram: Vec<u8>,
    /// Lines that the socket did not take since the last that it took, and why.
    lost: Option<(u64, io::Error)>,
}

enum Socket {
    Udp(UdpSocket, SocketAddr),
    Unix(UnixDatagram, PathBuf),
}

impl Syslog {
    /// A server's name is looked up now.
    pub(super) fn udp(target: &LogTarget, address: &ServerAddress) -> io::Result<Self> {
        let to = match address {
            ServerAddress::Ip(address) => *address,
            other => other
                .to_string()
                .to_socket_addrs()?
                .next()
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it has no address"))?,
        };
        let any: SocketAddr = match to {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        Ok(Self::new(target, Socket::Udp(socket, to)))
    }

    /// Nobody need be there yet.
    pub(super) fn unix(target: &LogTarget, path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self::new(target, Socket::Unix(socket, path.to_owned())))
    }

    fn new(target: &LogTarget, socket: Socket) -> Self {
        Self {
            socket,
            target: target.clone(),
            clock: HeaderClock::default(),
            datagram: Vec::with_capacity(LONGEST + 1),
            lost: None,
        }
    }

    /// One datagram for each line.
    pub(super) fn send(&mut self, batch: &Batch) {
        let lines = batch.bytes.strip_suffix(b"\n").unwrap_or(&batch.bytes);
        for line in lines.split(|byte| *byte == b'\n') {
            self.send_line(batch.level, line);
        }
    }

    fn send_line(&mut self, level: Level, line: &[u8]) {
        match self.transmit(level, line) {
            Ok(()) => {
                if let Some((lines, why)) = self.lost.take() {
                    let note = format!("{lines} log lines lost: {why}");
                    if let Err(error) = self.transmit(Level::Warning, note.as_bytes()) {
                        self.lost = Some((lines, error));
                    }
                }
            }
            Err(error) => {
                let lines = self.lost.as_ref().map_or(0, |(lines, _)| *lines);
                self.lost = Some((lines + 1, error));
            }
        }
    }

    fn transmit(&mut self, level: Level, line: &[u8]) -> io::Result<()> {
        self.datagram.clear();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        write_datagram(
            &mut self.datagram,
            &self.target,
            level,
            self.clock.text(now.as_secs()),
            line,
        );
        match &self.socket {
            Socket::Udp(socket, to) => socket.send_to(&self.datagram, to),
            Socket::Unix(socket, to) => socket.send_to(&self.datagram, to),
        }
        .map(|_| ())
    }
}

/// `<PRI>time tag[pid]: line`, cut where HAProxy cuts it.
fn write_datagram(out: &mut Vec<u8>, target: &LogTarget, level: Level, time: &str, line: &[u8]) {
    use io::Write;
    let (priority, tag, pid) = (target.priority(level), &target.tag, process::id());
    // Writing to a Vec cannot fail.
    let _ = write!(out, "<{priority}>{time} {tag}[{pid}]: ");
    out.extend_from_slice(line);
    out.truncate(LONGEST);
    out.push(b'\n');
}

/// The local time, kept from one line of a second to the next.
struct HeaderClock {
    zone: TimeZone,
    second: u64,
    text: String,
}

impl Default for HeaderClock {
    fn default() -> Self {
        Self {
            zone: TimeZone::system(),
            second: u64::MAX,
            text: String::new(),
        }
    }
}

impl HeaderClock {
    /// `Nov  5 13:14:54`
    fn text(&mut self, second: u64) -> &str {
        if second != self.second {
            let time = Timestamp::from_second(i64::try_from(second).unwrap_or(i64::MAX))
                .unwrap_or_default()
                .to_zoned(self.zone.clone());
            self.text = time.strftime("%b %e %H:%M:%S").to_string();
            self.second = second;
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::{Facility, LogTo};

    fn target() -> LogTarget {
        LogTarget {
            facility: Facility::Local2,
            tag: "web".to_owned(),
            ..LogTarget::new(LogTo::Stdout)
        }
    }

    #[test]
    fn the_header_is_that_of_rfc_3164_without_a_host() {
        let mut clock = HeaderClock {
            zone: TimeZone::UTC,
            ..HeaderClock::default()
        };
        let mut out = Vec::new();
        let time = clock.text(1_701_415_080).to_owned();
        write_datagram(&mut out, &target(), Level::Notice, &time, b"up");
        let text = String::from_utf8(out).unwrap();
        let pid = process::id();
        assert_eq!(text, format!("<149>Dec  1 07:18:00 web[{pid}]: up\n"));
    }

    #[test]
    fn a_long_line_is_cut_as_haproxy_cuts_it() {
        let mut out = Vec::new();
        let time = "Dec  1 07:18:00";
        write_datagram(&mut out, &target(), Level::Info, time, &[b'a'; 3000]);
        // What HAProxy 2.6 was seen to send of such a line.
        assert_eq!(out.len(), 1025);
        assert!(out.ends_with(b"aa\n"));
    }

    #[test]
    fn lines_for_nobody_are_counted_and_told_to_who_comes() {
        let path = std::env::temp_dir().join(format!("lb-log-{}.sock", process::id()));
        let mut syslog = Syslog::unix(&target(), &path).unwrap();
        let batch = |text: &str| Batch {
            level: Level::Info,
            bytes: text.as_bytes().to_vec(),
            lines: 1,
        };
        syslog.send(&batch("one\ntwo\n"));
        let server = UnixDatagram::bind(&path).unwrap();
        syslog.send(&batch("three\n"));
        let receive = || {
            let mut buffer = [0; 2048];
            let length = server.recv(&mut buffer).unwrap();
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let (header, line) = text.split_once(": ").unwrap();
            (header[..5].to_owned(), line.trim_end().to_owned())
        };
        assert_eq!(receive(), ("<150>".into(), "three".into()));
        let (priority, note) = receive();
        assert_eq!(priority, "<148>");
        assert!(note.starts_with("2 log lines lost: "), "{note}");
        std::fs::remove_file(path).unwrap();
    }
}
