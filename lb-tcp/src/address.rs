//! Addresses as a configuration writes them, for listeners and for servers.
//!
//! HAProxy's equivalents are the forms of `bind` and `server`: `*:80`, `unix@/path`,
//! `abns@name` and `fd@3`. Unlike HAProxy's, `*:80` and `:80` mean IPv4 *and* IPv6.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Bytes of a `sockaddr_un`'s path, less the terminating NUL (or an abstract name's leading one).
const UNIX_PATH_MAX: usize = 107;

/// Bytes of the longest DNS name in its text form (RFC 1035, section 2.3.4).
const HOST_MAX: usize = 253;

/// Where to listen or to connect. [`Display`](fmt::Display) writes what [`FromStr`] reads.
///
/// ```
/// use lb_tcp::Address;
///
/// assert_eq!(":80".parse(), Ok(Address::Any { port: 80 }));
/// assert_eq!(Address::Any { port: 80 }.to_string(), "*:80");
/// assert!("192.0.2.1".parse::<Address>().is_err(), "no port");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// `192.0.2.1:80` or `[2001:db8::1]:80`.
    Inet(SocketAddr),
    /// `*:80` or `:80`: every IPv4 and IPv6 address of this host. Listeners only.
    Any {
        /// The port; 0 lets the kernel choose.
        port: u16,
    },
    /// `unix:/run/x.sock`.
    Unix(PathBuf),
    /// `abns:name`: Linux's abstract namespace. The name is used at its own length, as systemd
    /// and socat do, and not padded with zeros to the size of the structure.
    Abstract(String),
    /// `fd@3`: a listening socket inherited from the parent process. Listeners only.
    Fd(RawFd),
    /// `name.example:80`: not resolved yet. Servers only.
    Name {
        /// A host name, without the root's trailing dot unless it was written.
        host: String,
        /// The port.
        port: u16,
    },
}

impl Address {
    /// The socket address, where this is one already.
    pub fn inet(&self) -> Option<SocketAddr> {
        match self {
            Self::Inet(address) => Some(*address),
            _ => None,
        }
    }

    /// The port, where there is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Inet(address) => Some(address.port()),
            Self::Any { port } | Self::Name { port, .. } => Some(*port),
            Self::Unix(_) | Self::Abstract(_) | Self::Fd(_) => None,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Inet(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => write!(f, "{address}"),
            Self::Any { port } => write!(f, "*:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "abns:{name}"),
            Self::Fd(fd) => write!(f, "fd@{fd}"),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ParseAddressError::Empty);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return parse_unix(path);
        }
        if let Some(name) = text.strip_prefix("abns:") {
            return parse_abstract(name);
        }
        if let Some(number) = text.strip_prefix("fd@") {
            return parse_fd(number);
        }
        if text.starts_with('[') {
            return parse_ipv6(text);
        }
        let (host, port) = text
            .rsplit_once(':')
            .ok_or(ParseAddressError::MissingPort)?;
        if host.contains(':') {
            return Err(ParseAddressError::Brackets);
        }
        let port = parse_port(port)?;
        match host {
            "" | "*" => Ok(Self::Any { port }),
            _ => parse_host(host, port),
        }
    }
}

fn parse_unix(path: &str) -> Result<Address, ParseAddressError> {
    if !Path::new(path).is_absolute() {
        // A relative path would change its meaning with `chroot` and with the unit's directory.
        return Err(ParseAddressError::UnixPath("it must be absolute"));
    }
    if path.len() > UNIX_PATH_MAX {
        return Err(ParseAddressError::UnixPath("it is longer than 107 bytes"));
    }
    if path.contains('\0') {
        return Err(ParseAddressError::UnixPath("it contains a NUL byte"));
    }
    Ok(Address::Unix(PathBuf::from(path)))
}

fn parse_abstract(name: &str) -> Result<Address, ParseAddressError> {
    if name.is_empty() || name.len() > UNIX_PATH_MAX || name.contains('\0') {
        return Err(ParseAddressError::AbstractName);
    }
    Ok(Address::Abstract(name.to_owned()))
}

fn parse_fd(number: &str) -> Result<Address, ParseAddressError> {
    let bad = || ParseAddressError::Fd(number.to_owned());
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    number.parse().map(Address::Fd).map_err(|_| bad())
}

fn parse_ipv6(text: &str) -> Result<Address, ParseAddressError> {
    let (host, rest) = text.split_once(']').ok_or(ParseAddressError::Ipv6)?;
    let port = rest
        .strip_prefix(':')
        .ok_or(ParseAddressError::MissingPort)?;
    let port = parse_port(port)?;
    // With the port already checked, what is still wrong can only be the address.
    let mut address: SocketAddrV6 = format!("{host}]:0")
        .parse()
        .map_err(|_| ParseAddressError::Ipv6)?;
    address.set_port(port);
    Ok(Address::Inet(SocketAddr::V6(address)))
}

fn parse_host(host: &str, port: u16) -> Result<Address, ParseAddressError> {
    if host
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        let ip: Ipv4Addr = host
            .parse()
            .map_err(|_| ParseAddressError::Ipv4(host.to_owned()))?;
        return Ok(Address::Inet(SocketAddrV4::new(ip, port).into()));
    }
    // Underscores are no host name's, but SRV and container names have them.
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let labels = host.strip_suffix('.').unwrap_or(host);
    if labels.len() > HOST_MAX || !labels.split('.').all(is_label) {
        return Err(ParseAddressError::Host(host.to_owned()));
    }
    Ok(Address::Name {
        host: host.to_owned(),
        port,
    })
}

fn parse_port(port: &str) -> Result<u16, ParseAddressError> {
    if port.is_empty() {
        return Err(ParseAddressError::MissingPort);
    }
    let bad = || ParseAddressError::Port(port.to_owned());
    // `u16::from_str` would take "+80".
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    port.parse().map_err(|_| bad())
}

/// Why a text is no [`Address`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseAddressError {
    /// Nothing was written.
    #[error("empty address")]
    Empty,
    /// A host without a port.
    #[error("no port: expected `address:port`")]
    MissingPort,
    /// Not a number from 0 to 65535.
    #[error("`{0}` is not a port (0 to 65535)")]
    Port(String),
    /// Digits and dots that are no IPv4 address.
    #[error("`{0}` is not an IPv4 address")]
    Ipv4(String),
    /// What stands in brackets is no IPv6 address.
    #[error("not an IPv6 address in brackets, as in `[2001:db8::1]:80`")]
    Ipv6,
    /// An IPv6 address whose port cannot be told from it.
    #[error("an IPv6 address needs brackets, as in `[2001:db8::1]:80`")]
    Brackets,
    /// Not a usable path of a Unix socket, and why.
    #[error("bad path of a Unix socket: {0}")]
    UnixPath(&'static str),
    /// An abstract name that is empty, too long or has a NUL byte.
    #[error("an abstract name has 1 to 107 bytes and no NUL byte")]
    AbstractName,
    /// Not the number of a file descriptor.
    #[error("`{0}` is not a file descriptor's number")]
    Fd(String),
    /// Not a host name.
    #[error("`{0}` is not a host name")]
    Host(String),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_every_form_of_the_configuration_language() {
        let inet = |text: &str| Address::Inet(text.parse().unwrap());
        for (text, expected) in [
            ("192.0.2.1:80", inet("192.0.2.1:80")),
            ("[2001:db8::1]:80", inet("[2001:db8::1]:80")),
            ("[fe80::1%2]:80", inet("[fe80::1%2]:80")),
            ("*:80", Address::Any { port: 80 }),
            (":80", Address::Any { port: 80 }),
            ("unix:/run/x.sock", Address::Unix("/run/x.sock".into())),
            ("abns:name", Address::Abstract("name".into())),
            ("fd@3", Address::Fd(3)),
            (
                "name.example:80",
                Address::Name {
                    host: "name.example".into(),
                    port: 80,
                },
            ),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        use ParseAddressError as E;
        for (text, expected) in [
            ("", E::Empty),
            ("192.0.2.1", E::MissingPort),
            ("[::1]", E::MissingPort),
            ("web:", E::MissingPort),
            ("web:http", E::Port("http".into())),
            ("web:+80", E::Port("+80".into())),
            ("192.0.2.1:65536", E::Port("65536".into())),
            ("192.0.2.256:80", E::Ipv4("192.0.2.256".into())),
            ("2001:db8::1:80", E::Brackets),
            ("[2001:db8::g]:80", E::Ipv6),
            ("[::1:80", E::Ipv6),
            ("unix:run/x", E::UnixPath("it must be absolute")),
            ("abns:", E::AbstractName),
            ("fd@", E::Fd("".into())),
            ("fd@-1", E::Fd("-1".into())),
            ("we b:80", E::Host("we b".into())),
            ("a..b:80", E::Host("a..b".into())),
        ] {
            assert_eq!(text.parse::<Address>(), Err(expected), "{text}");
        }
        let long = format!("unix:/{}", "x".repeat(UNIX_PATH_MAX));
        assert!(long.parse::<Address>().is_err());
    }

    fn any_address() -> impl Strategy<Value = Address> {
        prop_oneof![
            any::<SocketAddrV4>().prop_map(|a| Address::Inet(a.into())),
            (any::<std::net::Ipv6Addr>(), any::<u16>(), any::<u32>())
                // The flow label has no text form.
                .prop_map(|(ip, port, scope)| {
                    Address::Inet(SocketAddrV6::new(ip, port, 0, scope).into())
                }),
            any::<u16>().prop_map(|port| Address::Any { port }),
            "/[^\0]{0,20}".prop_map(|path| Address::Unix(path.into())),
            "[^\0]{1,20}".prop_map(Address::Abstract),
            (0..RawFd::MAX).prop_map(Address::Fd),
            ("[a-z][a-z0-9_]{0,9}(\\.[a-z0-9]{1,9}){0,3}", any::<u16>())
                .prop_map(|(host, port)| Address::Name { host, port }),
        ]
    }

    proptest! {
        #[test]
        fn display_round_trips(address in any_address()) {
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".*") {
            let _ = text.parse::<Address>();
        }
    }
}
