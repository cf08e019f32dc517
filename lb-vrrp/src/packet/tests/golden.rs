//! Bytes that others wrote: read, and written again as they were.

use super::*;
use crate::packet::ipv4;

/// Packets of a running Keepalived, with their IP headers.
const KEEPALIVED: &str = include_str!("../../../tests/vectors/keepalived.txt");

pub(super) fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
    pairs
        .map(|pair| u8::from_str_radix(&pair, 16).unwrap())
        .collect()
}

/// What a raw socket makes of an IP packet.
fn received(packet: &[u8]) -> Datagram {
    if packet[0] >> 4 == 4 {
        let packet = ipv4::Packet::parse(packet).unwrap();
        assert_eq!(packet.protocol, crate::packet::PROTOCOL);
        return Datagram {
            source: packet.source.into(),
            destination: packet.destination.into(),
            ttl: packet.ttl,
            message: packet.message.to_vec(),
        };
    }
    let address = |at: usize| IpAddr::from(<[u8; 16]>::try_from(&packet[at..at + 16]).unwrap());
    Datagram {
        source: address(8),
        destination: address(24),
        ttl: packet[7],
        message: packet[40..].to_vec(),
    }
}

#[test]
fn what_keepalived_sent_is_read_and_written_again() {
    let lines = KEEPALIVED.lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for (name, packet) in lines.map(|line| line.split_once(' ').unwrap()) {
        let datagram = received(&octets(packet));
        let version = match &name[..2] {
            "v2" => Version::V2,
            _ => Version::V3,
        };
        let mut builder = format(version, Family::of(datagram.source));
        if name.contains("unicast") {
            builder = builder.delivery(ANYWHERE);
        }
        if name.contains("unicast-pass") {
            builder = builder.authentication(password("secret78"));
        } else if name.contains("pass") {
            builder = builder.authentication(password("abc12"));
        }
        let mut codec = codec(builder.checksum(ChecksumPolicy::PseudoHeader));
        let advertisement = codec.receive(&datagram, at(0));
        let advertisement = advertisement.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            advertisement.priority.is_stop(),
            name.ends_with("stop"),
            "{name}"
        );
        let mut message = Vec::new();
        codec
            .write(
                &advertisement,
                datagram.source,
                datagram.destination,
                at(0),
                &mut message,
            )
            .unwrap();
        assert_eq!(message, datagram.message, "{name}");
        count += 1;
    }
    assert_eq!(count, 21);
}

/// What is in those packets, for some of which each field has a value of its own.
#[test]
fn fields_are_where_keepalived_has_them() {
    let of = |wanted: &str| {
        let line = KEEPALIVED
            .lines()
            .find_map(|line| line.strip_prefix(wanted)?.strip_prefix(' '));
        received(&octets(line.unwrap()))
    };
    let three = codec(v3()).receive(&of("v3-three"), at(0)).unwrap();
    assert_eq!(three.priority, Priority(150));
    assert_eq!(three.interval.centiseconds(), 50);
    let addresses = ["10.77.0.100", "10.77.0.101", "10.77.0.102"].map(ip);
    assert_eq!(three.addresses, addresses);

    let owner = codec(v3()).receive(&of("v3-owner"), at(0)).unwrap();
    assert!(owner.priority.is_owner());
    assert_eq!(owner.interval.centiseconds(), 4095);

    let slow = codec(format(Version::V2, Family::V4)).receive(&of("v2-255s"), at(0));
    assert_eq!(slow.unwrap().interval.seconds(), 255);

    let six = codec(format(Version::V3, Family::V6)).receive(&of("v3-ip6-10cs"), at(0));
    let six = six.unwrap();
    assert_eq!(six.interval.centiseconds(), 10);
    assert_eq!(
        six.addresses,
        ["fe80::88", "fd77::100", "fd77::101"].map(ip)
    );

    let thirty = codec(v3()).receive(&of("v3-thirty"), at(0)).unwrap();
    assert_eq!(thirty.addresses.len(), 30);
    assert_eq!(thirty.addresses[29], ip("10.77.0.129"));
}

/// The draft's appendix: version 3, VRID 51, priority 200, 100 cs, key 1 of 00 to 1f.
#[test]
fn the_signed_examples_of_the_draft() {
    let examples = [
        (
            ("198.51.100.10", "192.0.2.10", "192.0.2.100"),
            "3133c80100644402c0000264 010100006800000080000000 1b84bc4e8e43892dc6d98448f8ee2265",
        ),
        (
            ("fe80::10", "fe80::20", "fe80::100"),
            "3133c8010064a2e9 fe800000000000000000000000000100 010100006800000080000000
             c8c56146ebfd66ee10ec4d8186461b78",
        ),
    ];
    let now = UNIX_EPOCH + Duration::from_secs(0x6800_0000) + Duration::from_millis(500);
    for ((source, destination, address), message) in examples {
        let id = VirtualRouterId::new(51).unwrap();
        let key_id = KeyId::new(1).unwrap();
        let key: Vec<u8> = (0..32).collect();
        let hmac = Hmac::new([(key_id, Key::new(&key).unwrap())], key_id).unwrap();
        let builder = Format::builder(Version::V3, Family::of(ip(source)), id)
            .authentication(Authentication::Hmac(hmac))
            .checksum(ChecksumPolicy::Message)
            .delivery(ANYWHERE);
        let advertisement = Advertisement {
            version: Version::V3,
            id,
            priority: Priority(200),
            interval: Interval::DEFAULT,
            addresses: vec![ip(address)],
        };
        let (source, destination) = (ip(source), ip(destination));
        let mut out = Vec::new();
        codec(builder.clone())
            .write(&advertisement, source, destination, now, &mut out)
            .unwrap();
        assert_eq!(out, octets(message));
        let datagram = Datagram {
            source,
            destination,
            ttl: 60,
            message: octets(message),
        };
        let later = now + Duration::from_secs(5);
        assert_eq!(codec(builder).receive(&datagram, later), Ok(advertisement));
    }
}
