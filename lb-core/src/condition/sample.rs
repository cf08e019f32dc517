//! What a fetch returns.

use std::{fmt, io::Write as _, net::IpAddr};

/// The type of a fetch's samples, known before any request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleType {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// An IPv4 or IPv6 address.
    Ip,
    /// Text, as bytes.
    Str,
    /// Bytes that are not text: no matcher is implied.
    Bin,
    /// Known only with the sample, as of a variable; no matcher is implied.
    Any,
}

impl SampleType {
    /// Whether a sample of this type can be turned into one of `other`, as HAProxy turns it. Of [`SampleType::Any`]
    /// only the sample itself will tell.
    #[must_use]
    pub fn casts_to(self, other: Self) -> bool {
        use SampleType::{Any, Bin, Bool, Int, Ip, Str};
        match self {
            Int | Str | Any => true,
            Bool => other != Ip,
            Ip => other != Bool,
            Bin => matches!(other, Str | Bin | Any),
        }
    }
}

impl fmt::Display for SampleType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "boolean",
            Self::Int => "integer",
            Self::Ip => "address",
            Self::Str => "string",
            Self::Bin => "binary",
            Self::Any => "value of any type",
        })
    }
}

/// One value taken from a request, borrowed from it where it is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample<'a> {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An address.
    Ip(IpAddr),
    /// Text, as bytes.
    Str(&'a [u8]),
    /// Bytes that are not text.
    Bin(&'a [u8]),
}

impl Sample<'_> {
    /// Its type.
    #[must_use]
    pub fn sample_type(&self) -> SampleType {
        match self {
            Self::Bool(_) => SampleType::Bool,
            Self::Int(_) => SampleType::Int,
            Self::Ip(_) => SampleType::Ip,
            Self::Str(_) => SampleType::Str,
            Self::Bin(_) => SampleType::Bin,
        }
    }

    /// Hands over the sample as text: numbers in decimal, booleans as `1` and `0`. Allocates nothing.
    pub fn with_text<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        // The longest are IPv6 addresses: 45 characters with an embedded IPv4 address.
        let mut buffer = [0u8; 48];
        let mut rest = buffer.as_mut_slice();
        let written = match self {
            Sample::Str(bytes) | Sample::Bin(bytes) => return f(bytes),
            Sample::Bool(value) => write!(rest, "{}", u8::from(*value)),
            Sample::Int(value) => write!(rest, "{value}"),
            Sample::Ip(value) => write!(rest, "{value}"),
        };
        let left = rest.len();
        written.expect("48 bytes hold any number or address");
        f(&buffer[..48 - left])
    }

    /// The sample as a whole number. Text counts as far as it has digits, as HAProxy converts it: `12abc` is 12, `x`
    /// is 0; empty text is no number.
    #[must_use]
    pub fn to_int(&self) -> Option<i64> {
        match self {
            Sample::Bool(value) => Some(i64::from(*value)),
            Sample::Int(value) => Some(*value),
            Sample::Ip(_) => None,
            Sample::Str(text) | Sample::Bin(text) => leading_int(text),
        }
    }

    /// The sample as an address. Text counts if it starts with a complete IPv4 address, whatever follows that is no
    /// digit or dot (`10.0.0.1:80` is a common one), or is an IPv6 address.
    #[must_use]
    pub fn to_ip(&self) -> Option<IpAddr> {
        match self {
            Sample::Ip(value) => Some(*value),
            Sample::Str(text) | Sample::Bin(text) => leading_ip(text),
            Sample::Bool(_) | Sample::Int(_) => None,
        }
    }
}

impl fmt::Display for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| write!(f, "{}", text.escape_ascii()))
    }
}

/// The number at the start of `text`: a sign, digits, whatever follows; `None` if `text` is empty. Too large a number
/// is the largest.
#[must_use]
pub fn leading_int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [] => return None,
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let sign = if negative { -1 } else { 1 };
    let number = digits
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .fold(0i64, |n, b| {
            n.saturating_mul(10)
                .saturating_add(sign * i64::from(b - b'0'))
        });
    Some(number)
}

fn leading_ip(text: &[u8]) -> Option<IpAddr> {
    if let Some((address, rest)) = leading_ipv4(text) {
        return (rest.first() != Some(&b'.')).then_some(IpAddr::V4(address));
    }
    let address = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(IpAddr::V6(address))
}

/// The four decimal parts at the start of `text`, which may have leading zeros, and what follows them.
#[must_use]
pub fn leading_ipv4(text: &[u8]) -> Option<(std::net::Ipv4Addr, &[u8])> {
    let mut octets = [0u8; 4];
    let mut rest = text;
    for (i, octet) in octets.iter_mut().enumerate() {
        if i > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let value = leading_int(&rest[..digits])?;
        *octet = u8::try_from(value).ok()?;
        rest = &rest[digits..];
    }
    Some((octets.into(), rest))
}
