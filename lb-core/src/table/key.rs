//! What a table knows its entries by.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use smallvec::SmallVec;

use crate::condition::Sample;

/// The type of a table's keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum KeyType {
    /// IPv4 addresses; IPv6 ones only if they stand for such (`ip`).
    Ip,
    /// IPv6 addresses; IPv4 ones as `::ffff:a.b.c.d` (`ipv6`).
    Ipv6,
    /// Whole numbers of 32 bits (`integer`).
    Integer,
    /// The first so many bytes of a text (`string 32`).
    String(u16),
    /// So many bytes, filled up with zeros (`binary 16`).
    Binary(u16),
}

/// A key of some table; only tables of the same type take it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key(SmallVec<[u8; 24]>);

/// A type of keys that does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a key is `ip`, `ipv6`, `integer`, `string` or `binary`, the last two with a length from 1 to 1024"
)]
pub struct InvalidKeyType;

/// HAProxy's length where none is given.
const USUAL: u16 = 32;
/// Keys fill memory that somebody else decides on.
const LONGEST: u16 = 1024;

impl KeyType {
    /// The key that a sample is; `None` if it cannot be converted.
    #[must_use]
    pub fn key(self, sample: &Sample<'_>) -> Option<Key> {
        let bytes = |bytes: &[u8]| Some(Key(SmallVec::from_slice(bytes)));
        match self {
            Self::Ip => bytes(&ipv4(sample.to_ip()?)?.octets()),
            Self::Ipv6 => bytes(&ipv6(sample.to_ip()?).octets()),
            Self::Integer => {
                let number = match sample {
                    Sample::Ip(address) => u32::from(ipv4(*address)?),
                    // HAProxy keeps the lower half, too.
                    other => other.to_int()? as u32,
                };
                bytes(&number.to_be_bytes())
            }
            Self::String(most) => sample.with_text(|text| {
                let end = text.iter().position(|b| *b == 0).unwrap_or(text.len());
                bytes(&text[..end.min(most.into())])
            }),
            Self::Binary(length) => {
                let fill = |given: &[u8]| {
                    let mut key = SmallVec::from_slice(&given[..given.len().min(length.into())]);
                    key.resize(length.into(), 0);
                    Some(Key(key))
                };
                match sample {
                    Sample::Ip(IpAddr::V4(address)) => fill(&address.octets()),
                    Sample::Ip(IpAddr::V6(address)) => fill(&address.octets()),
                    Sample::Int(number) => fill(&number.to_be_bytes()),
                    other => other.with_text(fill),
                }
            }
        }
    }

    /// The key that an operator writes, as [`show`](Self::show) shows it.
    #[must_use]
    pub fn parse_key(self, text: &str) -> Option<Key> {
        match self {
            Self::Ip => self.key(&Sample::Ip(text.parse().ok()?)),
            Self::Ipv6 => self.key(&Sample::Ip(text.parse().ok()?)),
            Self::Integer => self.key(&Sample::Int(text.parse::<u32>().ok()?.into())),
            Self::String(_) => self.key(&Sample::Str(text.as_bytes())),
            Self::Binary(_) => {
                let digits = text.as_bytes();
                let byte = |pair: &[u8]| match pair {
                    [high, low] => {
                        let digit = |b: u8| (b as char).to_digit(16);
                        u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
                    }
                    _ => None,
                };
                let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
                self.key(&Sample::Bin(&bytes?))
            }
        }
    }

    /// A key of this type for people: binary ones in hex, as HAProxy shows them.
    pub fn show(self, key: &Key) -> impl fmt::Display + '_ {
        Shown(self, key)
    }
}

struct Shown<'k>(KeyType, &'k Key);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.1.0.as_slice();
        match (self.0, bytes.len()) {
            (KeyType::Ip, 4) => {
                let octets: [u8; 4] = bytes.try_into().unwrap_or_default();
                Ipv4Addr::from(octets).fmt(f)
            }
            (KeyType::Ipv6, 16) => {
                let octets: [u8; 16] = bytes.try_into().unwrap_or_default();
                Ipv6Addr::from(octets).fmt(f)
            }
            (KeyType::Integer, 4) => {
                let octets: [u8; 4] = bytes.try_into().unwrap_or_default();
                u32::from_be_bytes(octets).fmt(f)
            }
            (KeyType::String(_), _) => {
                for byte in bytes {
                    match byte {
                        // What would end the word or the line is escaped, as HAProxy does.
                        b' ' | b'\\' | b'=' => write!(f, "\\{}", *byte as char)?,
                        0..=0x1f | 0x7f.. => write!(f, "\\x{byte:02X}")?,
                        _ => write!(f, "{}", *byte as char)?,
                    }
                }
                Ok(())
            }
            _ => bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}")),
        }
    }
}

fn ipv4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(address) => address.to_ipv4_mapped(),
    }
}

fn ipv6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

impl FromStr for KeyType {
    type Err = InvalidKeyType;

    /// `ip`, `ipv6`, `integer`, `string`, `string 64`, `string len 64`, `binary 16`.
    fn from_str(text: &str) -> Result<Self, InvalidKeyType> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let length = |text: &str| match text.parse() {
            Ok(length) if (1..=LONGEST).contains(&length) => Ok(length),
            _ => Err(InvalidKeyType),
        };
        Ok(match words[..] {
            // HAProxy knows IPv4 addresses by either name.
            ["ip" | "ipv4"] => Self::Ip,
            ["ipv6"] => Self::Ipv6,
            ["integer"] => Self::Integer,
            ["string"] => Self::String(USUAL),
            ["string", most] | ["string", "len", most] => Self::String(length(most)?),
            ["binary"] => Self::Binary(USUAL),
            ["binary", exact] | ["binary", "len", exact] => Self::Binary(length(exact)?),
            _ => return Err(InvalidKeyType),
        })
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip => f.write_str("ip"),
            Self::Ipv6 => f.write_str("ipv6"),
            Self::Integer => f.write_str("integer"),
            Self::String(most) => write!(f, "string {most}"),
            Self::Binary(length) => write!(f, "binary {length}"),
        }
    }
}
