//! What holds for every packet.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

/// A format and an advertisement it can carry, with a source and a destination.
type Case = (FormatBuilder, Advertisement, IpAddr, IpAddr);

fn address(family: Family) -> BoxedStrategy<IpAddr> {
    match family {
        Family::V4 => any::<Ipv4Addr>().prop_map(IpAddr::V4).boxed(),
        Family::V6 => any::<Ipv6Addr>().prop_map(IpAddr::V6).boxed(),
    }
}

fn host(family: Family) -> BoxedStrategy<IpAddr> {
    address(family)
        .prop_filter("a host", |ip| !ip.is_multicast())
        .boxed()
}

fn link_local(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let mut octets = address.octets();
            octets[..8].copy_from_slice(&[0xfe, 0x80, 0, 0, 0, 0, 0, 0]);
            octets.into()
        }
    }
}

fn authentication(version: Version) -> BoxedStrategy<Authentication> {
    let common = prop_oneof![
        Just(Authentication::None),
        Just(Authentication::Hmac(hmac()))
    ];
    match version {
        Version::V2 => prop_oneof![common, Just(password("abc12"))].boxed(),
        Version::V3 => common.boxed(),
    }
}

fn case() -> impl Strategy<Value = Case> {
    let kinds = [
        (Version::V2, Family::V4),
        (Version::V3, Family::V4),
        (Version::V3, Family::V6),
    ];
    prop::sample::select(kinds.to_vec()).prop_flat_map(|(version, family)| {
        let interval = match version {
            Version::V2 => (1..=255u16).prop_map(|seconds| seconds * 100).boxed(),
            Version::V3 => (1..=4095u16).boxed(),
        };
        let policies = [ChecksumPolicy::PseudoHeader, ChecksumPolicy::Message];
        let unicast = any::<bool>();
        (
            (
                unicast,
                authentication(version),
                prop::sample::select(policies.to_vec()),
            ),
            (
                any::<u8>(),
                interval,
                prop::collection::vec(address(family), 1..=255),
            ),
            (host(family), host(family)),
        )
            .prop_map(move |(format, content, (source, peer))| {
                let (unicast, authentication, policy) = format;
                let (priority, interval, mut addresses) = content;
                addresses[0] = link_local(addresses[0]);
                let mut builder = super::format(version, family)
                    .authentication(authentication)
                    .checksum(policy);
                if unicast {
                    builder = builder.delivery(ANYWHERE);
                }
                let advertisement = Advertisement {
                    version,
                    id: ID,
                    priority: Priority(priority),
                    interval: Interval::from_centiseconds(version, interval).unwrap(),
                    addresses,
                };
                let destination = if unicast { peer } else { family.group() };
                (builder, advertisement, source, destination)
            })
    })
}

fn written((builder, advertisement, source, destination): &Case) -> Datagram {
    let mut message = Vec::new();
    codec(builder.clone())
        .write(advertisement, *source, *destination, at(0), &mut message)
        .unwrap();
    Datagram {
        source: *source,
        destination: *destination,
        ttl: 255,
        message,
    }
}

/// Any octets, with a beginning that lets half of them past the first questions.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let any_octets = || prop::collection::vec(any::<u8>(), 0..200);
    let likely = (
        prop::sample::select(&[0x21, 0x31][..]),
        1..4u8,
        any_octets(),
    );
    prop_oneof![
        any_octets(),
        likely.prop_map(|(first, count, rest)| {
            let mut octets = vec![first, ID.number(), 100, count];
            octets.extend(rest);
            octets
        })
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(case in case()) {
        let datagram = written(&case);
        let (builder, advertisement, ..) = case;
        let mut receiver = codec(builder.clone());
        let length = receiver.format().message_length(advertisement.addresses.len());
        prop_assert_eq!(datagram.message.len(), length);
        prop_assert_eq!(receiver.receive(&datagram, at(0)), Ok(advertisement.clone()));
        let mut auto = codec(builder.checksum(ChecksumPolicy::Auto));
        prop_assert_eq!(auto.receive(&datagram, at(0)), Ok(advertisement));
    }

    /// One bit is a power of two in the sum, and never 0 in ones-complement.
    #[test]
    fn one_wrong_bit_is_refused(case in case(), bit in any::<prop::sample::Index>()) {
        let mut datagram = written(&case);
        let bit = bit.index(datagram.message.len() * 8);
        datagram.message[bit / 8] ^= 1 << (bit % 8);
        let mut receiver = codec(case.0);
        let refused = receiver.receive(&datagram, at(0));
        prop_assert!(refused.is_err(), "bit {} of {:02x?}", bit, datagram.message);
        prop_assert_eq!(receiver.senders().count(), 0);
    }

    /// A signed message is refused for one wrong bit even if its checksum is mended, but for the
    /// four reserved bits nobody reads: they are signed, too.
    #[test]
    fn a_mended_checksum_helps_no_forger(bit in 0..16usize * 8) {
        let builder = signed(hmac()).checksum(ChecksumPolicy::Message);
        let datagram = sent(&mut codec(builder.clone()), at(0));
        prop_assume!(!(48..64).contains(&bit));
        let mut message = datagram.clone();
        message.message.truncate(16);
        message.message[bit / 8] ^= 1 << (bit % 8);
        let message = altered(message, |_| ()).message;
        let mut forged = datagram;
        forged.message[..16].copy_from_slice(&message);
        prop_assert!(codec(builder).receive(&forged, at(0)).is_err());
    }

    #[test]
    fn any_octets_are_read_or_refused(case in case(), octets in octets(), ttl in 254..=255u8) {
        let (builder, _, source, destination) = case;
        let mut receiver = codec(builder);
        let datagram = Datagram { source, destination, ttl, message: octets };
        let read = receiver.receive(&datagram, at(0));
        prop_assert_eq!(receiver.refusals().total(), u64::from(read.is_err()));
    }
}
