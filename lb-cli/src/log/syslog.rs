//! Syslog as HAProxy sends it: RFC 3164 without a host name, one datagram a
//! line, the line feed with it; or RFC 5424.
//!
//! ```text
//! <150>Nov 20 13:14:54 lb[23872]: 127.0.0.1:38194 [20/Nov/2026:13:14:54.336] …
//! <150>1 2026-11-20T13:14:54.345146+00:00 - lb 23872 - - 127.0.0.1:38194 […] …
//! ```
//!
//! The sockets of the targets' threads are not connected: a target that is missing or slow loses lines,
//! which are counted, and one that comes back gets the next. What a [`Direct`] cannot send goes to them.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use jiff::tz::TimeZone;

use super::{Batch, Level, LocalClock, clock::Seconds, target::Loss};
use crate::config::model::{LogTarget, SyslogProtocol};

/// A socket that is full is waited for: a burst of lines is more than the queue of a datagram socket holds.
const PATIENCE: Duration = Duration::from_secs(1);

/// A syslog server.
pub(super) struct Syslog {
    socket: Socket,
    header: Header,
    datagram: Vec<u8>,
    /// Lines that the socket did not take since the last that it took, and why.
    lost: Option<(u64, String)>,
}

enum Socket {
    Udp(UdpSocket, SocketAddr),
    Unix(UnixDatagram, PathBuf),
}

impl Syslog {
    pub(super) fn udp(target: &LogTarget, to: SocketAddr) -> io::Result<Self> {
        let socket = unbound(to)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self::new(target, Socket::Udp(socket, to)))
    }

    /// Nobody need be there yet.
    pub(super) fn unix(target: &LogTarget, path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self::new(target, Socket::Unix(socket, path.to_owned())))
    }

    fn new(target: &LogTarget, socket: Socket) -> Self {
        Self {
            socket,
            header: Header::new(target),
            datagram: Vec::with_capacity(target.len + 1),
            lost: None,
        }
    }

    /// Where it is, if it takes datagrams of UDP.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self.socket {
            Socket::Udp(_, to) => Some(to),
            Socket::Unix(..) => None,
        }
    }

    /// One datagram for each line.
    pub(super) fn send(&mut self, batch: &Batch) -> Result<(), Loss> {
        let mut lost: Option<Loss> = None;
        for (level, line) in batch.lines() {
            if let Err(why) = self.send_line(level, line) {
                let lines = lost.map_or(0, |lost| lost.lines) + 1;
                lost = Some(Loss { lines, why });
            }
        }
        lost.map_or(Ok(()), Err)
    }

    fn send_line(&mut self, level: Level, line: &[u8]) -> Result<(), String> {
        match self.transmit(level, line) {
            Ok(()) => {
                if let Some((lines, why)) = self.lost.take() {
                    let note = format!("{lines} log lines lost: {why}");
                    if let Err(error) = self.transmit(Level::Warning, note.as_bytes()) {
                        self.lost = Some((lines, error.to_string()));
                    }
                }
                Ok(())
            }
            Err(error) => {
                let lines = self.lost.as_ref().map_or(0, |(lines, _)| *lines);
                self.lost = Some((lines + 1, error.to_string()));
                Err(error.to_string())
            }
        }
    }

    fn transmit(&mut self, level: Level, line: &[u8]) -> io::Result<()> {
        self.datagram.clear();
        self.header.write(&mut self.datagram, level, line);
        self.datagram.push(b'\n');
        match &self.socket {
            Socket::Udp(socket, to) => socket.send_to(&self.datagram, to),
            Socket::Unix(socket, to) => socket.send_to(&self.datagram, to),
        }
        .map(|_| ())
    }
}

/// A syslog server that takes datagrams of UDP, as one thread sends them that must not wait.
pub(super) struct Direct {
    socket: UdpSocket,
    to: SocketAddr,
    /// The second in which the socket was connected last.
    connected: Option<u64>,
    header: Header,
    datagram: Vec<u8>,
}

impl Direct {
    pub(super) fn open(target: &LogTarget, to: SocketAddr) -> io::Result<Self> {
        let socket = unbound(to)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            to,
            connected: None,
            header: Header::new(target),
            datagram: Vec::with_capacity(target.len + 1),
        })
    }

    /// Sends lines as far as the socket takes them at once, and forgets those.
    pub(super) fn send(&mut self, batch: &mut Batch) {
        let now = LocalClock::now();
        if self.connect(now.as_secs()).is_err() {
            return;
        }
        let mut sent = 0;
        for (level, line) in batch.lines() {
            self.datagram.clear();
            self.header.write_at(&mut self.datagram, now, level, line);
            self.datagram.push(b'\n');
            if self.socket.send(&self.datagram).is_err() {
                break;
            }
            sent += 1;
        }
        batch.forget(sent);
    }

    /// A connected socket costs less for each line, but keeps this side's address; that may go to another node, and so
    /// it is chosen anew once a second.
    fn connect(&mut self, second: u64) -> io::Result<()> {
        if self.connected != Some(second) {
            rustix::net::connect_unspec(&self.socket)?;
            self.socket.connect(self.to)?;
            self.connected = Some(second);
        }
        Ok(())
    }
}

/// A socket of the family of `to`.
fn unbound(to: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    UdpSocket::bind(any)
}

/// What stands ahead of a line: priority, time, program.
pub(super) struct Header {
    target: LogTarget,
    /// The date of the protocol, and what it has behind the second.
    date: Seconds,
    zone: Seconds,
    /// The system is asked once, and not for every line.
    pid: u32,
    /// That of RFC 3164 which was written last, and for when.
    last: Vec<u8>,
    of: Option<(u64, Level)>,
}

impl Header {
    pub(super) fn new(target: &LogTarget) -> Self {
        Self::in_zone(target, &TimeZone::system())
    }

    fn in_zone(target: &LogTarget, zone: &TimeZone) -> Self {
        let date = match target.protocol {
            SyslogProtocol::Rfc3164 => "%b %e %H:%M:%S",
            SyslogProtocol::Rfc5424 => "%Y-%m-%dT%H:%M:%S",
        };
        Self {
            target: target.clone(),
            date: Seconds::new(zone.clone(), date),
            zone: Seconds::new(zone.clone(), "%:z"),
            pid: process::id(),
            last: Vec::new(),
            of: None,
        }
    }

    /// Writes a message, cut where HAProxy cuts it, without its end.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, level: Level, line: &[u8]) {
        self.write_at(out, LocalClock::now(), level, line);
    }

    fn write_at(&mut self, out: &mut Vec<u8>, now: Duration, level: Level, line: &[u8]) {
        use io::Write;
        let (priority, tag, pid) = (self.target.priority(level), &self.target.tag, self.pid);
        let second = now.as_secs();
        let date = self.date.text(second);
        // Writing to a Vec cannot fail.
        match self.target.protocol {
            SyslogProtocol::Rfc3164 => {
                if self.of != Some((second, level)) {
                    self.of = Some((second, level));
                    self.last.clear();
                    let _ = write!(self.last, "<{priority}>{date} {tag}[{pid}]: ");
                }
                out.extend_from_slice(&self.last);
            }
            SyslogProtocol::Rfc5424 => {
                let micros = now.subsec_micros();
                let zone = self.zone.text(second);
                let _ = write!(
                    out,
                    "<{priority}>1 {date}.{micros:06}{zone} - {tag} {pid} - - "
                );
            }
        }
        out.extend_from_slice(line);
        out.truncate(self.target.len);
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

    fn written(target: &LogTarget, line: &[u8]) -> String {
        let now = Duration::from_micros(1_701_415_080_000_120);
        let mut out = Vec::new();
        Header::in_zone(target, &TimeZone::UTC).write_at(&mut out, now, Level::Notice, line);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_header_is_that_of_rfc_3164_without_a_host() {
        let pid = process::id();
        assert_eq!(
            written(&target(), b"up"),
            format!("<149>Dec  1 07:18:00 web[{pid}]: up")
        );
    }

    #[test]
    fn a_header_is_of_its_own_second_and_level() {
        let mut header = Header::in_zone(&target(), &TimeZone::UTC);
        let mut at = |second, level| {
            let mut out = Vec::new();
            header.write_at(&mut out, Duration::from_secs(second), level, b"up");
            String::from_utf8(out).unwrap()
        };
        let first = at(1_701_415_080, Level::Notice);
        assert!(first.starts_with("<149>Dec  1 07:18:00 "), "{first}");
        assert_eq!(at(1_701_415_080, Level::Notice), first);
        assert!(at(1_701_415_080, Level::Info).starts_with("<150>Dec  1 07:18:00 "));
        assert!(at(1_701_415_081, Level::Info).starts_with("<150>Dec  1 07:18:01 "));
    }

    #[test]
    fn the_header_of_rfc_5424_is_haproxys() {
        let pid = process::id();
        let mut target = target();
        target.protocol = SyslogProtocol::Rfc5424;
        assert_eq!(
            written(&target, b"up"),
            format!("<149>1 2023-12-01T07:18:00.000120+00:00 - web {pid} - - up")
        );
    }

    #[test]
    fn a_long_line_is_cut_as_haproxy_cuts_it() {
        // With its line feed, 1025 bytes: what HAProxy 2.6 was seen to send of such a line.
        assert_eq!(written(&target(), &[b'a'; 3000]).len(), 1024);
        let mut target = target();
        target.len = 2000;
        assert_eq!(written(&target, &[b'a'; 3000]).len(), 2000);
    }

    #[test]
    fn lines_for_nobody_are_counted_and_told_to_who_comes() {
        let path = std::env::temp_dir().join(format!("lb-log-{}.sock", process::id()));
        let mut syslog = Syslog::unix(&target(), &path).unwrap();
        let mut batch = Batch::of(Level::Info, "one");
        batch.copy(Level::Info, b"two\n");
        assert_eq!(syslog.send(&batch).unwrap_err().lines, 2);
        let server = UnixDatagram::bind(&path).unwrap();
        syslog.send(&Batch::of(Level::Info, "three")).unwrap();
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

    #[test]
    fn a_worker_sends_what_the_socket_takes_and_leaves_the_rest() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let to = server.local_addr().unwrap();
        let mut direct = Direct::open(&target(), to).unwrap();
        let mut batch = Batch::of(Level::Info, "one");
        batch.copy(Level::Info, b"two\n");
        direct.send(&mut batch);
        assert!(batch.is_empty());
        let mut buffer = [0; 2048];
        for line in ["one", "two"] {
            let length = server.recv(&mut buffer).unwrap();
            let text = String::from_utf8_lossy(&buffer[..length]);
            assert!(text.ends_with(&format!("]: {line}\n")), "{text}");
        }
        // More than a datagram can be: the socket refuses it.
        let mut long = target();
        long.len = 100_000;
        let mut direct = Direct::open(&long, to).unwrap();
        let mut batch = Batch::of(Level::Info, "three");
        batch.copy(Level::Info, &[b'a'; 90_000]);
        direct.send(&mut batch);
        assert_eq!(batch.count(), 1, "for those who may wait");
    }
}
