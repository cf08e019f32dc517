//! From samples to keys and back.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::IpAddr;

use crate::{
    condition::Sample,
    table::{InvalidKeyType, KeyType},
};

fn shown(kind: KeyType, sample: Sample<'_>) -> Option<String> {
    let key = kind.key(&sample)?;
    let text = kind.show(&key).to_string();
    if !text.contains('\\') {
        assert_eq!(kind.parse_key(&text), Some(key), "{text}");
    }
    Some(text)
}

fn address(text: &str) -> Sample<'static> {
    Sample::Ip(text.parse::<IpAddr>().unwrap())
}

#[test]
fn samples_become_keys_of_the_tables_type() {
    let cases = [
        (KeyType::Ip, address("192.0.2.1"), Some("192.0.2.1")),
        (KeyType::Ip, address("::ffff:192.0.2.1"), Some("192.0.2.1")),
        (KeyType::Ip, address("2001:db8::1"), None),
        (KeyType::Ip, Sample::Str(b"192.0.2.9"), Some("192.0.2.9")),
        (KeyType::Ip, Sample::Str(b"zz"), None),
        (
            KeyType::Ipv6,
            address("192.0.2.1"),
            Some("::ffff:192.0.2.1"),
        ),
        (KeyType::Ipv6, address("2001:db8::1"), Some("2001:db8::1")),
        (KeyType::Integer, Sample::Int(-1), Some("4294967295")),
        (KeyType::Integer, Sample::Str(b"12abc"), Some("12")),
        (KeyType::Integer, address("0.0.1.2"), Some("258")),
        (KeyType::String(3), Sample::Str(b"abcdef"), Some("abc")),
        (KeyType::String(3), Sample::Str(b""), Some("")),
        (
            KeyType::String(9),
            // Observed, but for the line feed: `key=a\ b`, `key=\xC3\xA9`.
            Sample::Str(b"a b=\xc3\n"),
            Some("a\\ b\\=\\xC3\\x0A"),
        ),
        (
            KeyType::String(32),
            address("2001:db8::1"),
            Some("2001:db8::1"),
        ),
        (KeyType::Binary(3), Sample::Bin(&[1, 0xab]), Some("01AB00")),
        (KeyType::Binary(2), Sample::Bin(&[1, 2, 3]), Some("0102")),
        (KeyType::Binary(4), address("192.0.2.1"), Some("C0000201")),
    ];
    for (kind, sample, expected) in cases {
        assert_eq!(shown(kind, sample).as_deref(), expected, "{kind} {sample}");
    }
}

#[test]
fn types_are_read_as_they_are_written() {
    for (text, kind) in [
        ("ip", KeyType::Ip),
        ("ipv4", KeyType::Ip),
        ("ipv6", KeyType::Ipv6),
        ("integer", KeyType::Integer),
        ("string", KeyType::String(32)),
        ("string 64", KeyType::String(64)),
        ("string len 64", KeyType::String(64)),
        ("binary 16", KeyType::Binary(16)),
    ] {
        assert_eq!(text.parse(), Ok(kind));
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
    for wrong in ["", "ip 4", "string 0", "string 2000", "binary x", "text"] {
        assert_eq!(wrong.parse::<KeyType>(), Err(InvalidKeyType), "{wrong}");
    }
}
