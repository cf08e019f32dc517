//! The PROXY protocol's codec: laws, and what version 2 may and may not contain.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use lb_tcp::Endpoint;
use lb_tcp::proxy_protocol::{
    AcceptHeaderError, Header, MAX_TLVS, ParseHeaderError, Parsed, Ssl, Tlv, TlvError, Tlvs,
    accept_header,
};
use proptest::prelude::*;
use tokio::io::AsyncReadExt as _;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn inet(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn v2(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, payload].concat()
}

fn encoded(header: &Header) -> Vec<u8> {
    let mut bytes = Vec::new();
    header.encode_v2_with_checksum(&mut bytes);
    bytes
}

fn complete(bytes: &[u8]) -> Header {
    match Header::parse(bytes) {
        Ok(Parsed::Complete { header, length }) if length == bytes.len() => header,
        other => panic!("{other:?}"),
    }
}

/// As HAProxy 2.6 sent it.
#[test]
fn reads_what_haproxy_sends() {
    let bytes = [
        SIGNATURE,
        b"\x21\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01\xb3\x76\x5b\x14",
    ]
    .concat();
    let header = complete(&bytes);
    assert_eq!(
        header,
        Header::proxy(inet("127.0.0.1:45942"), inet("127.0.0.1:23316"))
    );
    let mut again = Vec::new();
    header.encode_v2(&mut again);
    assert_eq!(again, bytes);
}

#[test]
fn local_means_the_connections_own_addresses_whatever_else_it_says() {
    let mut local = Vec::new();
    Header::local().encode_v2(&mut local);
    assert_eq!(local, v2(0x20, 0x00, b""));
    for bytes in [local, v2(0x20, 0x11, &[1; 12]), v2(0x20, 0xFF, b"junk")] {
        let header = complete(&bytes);
        assert!(header.is_local());
        assert_eq!((header.source(), header.destination()), (None, None));
    }
}

#[test]
fn unspecified_addresses_are_unknown_and_may_have_tlvs() {
    let header = complete(&v2(0x21, 0x00, b"\x05\x00\x02id"));
    assert_eq!((header.source(), header.is_local()), (None, false));
    assert_eq!(header.tlvs().unique_id(), Some(&b"id"[..]));
}

#[test]
fn ipv4_in_ipv6_form_is_ipv4() {
    let source = Ipv6Addr::from([0, 0, 0, 0, 0, 0xFFFF, 0xC000, 0x0207]).octets();
    let payload = [&source[..], &source, b"\x00\x01\x00\x02"].concat();
    assert_eq!(
        complete(&v2(0x21, 0x21, &payload)),
        Header::proxy(inet("192.0.2.7:1"), inet("192.0.2.7:2"))
    );
}

#[test]
fn malformed_headers_are_errors() {
    use ParseHeaderError as E;
    for (bytes, expected) in [
        (b"GET / HTTP/1.1\r\n".to_vec(), E::Signature),
        (b"\x16\x03\x01".to_vec(), E::Signature),
        (v2(0x31, 0x11, &[0; 12]), E::Version(3)),
        (v2(0x22, 0x11, &[0; 12]), E::Command(2)),
        (v2(0x21, 0x41, &[0; 12]), E::Family(0x41)),
        (v2(0x21, 0x10, &[0; 12]), E::Family(0x10)),
        (v2(0x21, 0x11, &[0; 11]), E::Addresses),
        (v2(0x21, 0x21, &[0; 35]), E::Addresses),
        (v2(0x21, 0x31, &[0; 215]), E::Addresses),
        (v2(0x21, 0x00, b"\x02\x00"), E::Tlv(TlvError::Truncated)),
        (
            v2(0x21, 0x00, b"\x02\x00\x02x"),
            E::Tlv(TlvError::Truncated),
        ),
        (v2(0x21, 0x00, b"\x03\x00\x01x"), E::Tlv(TlvError::Value(3))),
        (
            v2(0x21, 0x00, b"\x20\x00\x04abcd"),
            E::Tlv(TlvError::Value(0x20)),
        ),
        (
            v2(0x21, 0x00, b"\x20\x00\x08\x01\0\0\0\0\x21\0\x01"),
            E::Tlv(TlvError::Value(0x20)),
        ),
        (v2(0x21, 0x00, b"\x03\x00\x04\0\0\0\0"), E::Checksum),
    ] {
        assert_eq!(Header::parse(&bytes), Err(expected), "{bytes:02x?}");
    }
}

/// Nobody makes a proxy wait for, or hold, 64 KiB before it may say no.
#[test]
fn an_oversized_header_is_told_by_its_length_field() {
    let oversized = [SIGNATURE, b"\x21\x11\xff\xff"].concat();
    assert_eq!(
        Header::parse(&oversized),
        Err(ParseHeaderError::TooLong(0xFFFF))
    );
    let mut tlvs = Tlvs::new();
    tlvs.push(0xE0, &[0; MAX_TLVS - 3]).unwrap();
    assert_eq!(tlvs.push(0xE1, b""), Err(TlvError::TooLong));
    let largest = Header::proxy(Endpoint::Unnamed, Endpoint::Unnamed).with_tlvs(tlvs);
    assert_eq!(complete(&encoded(&largest)), largest);
}

#[test]
fn tlvs_are_found_by_name() {
    let mut details = Tlvs::new();
    details.push(Ssl::VERSION, b"TLSv1.3").unwrap();
    details.push(Ssl::COMMON_NAME, b"client.example").unwrap();
    details
        .push(Ssl::CIPHER, b"TLS_AES_128_GCM_SHA256")
        .unwrap();
    let mut tlvs = Tlvs::new();
    tlvs.push(Tlv::ALPN, b"h2").unwrap();
    tlvs.push(Tlv::AUTHORITY, b"web.example").unwrap();
    tlvs.push(Tlv::UNIQUE_ID, b"\x01\x02").unwrap();
    let client = Ssl::CLIENT_SSL | Ssl::CLIENT_CERT_CONN;
    tlvs.push_ssl(client, 0, &details).unwrap();
    tlvs.push(Tlv::NETNS, b"blue").unwrap();
    tlvs.push(0xE7, b"custom").unwrap();
    assert_eq!(tlvs.push(Tlv::NOOP, b""), Err(TlvError::Reserved(4)));
    assert_eq!(
        tlvs.push(Tlv::UNIQUE_ID, &[0; 129]),
        Err(TlvError::Value(5))
    );

    let header = Header::proxy(inet("192.0.2.7:1"), inet("192.0.2.1:2")).with_tlvs(tlvs);
    let header = complete(&encoded(&header));
    let tlvs = header.tlvs();
    assert_eq!(tlvs.alpn(), Some(&b"h2"[..]));
    assert_eq!(tlvs.authority(), Some("web.example"));
    assert_eq!(tlvs.unique_id(), Some(&[1, 2][..]));
    assert_eq!(tlvs.netns(), Some("blue"));
    assert_eq!(tlvs.find(0xE7), Some(&b"custom"[..]));
    let kinds: Vec<_> = tlvs.iter().map(|tlv| tlv.kind).collect();
    assert_eq!(
        kinds,
        [1, 2, 5, 0x20, 0x30, 0xE7],
        "no checksum, no padding"
    );
    let ssl = tlvs.ssl().unwrap();
    assert!(ssl.is_tls() && ssl.is_verified());
    assert_eq!(ssl.version(), Some("TLSv1.3"));
    assert_eq!(ssl.common_name(), Some("client.example"));
    assert_eq!(ssl.cipher(), Some("TLS_AES_128_GCM_SHA256"));
}

#[test]
fn a_certificate_that_failed_is_not_verified() {
    let verified = |client, verify| {
        let mut tlvs = Tlvs::new();
        tlvs.push_ssl(client, verify, &Tlvs::new()).unwrap();
        tlvs.ssl().unwrap().is_verified()
    };
    assert!(verified(Ssl::CLIENT_SSL | Ssl::CLIENT_CERT_SESS, 0));
    assert!(!verified(Ssl::CLIENT_SSL | Ssl::CLIENT_CERT_CONN, 18));
    assert!(!verified(Ssl::CLIENT_SSL, 0), "none was shown");
}

/// Headers come in pieces, and with the client's first bytes behind them.
#[tokio::test]
async fn a_header_split_anywhere_is_read_and_nothing_behind_it() {
    let header = Header::proxy(inet("[2001:db8::7]:51234"), inet("[2001:db8::1]:443"));
    let mut v1 = Vec::new();
    header.encode_v1(&mut v1);
    for mut bytes in [v1, encoded(&header)] {
        bytes.extend_from_slice(b"hello");
        for at in 0..bytes.len() {
            let mut stream = bytes[..at].chain(&bytes[at..]);
            let mut buf = Vec::new();
            let accepted = accept_header(&mut stream, &mut buf).await.unwrap();
            assert_eq!(accepted, header, "split at {at}");
            stream.read_to_end(&mut buf).await.unwrap();
            assert_eq!(buf, b"hello", "split at {at}");
        }
    }
}

#[tokio::test]
async fn a_connection_closed_early_is_no_header() {
    let bytes = encoded(&Header::local());
    for end in 0..bytes.len() {
        let closed = accept_header(&mut &bytes[..end], &mut Vec::new()).await;
        assert!(matches!(closed, Err(AcceptHeaderError::Closed)), "{end}");
    }
    let error = accept_header(&mut &b"SSH-2.0-x\r\n"[..], &mut Vec::new()).await;
    assert_eq!(error.unwrap_err().to_string(), "bad PROXY protocol header");
}

fn any_inet() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        any::<std::net::SocketAddrV4>().prop_map(SocketAddr::from),
        (any::<Ipv6Addr>(), any::<u16>())
            .prop_map(|(ip, port)| SocketAddrV6::new(ip, port, 0, 0).into()),
    ]
}

fn any_unix() -> impl Strategy<Value = Endpoint> {
    prop_oneof![
        "/[^\0]{0,25}".prop_map(|path| Endpoint::Unix(path.into())),
        prop::collection::vec(1..=u8::MAX, 1..107).prop_map(Endpoint::Abstract),
        Just(Endpoint::Unnamed),
    ]
}

fn any_tlvs() -> impl Strategy<Value = Tlvs> {
    let tlv = (0xE0..=0xEFu8, prop::collection::vec(any::<u8>(), 0..200));
    prop::collection::vec(tlv, 0..5).prop_map(|list| {
        let mut tlvs = Tlvs::new();
        for (kind, value) in list {
            tlvs.push(kind, &value).unwrap();
        }
        tlvs
    })
}

fn any_header() -> impl Strategy<Value = Header> {
    let known = (
        prop_oneof![
            (any_inet(), any_inet()).prop_map(|(a, b)| (Endpoint::from(a), Endpoint::from(b))),
            (any_unix(), any_unix()),
        ],
        any::<bool>(),
    );
    let known = known.prop_map(|((source, destination), datagram)| match datagram {
        true => Header::proxy_datagram(source, destination),
        false => Header::proxy(source, destination),
    });
    (
        prop_oneof![4 => known, 1 => Just(Header::unknown())],
        any_tlvs(),
    )
        .prop_map(|(header, tlvs)| header.with_tlvs(tlvs))
}

proptest! {
    #[test]
    fn version_1_round_trips(source in any_inet(), destination in any_inet()) {
        let header = Header::proxy(source, destination);
        let mut bytes = Vec::new();
        header.encode_v1(&mut bytes);
        prop_assert!(bytes.len() <= 107);
        prop_assert_eq!(complete(&bytes), header);
    }

    #[test]
    fn version_2_round_trips(header in any_header(), before in any::<[u8; 3]>()) {
        let mut bytes = before.to_vec();
        header.encode_v2(&mut bytes);
        prop_assert_eq!(&complete(&bytes[3..]), &header);
        prop_assert_eq!(complete(&encoded(&header)), header);
    }

    #[test]
    fn a_prefix_is_incomplete_and_no_error(header in any_header(), at in any::<prop::sample::Index>()) {
        let bytes = encoded(&header);
        prop_assert_eq!(Header::parse(&bytes[..at.index(bytes.len())]), Ok(Parsed::Incomplete));
    }

    #[test]
    fn a_damaged_bit_fails_the_checksum(
        source in any_inet(),
        destination in any_inet(),
        at in any::<prop::sample::Index>(),
        bit in 0..8u32,
    ) {
        let mut bytes = encoded(&Header::proxy(source, destination));
        let (addresses, sum) = (16..bytes.len() - 7, bytes.len() - 4..bytes.len());
        let positions: Vec<_> = addresses.chain(sum).collect();
        bytes[*at.get(&positions)] ^= 1 << bit;
        prop_assert_eq!(Header::parse(&bytes), Err(ParseHeaderError::Checksum));
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        family in any::<u8>(),
    ) {
        let _ = Header::parse(&bytes);
        let _ = Header::parse(&v2(0x21, family, &bytes));
        let _ = Header::parse(&[b"PROXY ", &bytes[..]].concat());
    }
}
