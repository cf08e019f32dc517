//! The two ends of a connection, as the kernel names them.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::SocketAddr as UnixAddr;
use std::path::PathBuf;

use socket2::SockAddr;

/// One end of a connection.
///
/// An IPv4 client of a dual-stack listener is an IPv4 address here, not `::ffff:192.0.2.1`, so
/// that access lists, hashes and logs see one form of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// An address and a port.
    Inet(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// A name in Linux's abstract namespace, without the leading NUL.
    Abstract(Vec<u8>),
    /// A Unix socket without a name, as a connecting one usually is.
    Unnamed,
}

impl Endpoint {
    /// The address and port, unless this is a Unix socket.
    pub fn inet(&self) -> Option<SocketAddr> {
        match self {
            Self::Inet(address) => Some(*address),
            _ => None,
        }
    }

    /// The IP address, unless this is a Unix socket.
    pub fn ip(&self) -> Option<IpAddr> {
        self.inet().map(|address| address.ip())
    }

    /// The port, unless this is a Unix socket.
    pub fn port(&self) -> Option<u16> {
        self.inet().map(|address| address.port())
    }

    /// What socket2 read from the kernel; `None` for families that this crate does not speak.
    pub(crate) fn from_socket2(address: &SockAddr) -> Option<Self> {
        if let Some(inet) = address.as_socket() {
            Some(inet.into())
        } else if let Some(path) = address.as_pathname() {
            Some(Self::Unix(path.to_owned()))
        } else if let Some(name) = address.as_abstract_namespace() {
            Some(Self::Abstract(name.to_owned()))
        } else {
            address.is_unix().then_some(Self::Unnamed)
        }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(mut address: SocketAddr) -> Self {
        if let SocketAddr::V6(v6) = address
            && let Some(ip) = v6.ip().to_ipv4_mapped()
        {
            address = SocketAddr::new(ip.into(), v6.port());
        }
        Self::Inet(address)
    }
}

impl From<UnixAddr> for Endpoint {
    fn from(address: UnixAddr) -> Self {
        if let Some(path) = address.as_pathname() {
            Self::Unix(path.to_owned())
        } else if let Some(name) = address.as_abstract_name() {
            Self::Abstract(name.to_owned())
        } else {
            Self::Unnamed
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "abns:{}", name.escape_ascii()),
            Self::Unnamed => f.write_str("unix:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_ipv4_is_ipv4() {
        let mapped: SocketAddr = "[::ffff:192.0.2.1]:80".parse().unwrap();
        assert_eq!(Endpoint::from(mapped).to_string(), "192.0.2.1:80");
    }

    #[test]
    fn shows_every_kind() {
        assert_eq!(Endpoint::Unix("/run/x".into()).to_string(), "unix:/run/x");
        assert_eq!(Endpoint::Abstract(b"x\n".to_vec()).to_string(), "abns:x\\n");
        assert_eq!(Endpoint::Unnamed.to_string(), "unix:");
    }
}
