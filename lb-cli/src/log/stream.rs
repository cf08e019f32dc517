//! Syslog by TCP: every message behind its length, as RFC 6587 §3.4.1 frames them (octet counting).
//!
//! The connection is made when there is something to send, and again after it broke. This thread is the target's own:
//! what it waits for delays nobody else, and lines that come meanwhile wait in the target's queue.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use tokio::time::Instant;

use super::{Batch, Level, syslog::Header, target::Loss};
use crate::config::model::LogTarget;

/// For a connection, and between attempts at one.
const CONNECT: Duration = Duration::from_secs(1);

/// A peer that takes nothing for so long is left.
const WRITE: Duration = Duration::from_secs(5);

/// A syslog server behind a connection.
pub(super) struct SyslogStream {
    to: SocketAddr,
    header: Header,
    connection: Option<TcpStream>,
    /// When the last attempt failed.
    failed: Option<Instant>,
    frames: Vec<u8>,
    message: Vec<u8>,
    /// Lines that it has not been told of, and why they were lost.
    lost: Option<(u64, String)>,
}

impl SyslogStream {
    /// Nobody need be there yet.
    pub(super) fn new(target: &LogTarget, to: SocketAddr) -> Self {
        Self {
            to,
            header: Header::new(target),
            connection: None,
            failed: None,
            frames: Vec::new(),
            message: Vec::new(),
            lost: None,
        }
    }

    /// Sends lines.
    pub(super) fn send(&mut self, batch: &Batch) -> Result<(), Loss> {
        self.frames.clear();
        if let Some((lines, why)) = &self.lost {
            let note = format!("{lines} log lines lost: {why}");
            self.frame(Level::Warning, note.as_bytes());
        }
        for (level, line) in batch.lines() {
            self.frame(level, line);
        }
        match self.transmit() {
            Ok(()) => {
                self.lost = None;
                Ok(())
            }
            Err(error) => {
                // What has been written of a message cannot be taken back.
                self.connection = None;
                let before = self.lost.as_ref().map_or(0, |(lines, _)| *lines);
                let (lines, why) = (batch.count(), error.to_string());
                self.lost = Some((before + lines, why.clone()));
                Err(Loss { lines, why })
            }
        }
    }

    fn frame(&mut self, level: Level, line: &[u8]) {
        self.message.clear();
        self.header.write(&mut self.message, level, line);
        // Writing to a Vec cannot fail.
        let _ = write!(self.frames, "{} ", self.message.len());
        self.frames.extend_from_slice(&self.message);
    }

    fn transmit(&mut self) -> io::Result<()> {
        if self.connection.as_mut().is_some_and(has_ended) {
            self.connection = None;
        }
        if self.connection.is_none() {
            self.connection = Some(self.connect()?);
        }
        match &mut self.connection {
            Some(connection) => connection.write_all(&self.frames),
            None => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn connect(&mut self) -> io::Result<TcpStream> {
        let now = Instant::now();
        if self.failed.is_some_and(|failed| now - failed < CONNECT) {
            return Err(ErrorKind::NotConnected.into());
        }
        let connected = TcpStream::connect_timeout(&self.to, CONNECT).and_then(|connection| {
            connection.set_write_timeout(Some(WRITE))?;
            connection.set_nodelay(true)?;
            Ok(connection)
        });
        self.failed = connected.is_err().then(Instant::now);
        connected
    }
}

/// Syslog servers send nothing: what can be read is the end.
fn has_ended(connection: &mut TcpStream) -> bool {
    let read = connection
        .set_nonblocking(true)
        .and_then(|()| connection.read(&mut [0; 64]));
    let ended = match read {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    };
    ended || connection.set_nonblocking(false).is_err()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::config::model::LogTo;

    fn frames(connection: &mut TcpStream, count: usize) -> Vec<String> {
        let mut read = || {
            let mut length = Vec::new();
            let mut byte = [0];
            loop {
                connection.read_exact(&mut byte).unwrap();
                match byte[0] {
                    b' ' => break,
                    digit => length.push(digit),
                }
            }
            let length = String::from_utf8(length).unwrap().parse().unwrap();
            let mut message = vec![0; length];
            connection.read_exact(&mut message).unwrap();
            String::from_utf8(message).unwrap()
        };
        (0..count).map(|_| read()).collect()
    }

    #[test]
    fn a_server_that_comes_back_is_told_what_it_has_missed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let target = LogTarget::new(LogTo::Stdout);
        let mut stream = SyslogStream::new(&target, to);
        let batch = Batch::of(Level::Info, "one\u{e9}");
        stream.send(&batch).unwrap();
        let (mut first, _) = listener.accept().unwrap();
        let message = frames(&mut first, 1).remove(0);
        assert!(message.starts_with("<134>"), "{message}");
        assert!(message.ends_with("]: one\u{e9}"), "{message}");
        drop((first, listener));
        // Its end arrives at once on this host, and nobody listens any more.
        assert_eq!(stream.send(&batch).unwrap_err().lines, 1);
        assert_eq!(stream.send(&batch).unwrap_err().lines, 1);
        let listener = TcpListener::bind(to).unwrap();
        stream.failed = None;
        stream.send(&Batch::of(Level::Info, "two")).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        let messages = frames(&mut second, 2);
        assert!(messages[0].starts_with("<132>"), "{messages:?}");
        assert!(messages[0].contains("2 log lines lost: "), "{messages:?}");
        assert!(messages[1].ends_with("]: two"), "{messages:?}");
    }
}
