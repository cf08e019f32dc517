//! Addresses: where a frontend listens, where a server is.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use super::{
    print::{ToToml, quoted},
    types::FromValue,
    value::Value,
};

/// Where a frontend listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BindAddress {
    /// `"192.0.2.1:80"`, `"[2001:db8::1]:80"`.
    Ip(SocketAddr),
    /// `"*:80"`, `":80"`: this port of every IPv4 and IPv6 address.
    Any(u16),
    /// `"unix:/run/x.sock"`.
    Unix(PathBuf),
    /// `"abns:name"`, in Linux's abstract namespace.
    Abstract(String),
    /// `"fd@3"`, a listening socket that was inherited.
    Fd(u32),
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServerAddress {
    /// `"192.0.2.1:80"`, `"[2001:db8::1]:80"`.
    Ip(SocketAddr),
    /// `"name.example:80"`, resolved at start.
    Name {
        /// The host name.
        host: String,
        /// The port.
        port: u16,
    },
    /// `"unix:/run/x.sock"`.
    Unix(PathBuf),
    /// `"abns:name"`, in Linux's abstract namespace.
    Abstract(String),
}

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// `"192.0.2.1"`.
    #[error("the port is missing")]
    NoPort,
    /// `"192.0.2.1:http"`, `":0"`, `":70000"`.
    #[error("a port is a number from 1 to 65535")]
    Port,
    /// `"2001:db8::1:80"`.
    #[error("an IPv6 address stands in brackets, as in \"[2001:db8::1]:80\"")]
    Brackets,
    /// `"300.0.0.1:80"`, `"[::g]:80"`.
    #[error("this is not an IP address")]
    Ip,
    /// A frontend cannot listen on a name.
    #[error("a frontend listens on an IP address, not on a name; \"*:PORT\" is every address")]
    NameToBind,
    /// `"-a_b!:80"`.
    #[error("this is not a host name")]
    Name,
    /// `"unix:"`, `"unix:run/x.sock"`.
    #[error("a Unix socket has an absolute path, as in \"unix:/run/x.sock\"")]
    Path,
    /// `"abns:"`.
    #[error("an abstract socket has a name, as in \"abns:name\"")]
    AbstractName,
    /// `"fd@x"`.
    #[error("an inherited socket has a number, as in \"fd@3\"")]
    Fd,
    /// `"*:80"` or `"fd@3"` for a server.
    #[error("a server needs an address of its own")]
    NotAServer,
}

impl FromStr for BindAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(socket) = Local::parse(text)? {
            return Ok(match socket {
                Local::Unix(path) => Self::Unix(path),
                Local::Abstract(name) => Self::Abstract(name),
            });
        }
        if let Some(number) = text.strip_prefix("fd@") {
            return number.parse().map(Self::Fd).map_err(|_| AddressError::Fd);
        }
        let (host, port) = host_and_port(text)?;
        match host {
            "" | "*" => Ok(Self::Any(port)),
            _ => match ip(host)? {
                Some(ip) => Ok(Self::Ip(SocketAddr::new(ip, port))),
                None => Err(AddressError::NameToBind),
            },
        }
    }
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(socket) = Local::parse(text)? {
            return Ok(match socket {
                Local::Unix(path) => Self::Unix(path),
                Local::Abstract(name) => Self::Abstract(name),
            });
        }
        if text.starts_with("fd@") {
            return Err(AddressError::NotAServer);
        }
        let (host, port) = host_and_port(text)?;
        match ip(host)? {
            _ if matches!(host, "" | "*") => Err(AddressError::NotAServer),
            Some(ip) => Ok(Self::Ip(SocketAddr::new(ip, port))),
            None if is_host_name(host) => Ok(Self::Name {
                host: host.to_owned(),
                port,
            }),
            None => Err(AddressError::Name),
        }
    }
}

/// Sockets of the machine itself, the same for both kinds of address.
enum Local {
    Unix(PathBuf),
    Abstract(String),
}

impl Local {
    fn parse(text: &str) -> Result<Option<Self>, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let absolute = path.starts_with('/') && !path.contains('\0');
            return if absolute {
                Ok(Some(Self::Unix(path.into())))
            } else {
                Err(AddressError::Path)
            };
        }
        match text.strip_prefix("abns:") {
            Some("") => Err(AddressError::AbstractName),
            Some(name) => Ok(Some(Self::Abstract(name.to_owned()))),
            None => Ok(None),
        }
    }
}

fn host_and_port(text: &str) -> Result<(&str, u16), AddressError> {
    let (host, port) = text.rsplit_once(':').ok_or(AddressError::NoPort)?;
    if host.contains(':') && !host.starts_with('[') {
        return Err(AddressError::Brackets);
    }
    if host.starts_with('[') && !host.ends_with(']') {
        return Err(if text.ends_with(']') {
            AddressError::NoPort
        } else {
            AddressError::Ip
        });
    }
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    match port.parse() {
        Ok(number) if digits && number > 0 => Ok((host, number)),
        _ => Err(AddressError::Port),
    }
}

/// An IP address, or `None` for what looks like a name.
fn ip(host: &str) -> Result<Option<IpAddr>, AddressError> {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(AddressError::Ip)?;
        return inner
            .parse()
            .map(|v6| Some(IpAddr::V6(v6)))
            .map_err(|_| AddressError::Ip);
    }
    let numeric = !host.is_empty() && host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match host.parse() {
        Ok(v4) => Ok(Some(IpAddr::V4(v4))),
        Err(_) if numeric => Err(AddressError::Ip),
        Err(_) => Ok(None),
    }
}

fn is_host_name(host: &str) -> bool {
    let label = |label: &str| {
        let allowed = label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        !label.is_empty()
            && label.len() <= 63
            && allowed
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
}

impl fmt::Display for BindAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Any(port) => write!(f, "*:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "abns:{name}"),
            Self::Fd(number) => write!(f, "fd@{number}"),
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "abns:{name}"),
        }
    }
}

macro_rules! address_in_files {
    ($($type:ty),+) => { $(
        impl FromValue for $type {
            fn from_value(value: &Value<'_>) -> Option<Self> {
                value.parse(str::parse)
            }
        }

        impl ToToml for $type {
            fn to_toml(&self) -> String {
                quoted(&self.to_string())
            }
        }
    )+ };
}
address_in_files!(BindAddress, ServerAddress);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bind_addresses() {
        let read = |text: &str| text.parse::<BindAddress>();
        assert_eq!(
            read("192.0.2.1:80"),
            Ok(BindAddress::Ip(([192, 0, 2, 1], 80).into()))
        );
        assert_eq!(read("[::1]:80").unwrap().to_string(), "[::1]:80");
        assert_eq!(read("*:80"), Ok(BindAddress::Any(80)));
        assert_eq!(read(":80"), Ok(BindAddress::Any(80)));
        assert_eq!(
            read("unix:/run/x.sock"),
            Ok(BindAddress::Unix("/run/x.sock".into()))
        );
        assert_eq!(read("abns:lb"), Ok(BindAddress::Abstract("lb".into())));
        assert_eq!(read("fd@3"), Ok(BindAddress::Fd(3)));
        for (text, why) in [
            ("192.0.2.1", AddressError::NoPort),
            ("[::1]", AddressError::NoPort),
            ("::1:80", AddressError::Brackets),
            ("[::1:80", AddressError::Ip),
            (":0", AddressError::Port),
            (":+80", AddressError::Port),
            ("*:65536", AddressError::Port),
            ("192.0.2.256:80", AddressError::Ip),
            ("[192.0.2.1]:80", AddressError::Ip),
            ("localhost:80", AddressError::NameToBind),
            ("unix:x.sock", AddressError::Path),
            ("fd@", AddressError::Fd),
        ] {
            assert_eq!(read(text), Err(why), "{text}");
        }
    }

    #[test]
    fn server_addresses() {
        let read = |text: &str| text.parse::<ServerAddress>();
        assert_eq!(
            read("name.example:80"),
            Ok(ServerAddress::Name {
                host: "name.example".into(),
                port: 80
            })
        );
        assert_eq!(read("[::1]:80").unwrap().to_string(), "[::1]:80");
        assert_eq!(read("*:80"), Err(AddressError::NotAServer));
        assert_eq!(read("fd@3"), Err(AddressError::NotAServer));
        assert_eq!(read("a b:80"), Err(AddressError::Name));
        assert_eq!(read("name.example"), Err(AddressError::NoPort));
    }
}
