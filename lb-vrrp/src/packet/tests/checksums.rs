//! The forms of version 3's checksum over IPv4.

use super::*;
use crate::packet::{ChecksumForm, Sender, checksum};

fn to(policy: ChecksumPolicy, source: &str, unicast: bool) -> Datagram {
    let builder = v3().checksum(policy);
    let builder = if unicast {
        builder.delivery(ANYWHERE)
    } else {
        builder
    };
    from(&mut codec(builder), source, at(0))
}

/// What Keepalived up to 1.3.6 sends by unicast.
fn old_unicast(source: &str) -> Datagram {
    let mut datagram = to(ChecksumPolicy::PseudoHeader, source, true);
    datagram.message[6..8].fill(0);
    let sum = checksum::start(
        ChecksumForm::OldUnicast,
        datagram.source,
        datagram.destination,
        datagram.message.len(),
    );
    let checksum = sum.add(&datagram.message).checksum();
    datagram.message[6..8].copy_from_slice(&checksum.to_be_bytes());
    datagram
}

#[test]
fn a_policy_accepts_its_own_form() {
    use ChecksumPolicy::{Auto, Message, PseudoHeader};
    for accepting in [Auto, PseudoHeader, Message] {
        for sending in [PseudoHeader, Message] {
            let mut codec = codec(v3().checksum(accepting));
            let datagram = to(sending, "10.77.0.1", false);
            let expected = accepting == Auto || accepting == sending;
            let received = codec.receive(&datagram, at(0));
            assert_eq!(received.is_ok(), expected, "{accepting:?} {sending:?}");
            let refused = codec.refusals().count(Refused::Checksum);
            assert_eq!(refused, u64::from(!expected));
        }
    }
}

#[test]
fn auto_sends_as_the_last_heard_in_multicast() {
    let mut codec = codec(v3());
    let group = Family::V4.group();
    assert_eq!(codec.form(group), ChecksumForm::PseudoHeader);
    let with = to(ChecksumPolicy::PseudoHeader, "10.77.0.1", false);
    let without = to(ChecksumPolicy::Message, "10.77.0.2", false);
    assert_ne!(with.message, without.message);

    codec.receive(&without, at(0)).unwrap();
    assert_eq!(codec.form(group), ChecksumForm::Message);
    let message = from(&mut codec, "10.77.0.2", at(0)).message;
    assert_eq!(message, without.message);

    codec.set_source(None);
    codec.receive(&with, at(0)).unwrap();
    let message = from(&mut codec, "10.77.0.1", at(0)).message;
    assert_eq!(message, with.message);
    let counts = ChecksumForm::ALL.map(|form| codec.accepted(form));
    assert_eq!(counts, [1, 1, 0]);
}

#[test]
fn auto_sends_to_each_peer_as_that_one_does() {
    let mut codec = codec(v3().delivery(ANYWHERE));
    let old = old_unicast("10.77.0.4");
    codec
        .receive(&to(ChecksumPolicy::Message, "10.77.0.3", true), at(0))
        .unwrap();
    codec.receive(&old, at(0)).unwrap();
    assert_eq!(codec.form(ip("10.77.0.3")), ChecksumForm::Message);
    assert_eq!(codec.form(ip("10.77.0.4")), ChecksumForm::OldUnicast);
    assert_eq!(codec.form(ip("10.77.0.5")), ChecksumForm::PseudoHeader);
    let senders: Vec<Sender> = codec.senders().collect();
    let sender = |source, checksum| Sender {
        source: ip(source),
        checksum,
        skew: None,
    };
    assert_eq!(
        senders,
        [
            sender("10.77.0.4", ChecksumForm::OldUnicast),
            sender("10.77.0.3", ChecksumForm::Message),
        ]
    );
    // The old form does not cover the destination, so any will do for a comparison.
    let mut out = Vec::new();
    let advertisement = advertisement(Version::V3, Family::V4);
    codec
        .write(
            &advertisement,
            ip("10.77.0.4"),
            ip("10.77.0.4"),
            at(0),
            &mut out,
        )
        .unwrap();
    assert_eq!(out, old.message);
}

/// The addresses and lengths of a pseudo-header may add up to nothing.
#[test]
fn a_message_of_two_forms_is_of_the_one_before() {
    let both = to(ChecksumPolicy::PseudoHeader, "10.77.21.32", false);
    assert_eq!(both, to(ChecksumPolicy::Message, "10.77.21.32", false));
    let shorter = altered(both.clone(), |message| {
        message[3] = 1;
        message.truncate(12);
    });
    let mut codec = codec(v3());
    codec.receive(&shorter, at(0)).unwrap();
    codec.receive(&both, at(0)).unwrap();
    assert_eq!(codec.accepted(ChecksumForm::Message), 2);
}

#[test]
fn a_refused_packet_changes_no_form() {
    let mut codec = codec(v3());
    codec
        .receive(&to(ChecksumPolicy::Message, "10.77.0.1", false), at(0))
        .unwrap();
    let mut forged = to(ChecksumPolicy::PseudoHeader, "10.77.0.1", false);
    forged.ttl = 254;
    assert_eq!(codec.receive(&forged, at(0)), Err(Refused::Ttl));
    assert_eq!(codec.form(Family::V4.group()), ChecksumForm::Message);
}

/// What no ones-complement sum can see: words that changed places, and 0 for ffff.
#[test]
fn the_sum_is_blind_to_order() {
    let mut swapped = to(ChecksumPolicy::PseudoHeader, "10.77.0.1", false);
    let (first, second) = swapped.message[8..].split_at_mut(4);
    first.swap_with_slice(second);
    let received = codec(v3()).receive(&swapped, at(0)).unwrap();
    assert_ne!(received, advertisement(Version::V3, Family::V4));
    // A signature sees it.
    let mut swapped = sent(&mut codec(signed(hmac())), at(0));
    swapped.message[8..16].rotate_left(4);
    let refused = codec(signed(hmac())).receive(&swapped, at(0));
    assert_eq!(refused, Err(Refused::AuthenticationFailure));
}
