//! Version 1: one line of text, as in `PROXY TCP4 192.0.2.7 203.0.113.1 51234 443`.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Header, Origin, ParseHeaderError, Parsed, Transport};
use crate::Endpoint;

pub(super) const SIGNATURE: &[u8] = b"PROXY ";

/// The longest line there can be, with its CRLF (section 2.1 of the protocol).
const MAX_LINE: usize = 107;

/// `bytes` begin as [`SIGNATURE`] does.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, ParseHeaderError> {
    let window = &bytes[..bytes.len().min(MAX_LINE)];
    let Some(end) = window.iter().position(|&byte| byte == b'\n') else {
        return match bytes.len() {
            ..MAX_LINE => Ok(Parsed::Incomplete),
            _ => Err(ParseHeaderError::LineTooLong),
        };
    };
    let header = window[..end]
        .strip_suffix(b"\r")
        .and_then(|line| parse_line(line.strip_prefix(SIGNATURE)?))
        .ok_or(ParseHeaderError::Line)?;
    Ok(Parsed::Complete {
        header,
        length: end + 1,
    })
}

/// What stands between the signature and the CRLF.
fn parse_line(line: &[u8]) -> Option<Header> {
    // Whatever follows UNKNOWN is to be ignored, text or not.
    if line == b"UNKNOWN" || line.starts_with(b"UNKNOWN ") {
        return Some(Header::unknown());
    }
    let mut words = str::from_utf8(line).ok()?.split(' ');
    let parse_ip: fn(&str) -> Option<IpAddr> = match words.next()? {
        "TCP4" => |word| word.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => |word| word.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => return None,
    };
    let (source, destination) = (parse_ip(words.next()?)?, parse_ip(words.next()?)?);
    let (from, to) = (parse_port(words.next()?)?, parse_port(words.next()?)?);
    if words.next().is_some() {
        return None;
    }
    Some(Header::proxy(
        SocketAddr::new(source, from),
        SocketAddr::new(destination, to),
    ))
}

/// Digits only and no leading zero, which some would read as octal.
fn parse_port(word: &str) -> Option<u16> {
    let canonical = word == "0" || !word.starts_with(['0', '+']);
    canonical.then(|| word.parse().ok())?
}

pub(super) fn encode(header: &Header, out: &mut Vec<u8>) {
    let written = match &header.origin {
        Origin::Known {
            transport: Transport::Stream,
            source: Endpoint::Inet(source),
            destination: Endpoint::Inet(destination),
        } => {
            let (from, to) = (source.port(), destination.port());
            match (source.ip(), destination.ip()) {
                (IpAddr::V4(source), IpAddr::V4(destination)) => {
                    write!(out, "PROXY TCP4 {source} {destination} {from} {to}\r\n")
                }
                (source, destination) => {
                    let (source, destination) = (to_ipv6(source), to_ipv6(destination));
                    write!(out, "PROXY TCP6 {source} {destination} {from} {to}\r\n")
                }
            }
        }
        _ => write!(out, "PROXY UNKNOWN\r\n"),
    };
    written.expect("writing to a Vec does not fail");
}

/// IPv4 in its IPv6-mapped form, for the family that has room for both.
pub(super) fn to_ipv6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(line: &[u8]) -> Result<Header, ParseHeaderError> {
        match Header::parse(line)? {
            Parsed::Complete { header, length } => {
                assert_eq!(length, line.len());
                Ok(header)
            }
            Parsed::Incomplete => panic!("incomplete"),
        }
    }

    fn inet(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn reads_both_families() {
        assert_eq!(
            header(b"PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n"),
            Ok(Header::proxy(
                inet("255.255.255.255:65535"),
                inet("0.0.0.0:0")
            ))
        );
        assert_eq!(
            header(b"PROXY TCP6 2001:db8::7 ::1 51234 443\r\n"),
            Ok(Header::proxy(
                inet("[2001:db8::7]:51234"),
                inet("[::1]:443")
            ))
        );
    }

    #[test]
    fn unknown_keeps_the_connections_own_addresses() {
        let longest = b"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
                        ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
        assert_eq!(longest.len(), MAX_LINE);
        for line in [
            &b"PROXY UNKNOWN\r\n"[..],
            b"PROXY UNKNOWN \xff\r\n",
            longest,
        ] {
            let header = header(line).unwrap();
            assert_eq!(header, Header::unknown());
            assert_eq!((header.source(), header.is_local()), (None, false));
        }
    }

    #[test]
    fn malformed_lines_are_errors() {
        for line in [
            "PROXY \r\n",
            "PROXY UNKNOWNX\r\n",
            "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
            "PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
            "PROXY TCP4 ::1 ::1 1 2\r\n",
            "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
            "PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
            "PROXY TCP4 1.2.3.4\r1.2.3.4 1 2\r\n",
        ] {
            assert_eq!(
                header(line.as_bytes()),
                Err(ParseHeaderError::Line),
                "{line:?}"
            );
        }
    }

    #[test]
    fn a_line_without_end_is_told_after_107_bytes() {
        let mut line = b"PROXY UNKNOWN ".to_vec();
        line.resize(MAX_LINE - 1, b'x');
        assert_eq!(Header::parse(&line), Ok(Parsed::Incomplete));
        line.push(b'\r');
        assert_eq!(Header::parse(&line), Err(ParseHeaderError::LineTooLong));
        line.push(b'\n');
        assert_eq!(Header::parse(&line), Err(ParseHeaderError::LineTooLong));
    }

    #[test]
    fn what_the_line_has_no_form_for_is_unknown() {
        for header in [
            Header::local(),
            Header::unknown(),
            Header::proxy(Endpoint::Unnamed, Endpoint::Unix("/run/x".into())),
            Header::proxy(Endpoint::Unnamed, inet("192.0.2.1:80")),
            Header::proxy_datagram(inet("192.0.2.7:1"), inet("192.0.2.1:80")),
        ] {
            let mut line = Vec::new();
            header.encode_v1(&mut line);
            assert_eq!(line, b"PROXY UNKNOWN\r\n", "{header:?}");
        }
    }

    #[test]
    fn mixed_families_are_sent_as_ipv6() {
        let mut line = Vec::new();
        Header::proxy(inet("192.0.2.7:1"), inet("[2001:db8::1]:80")).encode_v1(&mut line);
        assert_eq!(line, b"PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 80\r\n");
    }
}
