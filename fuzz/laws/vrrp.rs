//! Whatever comes in by IP protocol 112, it is an advertisement or refused for a reason, and nothing is
//! remembered of what was refused.
//!
//! The bytes are an IP packet. It is given to every format there is, as it came and with its checksum mended,
//! since no fuzzer guesses one: the sum is taken here anew, by RFC 1071's words.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lb_vrrp::{
    Family, Version, VirtualRouterId,
    network::Datagram,
    packet::{
        Authentication, ChecksumPolicy, Codec, Delivery, Format, Hmac, Password,
        hmac::{AntiReplay, Key, KeyId, Mode},
        ipv4,
    },
};

/// How many formats take the packet as it came.
///
/// # Panics
///
/// When a packet is taken that cannot be written and read again as the same, and when one that is refused is not
/// counted or is remembered.
pub(crate) fn hold(bytes: &[u8]) -> usize {
    let Some(datagram) = received(bytes) else {
        return 0;
    };
    let Some(id) = datagram.message.get(1).copied() else {
        return 0;
    };
    // Of another virtual router than 0 nothing is refused for its number alone.
    let id = VirtualRouterId::new(id).unwrap_or(VirtualRouterId::new(255).expect("not 0"));
    let mut taken = 0;
    for format in formats(id, &datagram) {
        let mended = mended(&datagram, &format);
        taken += usize::from(read(&format, &datagram));
        if let Some(mended) = mended {
            read(&format, &mended);
        }
    }
    taken
}

/// Some day, of which the signatures of the corpus are.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(0x6800_0000)
}

/// What a raw socket and its driver make of a packet.
fn received(bytes: &[u8]) -> Option<Datagram> {
    if bytes.first()? >> 4 == 6 {
        let (header, message) = bytes.split_first_chunk::<40>()?;
        let address = |at: usize| {
            let octets: [u8; 16] = header[at..at + 16].try_into().expect("16 octets");
            IpAddr::V6(Ipv6Addr::from(octets))
        };
        return Some(Datagram {
            source: address(8),
            destination: address(24),
            ttl: header[7],
            message: message.to_vec(),
        });
    }
    let packet = ipv4::Packet::parse(bytes).ok()?;
    assert!(packet.message.len() + ipv4::HEADER <= bytes.len());
    Some(Datagram {
        source: packet.source.into(),
        destination: packet.destination.into(),
        ttl: packet.ttl,
        message: packet.message.to_vec(),
    })
}

fn formats(id: VirtualRouterId, datagram: &Datagram) -> Vec<Format> {
    let delivery = if datagram.destination.is_multicast() {
        Delivery::Multicast
    } else {
        Delivery::Unicast { ttl: None }
    };
    let key_id = KeyId::new(1).expect("not 0");
    let octets: Vec<u8> = (0..32).collect();
    let key = Key::new(&octets).expect("32 octets");
    let hmac = |mode| {
        let hmac = Hmac::new([(key_id, key.clone())], key_id).expect("the only key");
        Authentication::Hmac(hmac.mode(mode).anti_replay(AntiReplay::Monotonic))
    };
    let password = Password::new("abc12").expect("5 octets");
    let kinds = [
        (Version::V2, Authentication::None),
        (Version::V2, Authentication::Simple(password)),
        (Version::V2, hmac(Mode::Permissive)),
        (Version::V3, Authentication::None),
        (Version::V3, hmac(Mode::Permissive)),
        (Version::V3, hmac(Mode::Enforce)),
    ];
    let family = Family::of(datagram.source);
    let formats = kinds.into_iter().filter_map(|(version, authentication)| {
        Format::builder(version, family, id)
            .authentication(authentication)
            .delivery(delivery.clone())
            .checksum(ChecksumPolicy::Auto)
            .build()
            .ok()
    });
    formats.collect()
}

/// Whether `datagram` is taken.
fn read(format: &Format, datagram: &Datagram) -> bool {
    let mut codec = Codec::new(format.clone());
    let Ok(advertisement) = codec.receive(datagram, now()) else {
        assert_eq!(codec.refusals().total(), 1);
        assert_eq!(codec.senders().count(), 0);
        return false;
    };
    assert_eq!(codec.refusals().total(), 0);
    assert_eq!(codec.senders().count(), 1);
    let mut again = datagram.clone();
    let written = Codec::new(format.clone()).write(
        &advertisement,
        datagram.source,
        datagram.destination,
        now(),
        &mut again.message,
    );
    written.expect("what was read can be written");
    assert_eq!(
        again.message.len(),
        format.message_length(advertisement.addresses.len())
    );
    let read = Codec::new(format.clone()).receive(&again, now());
    assert_eq!(read, Ok(advertisement));
    true
}

/// `datagram` with the checksum that `format` wants.
fn mended(datagram: &Datagram, format: &Format) -> Option<Datagram> {
    let octets = &datagram.message;
    let count = usize::from(*octets.get(3)?);
    let (length, head) = match (format.version(), datagram.source, datagram.destination) {
        (Version::V2, ..) => (16 + 4 * count, Vec::new()),
        (Version::V3, IpAddr::V6(source), IpAddr::V6(destination)) => {
            let mut head = [source.octets(), destination.octets()].concat();
            head.extend((octets.len() as u32).to_be_bytes());
            head.extend([0, 0, 0, 112]);
            (octets.len(), head)
        }
        (Version::V3, ..) => (8 + 4 * count, Vec::new()),
    };
    let mut mended = datagram.clone();
    mended.message.get_mut(6..8)?.fill(0);
    let mut summed = head;
    summed.extend(mended.message.get(..length)?);
    summed.resize(summed.len().next_multiple_of(2), 0);
    let words = summed
        .chunks(2)
        .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let sum = words.fold(0, |sum, word| {
        let sum = sum + word;
        (sum & 0xffff) + (sum >> 16)
    });
    mended.message[6..8].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    Some(mended)
}
