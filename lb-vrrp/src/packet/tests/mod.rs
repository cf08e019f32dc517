//! The codec against bytes of others, against itself, and against forgeries.

mod authentication;
mod checksums;
mod golden;
mod laws;
mod refusals;

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::hmac::{AntiReplay, Key, KeyId, Mode, Window};
use super::{
    Authentication, ChecksumPolicy, Codec, Delivery, Format, FormatBuilder, Hmac, Password, Refused,
};
use crate::network::Datagram;
use crate::{Advertisement, Family, Interval, Priority, Version, VirtualRouterId};

const ID: VirtualRouterId = VirtualRouterId::new(88).expect("not 0");
const ANYWHERE: Delivery = Delivery::Unicast { ttl: None };

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// `seconds` after some day.
fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

fn format(version: Version, family: Family) -> FormatBuilder {
    Format::builder(version, family, ID)
}

fn v3() -> FormatBuilder {
    format(Version::V3, Family::V4)
}

fn codec(format: FormatBuilder) -> Codec {
    Codec::new(format.build().unwrap())
}

fn password(text: &str) -> Authentication {
    Authentication::Simple(Password::new(text).unwrap())
}

/// With key 1, and 2 beside it.
fn hmac() -> Hmac {
    let key = |id| (KeyId::new(id).unwrap(), Key::new(&[id; 32]).unwrap());
    Hmac::new([key(1), key(2)], KeyId::new(1).unwrap()).unwrap()
}

fn signed(hmac: Hmac) -> FormatBuilder {
    v3().authentication(Authentication::Hmac(hmac))
}

fn advertisement(version: Version, family: Family) -> Advertisement {
    let addresses = match family {
        Family::V4 => vec![ip("10.77.0.100"), ip("10.77.0.101")],
        Family::V6 => vec![ip("fe80::88"), ip("fd77::100")],
    };
    Advertisement {
        version,
        id: ID,
        priority: Priority::DEFAULT,
        interval: Interval::DEFAULT,
        addresses,
    }
}

/// What `codec` sends from `source`: to the group, or to 10.77.0.2 or fe80::2.
fn from(codec: &mut Codec, source: &str, now: SystemTime) -> Datagram {
    let (version, family) = (codec.format().version, codec.format().family);
    let destination = match (&codec.format().delivery, family) {
        (Delivery::Multicast, _) => family.group(),
        (Delivery::Unicast { .. }, Family::V4) => ip("10.77.0.2"),
        (Delivery::Unicast { .. }, Family::V6) => ip("fe80::2"),
    };
    let mut message = Vec::new();
    let advertisement = advertisement(version, family);
    codec
        .write(&advertisement, ip(source), destination, now, &mut message)
        .unwrap();
    Datagram {
        source: ip(source),
        destination,
        ttl: super::TTL,
        message,
    }
}

/// The same from the usual source.
fn sent(codec: &mut Codec, now: SystemTime) -> Datagram {
    let source = match codec.format().family {
        Family::V4 => "10.77.0.1",
        Family::V6 => "fe80::1",
    };
    from(codec, source, now)
}

/// Sets octets of `datagram` and mends a checksum that has no pseudo-header.
fn altered(mut datagram: Datagram, change: impl FnOnce(&mut Vec<u8>)) -> Datagram {
    change(&mut datagram.message);
    datagram.message[6..8].fill(0);
    let checksum = super::checksum::Sum::default().add(&datagram.message);
    datagram.message[6..8].copy_from_slice(&checksum.checksum().to_be_bytes());
    datagram
}
