use proptest::prelude::*;

use super::*;

pub(crate) fn routers() -> impl Strategy<Value = Vec<RouterView>> {
    let state = prop_oneof![
        Just(RouterState::Initialize),
        Just(RouterState::Backup),
        Just(RouterState::Master),
        Just(RouterState::Fault),
    ];
    let router = (
        1u8..,
        any::<bool>(),
        "[a-zé.0-9]{0,15}",
        any::<Option<IpAddr>>(),
        any::<u8>(),
        state,
    )
        .prop_map(|(id, v4, interface, source, priority, state)| RouterView {
            id: VirtualRouterId::new(id).unwrap(),
            family: if v4 { Family::V4 } else { Family::V6 },
            interface,
            source,
            priority: Priority(priority),
            state,
        });
    proptest::collection::vec(router, 0..8)
}

pub(crate) fn messages() -> impl Strategy<Value = Message> {
    prop_oneof![
        Just(Message::Ping),
        Just(Message::Pong),
        Just(Message::Goodbye),
        routers().prop_map(Message::View),
        (1u8.., any::<bool>()).prop_map(|(id, v4)| Message::TakeOver {
            id: VirtualRouterId::new(id).unwrap(),
            family: if v4 { Family::V4 } else { Family::V6 },
        }),
    ]
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut body = Vec::new();
    message.encode(&mut body).unwrap();
    body
}

fn router() -> RouterView {
    RouterView {
        id: VirtualRouterId::new(51).unwrap(),
        family: Family::V4,
        interface: "eth0".into(),
        source: Some("10.0.0.1".parse().unwrap()),
        priority: Priority(150),
        state: RouterState::Master,
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(message in messages()) {
        let body = encoded(&message);
        prop_assert_eq!(Message::decode(message.kind(), &body), Ok(Some(message)));
    }

    #[test]
    fn no_bytes_panic(kind in 0u8..8, body: Vec<u8>) {
        let _ = Message::decode(kind, &body);
    }

    #[test]
    fn a_body_that_is_cut_is_malformed(message in messages()) {
        let body = encoded(&message);
        for end in 0..body.len() {
            prop_assert_eq!(Message::decode(message.kind(), &body[..end]), Err(Malformed));
        }
    }
}

#[test]
fn the_bytes_are_these() {
    assert_eq!(
        encoded(&Message::View(vec![router()])),
        b"\x00\x01\x00\x0e\x33\x04\x96\x02\x04\x0a\x00\x00\x01\x04eth0"
    );
    let take_over = Message::TakeOver {
        id: VirtualRouterId::new(51).unwrap(),
        family: Family::V6,
    };
    assert_eq!(encoded(&take_over), b"\x33\x06");
    let kinds = [
        Message::Ping,
        Message::Pong,
        Message::View(Vec::new()),
        take_over,
        Message::Goodbye,
    ]
    .map(|message| message.kind());
    assert_eq!(kinds, [1, 2, 3, 4, 5]);
}

#[test]
fn what_a_later_version_adds_is_skipped() {
    assert_eq!(Message::decode(200, b"anything"), Ok(None));
    assert_eq!(Message::decode(5, b"why"), Ok(Some(Message::Goodbye)));
    // A record with a field more, one with a state and one with a family that is not known.
    let body = b"\x00\x04\
        \x00\x0f\x33\x04\x96\x02\x04\x0a\x00\x00\x01\x04eth0+\
        \x00\x06\x33\x04\x96\x09\x00\x00\
        \x00\x06\x33\x05\x96\x02\x00\x00\
        \x00\x0e\x33\x04\x96\x02\x04\x0a\x00\x00\x01\x04eth0";
    assert_eq!(
        Message::decode(3, body),
        Ok(Some(Message::View(vec![router(), router()])))
    );
}

#[test]
fn what_no_frame_holds_is_an_error() {
    let mut out = Vec::new();
    let long_name = RouterView {
        interface: "x".repeat(256),
        ..router()
    };
    assert_eq!(
        Message::View(vec![long_name]).encode(&mut out),
        Err(TooLong)
    );
    let many = Message::View(vec![router(); 4096]);
    assert_eq!(many.encode(&mut Vec::new()), Err(TooLong));
    assert_eq!(
        Message::View(vec![router(); 4095]).encode(&mut Vec::new()),
        Ok(())
    );
}
