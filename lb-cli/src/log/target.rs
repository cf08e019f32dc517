//! A place that lines are written to.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use super::{Batch, file::LogFile, stream::SyslogStream, syslog::Syslog};
use crate::config::{
    ServerAddress,
    model::{LogTarget, LogTo},
};

/// A destination.
pub(super) enum Target {
    Stdout,
    Stderr,
    File(LogFile),
    Syslog(Box<Syslog>),
    Stream(Box<SyslogStream>),
}

/// Lines that a target did not take.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) lines: u64,
    pub(super) why: String,
}

impl Target {
    pub(super) fn open(target: &LogTarget) -> io::Result<Self> {
        let named = |error: io::Error| {
            let name = target.to.to_string();
            let name = name.split_once("://").map_or(&*name, |(_, name)| name);
            io::Error::new(error.kind(), format!("{name}: {error}"))
        };
        Ok(match &target.to {
            LogTo::Stdout => Self::Stdout,
            LogTo::Stderr => Self::Stderr,
            LogTo::File(path) => Self::File(LogFile::open(path).map_err(named)?),
            LogTo::Syslog(address) => {
                let syslog = look_up(address).and_then(|to| Syslog::udp(target, to));
                Self::Syslog(Box::new(syslog.map_err(named)?))
            }
            LogTo::SyslogTcp(address) => {
                let to = look_up(address).map_err(named)?;
                Self::Stream(Box::new(SyslogStream::new(target, to)))
            }
            LogTo::Unix(path) => Self::Syslog(Box::new(Syslog::unix(target, path).map_err(named)?)),
        })
    }

    /// The syslog server that it sends datagrams of UDP to, if it does.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Syslog(syslog) => syslog.address(),
            _ => None,
        }
    }

    /// Opens a file anew that was moved away; nothing else has to be.
    ///
    /// # Errors
    ///
    /// The new one cannot be opened; lines go on into the old one.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.reopen(),
            _ => Ok(()),
        }
    }

    /// Writes lines, and waits as long as it takes. A target that fails, such as a closed pipe or a full disk, loses
    /// lines and nothing else.
    ///
    /// # Errors
    ///
    /// How many are lost, and why.
    pub(super) fn write(&mut self, batch: &Batch) -> Result<(), Loss> {
        let _ = self.reopen();
        let bytes = batch.bytes();
        let written = match self {
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            Self::Stderr => io::stderr().lock().write_all(bytes),
            Self::File(file) => file.write(bytes),
            Self::Syslog(syslog) => return syslog.send(batch),
            Self::Stream(stream) => return stream.send(batch),
        };
        written.map_err(|why| Loss {
            lines: batch.count(),
            why: why.to_string(),
        })
    }
}

/// A server's name is looked up once.
fn look_up(address: &ServerAddress) -> io::Result<SocketAddr> {
    use std::net::ToSocketAddrs;
    match address {
        ServerAddress::Ip(address) => Ok(*address),
        other => other
            .to_string()
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it has no address")),
    }
}
