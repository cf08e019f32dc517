//! Passwords and signatures: what is refused, and what a refused packet leaves as it was.

use super::*;
use crate::packet::{ChecksumForm, hmac::HmacError};

fn v2(authentication: Authentication) -> FormatBuilder {
    format(Version::V2, Family::V4).authentication(authentication)
}

fn refuses(receiver: FormatBuilder, datagram: &Datagram) -> Option<Refused> {
    codec(receiver).receive(datagram, at(0)).err()
}

#[test]
fn a_password_is_sent_and_compared_to_its_last_octet() {
    let datagram = sent(&mut codec(v2(password("secret78"))), at(0));
    assert_eq!(refuses(v2(password("secret78")), &datagram), None);
    for wrong in ["secret79", "secret7", "secret", "x"] {
        let refused = refuses(v2(password(wrong)), &datagram);
        assert_eq!(refused, Some(Refused::AuthenticationFailure), "{wrong}");
    }
}

#[test]
fn the_types_must_agree() {
    let mismatch = Some(Refused::AuthenticationTypeMismatch);
    let none = || v2(Authentication::None);
    let simple = || v2(password("abc12"));
    let signed = || v2(Authentication::Hmac(hmac()));
    let datagram = |format| sent(&mut codec(format), at(0));
    assert_eq!(refuses(none(), &datagram(simple())), mismatch);
    assert_eq!(refuses(simple(), &datagram(none())), mismatch);
    assert_eq!(refuses(simple(), &datagram(signed())), mismatch);
    assert_eq!(refuses(none(), &datagram(signed())), mismatch);
    assert_eq!(refuses(signed(), &datagram(simple())), mismatch);
    assert_eq!(refuses(signed(), &datagram(signed())), None);
    for kind in [2, 3, 255] {
        let datagram = altered(datagram(none()), |message| message[4] = kind);
        assert_eq!(
            refuses(none(), &datagram),
            Some(Refused::AuthenticationType)
        );
    }
    // Without authentication, its data means nothing.
    let datagram = altered(datagram(none()), |message| message[20] = 1);
    assert_eq!(refuses(none(), &datagram), None);
}

#[test]
fn modes() {
    let unsigned = || sent(&mut codec(v3()), at(0));
    let receiver = |mode| signed(hmac().mode(mode));
    for (mode, signs, refused) in [
        (Mode::ReceiveOnly, false, None),
        (Mode::Permissive, true, None),
        (Mode::Enforce, true, Some(Refused::AuthenticationMissing)),
    ] {
        assert_eq!(refuses(receiver(mode), &unsigned()), refused);
        let mut datagram = sent(&mut codec(receiver(mode)), at(0));
        assert_eq!(datagram.message.len(), if signs { 44 } else { 16 });
        let length = codec(receiver(mode)).format().message_length(2);
        assert_eq!(datagram.message.len(), length);
        // A good signature is good and a wrong one wrong in every mode.
        datagram = sent(&mut codec(signed(hmac())), at(0));
        assert_eq!(refuses(receiver(mode), &datagram), None);
        *datagram.message.last_mut().unwrap() ^= 1;
        let refused = refuses(receiver(mode), &datagram);
        assert_eq!(refused, Some(Refused::AuthenticationFailure));
    }
}

#[test]
fn keys_are_found_by_their_id() {
    let key = |id, octet| (KeyId::new(id).unwrap(), Key::new(&[octet; 32]).unwrap());
    let of = |keys: [(KeyId, Key); 1]| {
        let active = keys[0].0;
        signed(Hmac::new(keys, active).unwrap())
    };
    let by = |id, octet| sent(&mut codec(of([key(id, octet)])), at(0));
    assert_eq!(refuses(signed(hmac()), &by(2, 2)), None);
    assert_eq!(
        refuses(signed(hmac()), &by(2, 1)),
        Some(Refused::AuthenticationFailure)
    );
    assert_eq!(
        refuses(signed(hmac()), &by(3, 1)),
        Some(Refused::AuthenticationKey)
    );
    let id = |id| KeyId::new(id).unwrap();
    let twice = Hmac::new([key(1, 1), key(1, 2)], id(1)).unwrap_err();
    assert_eq!(twice, HmacError::Twice(id(1)));
    let none = Hmac::new([key(1, 1)], id(2)).unwrap_err();
    assert_eq!(none, HmacError::NotThere(id(2)));
}

#[test]
fn a_signature_holds_for_its_sender_and_router() {
    let mut datagram = sent(
        &mut codec(signed(hmac()).checksum(ChecksumPolicy::Message)),
        at(0),
    );
    let other = VirtualRouterId::new(89).unwrap();
    let elsewhere = altered(datagram.clone(), |message| {
        message.truncate(16);
        message[1] = 89;
    });
    let mut moved = datagram.clone();
    moved.message[..16].copy_from_slice(&elsewhere.message);
    let format = Format::builder(Version::V3, Family::V4, other)
        .authentication(Authentication::Hmac(hmac()));
    assert_eq!(
        refuses(format, &moved),
        Some(Refused::AuthenticationFailure)
    );
    datagram.source = ip("10.77.0.9");
    let refused = refuses(signed(hmac()), &datagram);
    assert_eq!(refused, Some(Refused::AuthenticationFailure));
}

#[test]
fn a_type_of_trailer_that_is_not_known() {
    let mut datagram = sent(&mut codec(signed(hmac())), at(0));
    datagram.message[16] = 2;
    assert_eq!(
        refuses(signed(hmac()), &datagram),
        Some(Refused::AuthenticationType)
    );
    assert_eq!(refuses(v3(), &datagram), Some(Refused::Length));
}

#[test]
fn a_window_has_two_sides() {
    let datagram = sent(&mut codec(signed(hmac())), at(100));
    let at_time = |seconds| codec(signed(hmac())).receive(&datagram, at(seconds)).err();
    assert_eq!(at_time(94), Some(Refused::AuthenticationStale));
    assert_eq!(at_time(95), None);
    assert_eq!(at_time(105), None);
    assert_eq!(at_time(106), Some(Refused::AuthenticationStale));
    let window = Window::new(Duration::from_secs(60)).unwrap();
    let wide = hmac().anti_replay(AntiReplay::Window(window));
    assert!(codec(signed(wide)).receive(&datagram, at(160)).is_ok());
    let timeless = hmac().anti_replay(AntiReplay::Monotonic);
    assert!(
        codec(signed(timeless))
            .receive(&datagram, at(90_000))
            .is_ok()
    );
}

#[test]
fn nothing_is_taken_twice_or_after_a_later_one() {
    for replay in [
        AntiReplay::for_interval(Interval::DEFAULT),
        AntiReplay::Monotonic,
    ] {
        let format = || signed(hmac().anti_replay(replay));
        let (mut sender, mut receiver) = (codec(format()), codec(format()));
        let [first, second, third] = [0, 0, 1].map(|time| sent(&mut sender, at(time)));
        assert_ne!(first.message, second.message);
        let mut receive = |datagram| receiver.receive(datagram, at(1)).err();
        assert_eq!(receive(&second), None);
        assert_eq!(receive(&second), Some(Refused::AuthenticationReplay));
        assert_eq!(receive(&first), Some(Refused::AuthenticationReplay));
        assert_eq!(receive(&third), None);
        // Each sender has a mark of its own.
        let other = from(&mut codec(format()), "10.77.0.2", at(0));
        assert_eq!(receive(&other), None);
    }
}

#[test]
fn a_clock_set_back_stops_no_sender() {
    let (mut sender, mut receiver) = (codec(signed(hmac())), codec(signed(hmac())));
    for time in [100, 97, 98, 99] {
        let datagram = sent(&mut sender, at(time));
        assert!(receiver.receive(&datagram, at(100)).is_ok());
    }
    // Far ahead nobody listens, and back at the right time they do.
    let ahead = sent(&mut sender, at(9000));
    assert_eq!(
        receiver.receive(&ahead, at(101)),
        Err(Refused::AuthenticationStale)
    );
    let back = sent(&mut sender, at(102));
    assert!(receiver.receive(&back, at(102)).is_ok());
}

#[test]
fn a_forgery_moves_no_mark_and_pushes_nobody_out() {
    let mut receiver = codec(signed(hmac().mode(Mode::Permissive)));
    let real = sent(&mut codec(signed(hmac())), at(0));
    receiver.receive(&real, at(0)).unwrap();
    let known: Vec<_> = receiver.senders().collect();

    let wrong_key = (KeyId::new(1).unwrap(), Key::new(&[9; 32]).unwrap());
    let wrong = Hmac::new([wrong_key], KeyId::new(1).unwrap()).unwrap();
    let mut forger = codec(signed(wrong).checksum(ChecksumPolicy::Message));
    for number in 1..100 {
        let forged = from(&mut forger, &format!("10.77.0.{number}"), at(4));
        let refused = receiver.receive(&forged, at(4));
        assert_eq!(refused, Err(Refused::AuthenticationFailure));
    }
    assert_eq!(receiver.senders().collect::<Vec<_>>(), known);
    assert_eq!(receiver.accepted(ChecksumForm::Message), 0);

    // Unsigned ones are accepted here, and still the marks of those who sign remain.
    for number in 2..100 {
        let unsigned = from(&mut codec(v3()), &format!("10.77.0.{number}"), at(4));
        receiver.receive(&unsigned, at(4)).unwrap();
    }
    assert_eq!(receiver.senders().count(), 32);
    let replayed = receiver.receive(&real, at(4));
    assert_eq!(replayed, Err(Refused::AuthenticationReplay));
}

#[test]
fn skew_is_told() {
    let mut receiver = codec(signed(hmac()));
    let datagram = sent(&mut codec(signed(hmac())), at(3));
    receiver.receive(&datagram, at(0)).unwrap();
    let skew = receiver.senders().next().unwrap().skew;
    assert_eq!(skew, Some(Duration::from_secs(3)));
}

#[test]
fn no_secret_is_shown() {
    let formats = [signed(hmac()), v2(password("zqzqzq"))];
    for format in formats {
        let mut codec = codec(format);
        sent(&mut codec, at(0));
        let shown = format!("{codec:?} {codec:#?}");
        assert!(shown.contains("(..)"));
        for secret in ["zqzq", "122, 113", "1, 1, 1, 1", "2, 2, 2, 2"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}
