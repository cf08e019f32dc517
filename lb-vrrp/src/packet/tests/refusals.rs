//! Each reason, with a packet that has nothing else wrong with it.

use super::*;
use crate::packet::WriteError;

/// The reason for which a codec of `format` refuses `datagram`, having counted it and nothing else.
fn refusal(format: FormatBuilder, datagram: &Datagram) -> Refused {
    let mut codec = codec(format);
    let reason = codec.receive(datagram, at(0)).unwrap_err();
    assert_eq!(codec.refusals().count(reason), 1);
    assert_eq!(codec.refusals().total(), 1);
    assert_eq!(codec.senders().count(), 0);
    reason
}

fn v3_sent() -> Datagram {
    sent(&mut codec(v3().checksum(ChecksumPolicy::Message)), at(0))
}

fn v6_sent() -> Datagram {
    sent(&mut codec(format(Version::V3, Family::V6)), at(0))
}

fn v2_sent() -> Datagram {
    sent(&mut codec(format(Version::V2, Family::V4)), at(0))
}

#[test]
fn a_ttl_below_255() {
    for mut datagram in [v3_sent(), v2_sent(), v6_sent()] {
        let version = match datagram.message[0] >> 4 {
            2 => Version::V2,
            _ => Version::V3,
        };
        let format = format(version, Family::of(datagram.source));
        assert!(codec(format.clone()).receive(&datagram, at(0)).is_ok());
        datagram.ttl = 254;
        assert_eq!(refusal(format, &datagram), Refused::Ttl);
    }
}

#[test]
fn a_unicast_ttl_only_if_asked_for() {
    let mut datagram = sent(&mut codec(v3().delivery(ANYWHERE)), at(0));
    datagram.ttl = 3;
    assert!(
        codec(v3().delivery(ANYWHERE))
            .receive(&datagram, at(0))
            .is_ok()
    );
    let near = Delivery::Unicast {
        ttl: Some(253..=254),
    };
    for (ttl, expected) in [(252, false), (253, true), (254, true), (255, false)] {
        datagram.ttl = ttl;
        let received = codec(v3().delivery(near.clone())).receive(&datagram, at(0));
        assert_eq!(received.err(), (!expected).then_some(Refused::Ttl));
    }
}

/// It may come from anywhere, so only the nodes that are named are believed.
#[test]
fn a_unicast_packet_of_a_stranger() {
    let datagram = sent(&mut codec(v3().delivery(ANYWHERE)), at(0));
    let with = |peers: &[IpAddr]| v3().delivery(ANYWHERE).peers(peers.iter().copied());
    let own = datagram.source;
    assert!(codec(with(&[own])).receive(&datagram, at(0)).is_ok());
    let stranger = [IpAddr::from([10, 77, 0, 99])];
    assert_eq!(refusal(with(&stranger), &datagram), Refused::Peer);
}

/// A unicast packet has passed any number of routers: a multicast virtual router must not take it.
#[test]
fn the_other_delivery() {
    let unicast = sent(&mut codec(v3().delivery(ANYWHERE)), at(0));
    assert_eq!(refusal(v3(), &unicast), Refused::Destination);
    let multicast = v3_sent();
    assert_eq!(
        refusal(v3().delivery(ANYWHERE), &multicast),
        Refused::Destination
    );
}

#[test]
fn another_virtual_router_whatever_else_it_has() {
    let mut datagram = altered(v2_sent(), |message| message[1] = 89);
    datagram.ttl = 1;
    assert_eq!(refusal(v3(), &datagram), Refused::VirtualRouterId);
}

#[test]
fn another_family() {
    assert_eq!(refusal(v3(), &v6_sent()), Refused::AddressFamily);
    let six = format(Version::V3, Family::V6);
    assert_eq!(refusal(six, &v3_sent()), Refused::AddressFamily);
}

#[test]
fn its_own() {
    let mut codec = codec(v3());
    let datagram = v3_sent();
    codec.set_source(Some(ip("10.77.0.1")));
    assert_eq!(codec.receive(&datagram, at(0)), Err(Refused::Looped));
    codec.set_source(Some(ip("10.77.0.2")));
    assert!(codec.receive(&datagram, at(0)).is_ok());
    // What was written is known again without being told.
    let looped = from(&mut codec, "10.77.0.7", at(0));
    assert_eq!(codec.receive(&looped, at(0)), Err(Refused::Looped));
}

#[test]
fn another_version_or_type() {
    assert_eq!(refusal(v3(), &v2_sent()), Refused::Version);
    assert_eq!(
        refusal(format(Version::V2, Family::V4), &v3_sent()),
        Refused::Version
    );
    let four = altered(v3_sent(), |message| message[0] = 0x41);
    assert_eq!(refusal(v3(), &four), Refused::Version);
    for kind in [0x30, 0x32, 0x3f] {
        let datagram = altered(v3_sent(), |message| message[0] = kind);
        assert_eq!(refusal(v3(), &datagram), Refused::Type);
    }
}

#[test]
fn every_other_length() {
    for (format, datagram) in [
        (v3(), v3_sent()),
        (format(Version::V2, Family::V4), v2_sent()),
        (format(Version::V3, Family::V6), v6_sent()),
    ] {
        let whole = datagram.message.len();
        for length in (0..whole).chain(whole + 1..whole + 64) {
            let mut datagram = datagram.clone();
            datagram.message.resize(length, 0);
            // 16 octets of addresses fill a frame of IPv4 to 36 or 44, and padding that to 46.
            let padded = Family::of(datagram.source) == Family::V4
                && 20 + length <= 46
                && length > whole
                && (length - whole) % 4 == 2;
            if padded {
                assert!(codec(format.clone()).receive(&datagram, at(0)).is_ok());
            } else {
                assert_eq!(
                    refusal(format.clone(), &datagram),
                    Refused::Length,
                    "{length}"
                );
            }
        }
    }
}

/// Some senders count the filling of a short frame into the IP header's length.
#[test]
fn a_padded_short_frame() {
    let mut one = codec(v3().checksum(ChecksumPolicy::Message));
    let mut advertisement = advertisement(Version::V3, Family::V4);
    advertisement.addresses.truncate(1);
    let mut message = Vec::new();
    let (source, group) = (ip("10.77.0.1"), Family::V4.group());
    one.write(&advertisement, source, group, at(0), &mut message)
        .unwrap();
    assert_eq!(message.len(), 12);
    let padded = |length| {
        let mut message = message.clone();
        message.resize(length, 0x55);
        let datagram = Datagram {
            source,
            destination: group,
            ttl: 255,
            message,
        };
        codec(v3()).receive(&datagram, at(0))
    };
    // To 46 octets, to 42 with a VLAN's tag, and not to what no frame is filled to.
    assert_eq!(padded(26), Ok(advertisement.clone()));
    assert_eq!(padded(22), Ok(advertisement));
    for length in [13, 15, 16, 24, 25, 27, 30] {
        assert_eq!(padded(length), Err(Refused::Length), "{length}");
    }
}

#[test]
fn no_address() {
    let none = altered(v3_sent(), |message| {
        message[3] = 0;
        message.truncate(8);
    });
    assert_eq!(refusal(v3(), &none), Refused::AddressCount);
}

#[test]
fn a_wrong_checksum() {
    for (format, mut datagram) in [
        (v3(), v3_sent()),
        (format(Version::V2, Family::V4), v2_sent()),
        (format(Version::V3, Family::V6), v6_sent()),
    ] {
        datagram.message[2] ^= 1;
        assert_eq!(refusal(format, &datagram), Refused::Checksum);
    }
    // IPv6's is over source and destination too.
    let mut datagram = v6_sent();
    datagram.source = ip("fe80::9");
    assert_eq!(
        refusal(format(Version::V3, Family::V6), &datagram),
        Refused::Checksum
    );
}

#[test]
fn an_interval_of_zero() {
    let datagram = altered(v3_sent(), |message| message[4..6].fill(0));
    assert_eq!(refusal(v3(), &datagram), Refused::Interval);
    // The upper four bits are none of it.
    let datagram = altered(v3_sent(), |message| message[4] |= 0xf0);
    let interval = codec(v3()).receive(&datagram, at(0)).unwrap().interval;
    assert_eq!(interval, Interval::DEFAULT);
    let datagram = altered(v3_sent(), |message| {
        message[4..6].copy_from_slice(&[0xf0, 0]);
    });
    assert_eq!(refusal(v3(), &datagram), Refused::Interval);
    let datagram = altered(v2_sent(), |message| message[5] = 0);
    assert_eq!(
        refusal(format(Version::V2, Family::V4), &datagram),
        Refused::Interval
    );
}

#[test]
fn a_first_address_that_is_not_link_local() {
    let mut datagram = v6_sent();
    // Both in one order have the sum of both in the other.
    datagram.message[8..40].rotate_left(16);
    let six = format(Version::V3, Family::V6);
    assert_eq!(refusal(six, &datagram), Refused::FirstAddress);
}

#[test]
fn what_cannot_be_written() {
    let mut codec = codec(v3());
    let mut error = |change: &dyn Fn(&mut Advertisement), source: &str, destination: &str| {
        let mut advertisement = advertisement(Version::V3, Family::V4);
        change(&mut advertisement);
        let mut out = vec![1, 2, 3];
        let (source, destination) = (ip(source), ip(destination));
        let result = codec.write(&advertisement, source, destination, at(0), &mut out);
        assert!(out.is_empty());
        result.unwrap_err()
    };
    let (here, group) = ("10.77.0.1", "224.0.0.18");
    let family = |address| WriteError::Family(ip(address), Family::V4);
    assert_eq!(
        error(&|a| a.version = Version::V2, here, group),
        WriteError::Other
    );
    let other = VirtualRouterId::new(1).unwrap();
    assert_eq!(error(&|a| a.id = other, here, group), WriteError::Other);
    assert_eq!(
        error(&|a| a.addresses.clear(), here, group),
        WriteError::Count(0)
    );
    let many = |a: &mut Advertisement| a.addresses.resize(256, ip("10.0.0.1"));
    assert_eq!(error(&many, here, group), WriteError::Count(256));
    assert_eq!(
        error(&|a| a.addresses.push(ip("::1")), here, group),
        family("::1")
    );
    assert_eq!(error(&|_| (), "fe80::1", group), family("fe80::1"));
    assert_eq!(error(&|_| (), here, "ff02::12"), family("ff02::12"));
    let long = Interval::from_centiseconds(Version::V2, 10_000).unwrap();
    assert_eq!(
        error(&|a| a.interval = long, here, group),
        WriteError::Interval
    );

    let mut six = super::codec(format(Version::V3, Family::V6));
    let mut first = super::advertisement(Version::V3, Family::V6);
    first.addresses.reverse();
    let written = six.write(
        &first,
        ip("fe80::1"),
        ip("ff02::12"),
        at(0),
        &mut Vec::new(),
    );
    assert_eq!(written, Err(WriteError::FirstAddress(ip("fd77::100"))));
}
