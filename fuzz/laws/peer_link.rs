//! Whoever has no key is never believed, whatever he sends, and makes a node hold and answer little;
//! any body of a message is a message, which can be written and read again, or an error.

use lb_vrrp::link::protocol::{Incarnation, Key, Message, Session};

/// The first octet is the message's type, and odd for a session that was dialled; the second is
/// the length of the pieces in which the rest arrives.
///
/// # Panics
///
/// When the law does not hold; returns whether the rest is a message's body.
pub(crate) fn hold(bytes: &[u8]) -> bool {
    let [kind, piece, rest @ ..] = bytes else {
        return false;
    };
    let key = Key::new("the key of the fuzzer").expect("it is long enough");
    let mut session = match kind % 2 {
        0 => Session::watcher(&key, Incarnation([1; 16]), [2; 32]),
        _ => Session::node(&key, Incarnation([3; 16]), [4; 32]),
    };
    for piece in rest.chunks(usize::from(*piece).max(1)) {
        session.receive(piece);
        match session.poll() {
            Ok(None) => {}
            Ok(Some(received)) => panic!("{received:?} without the key"),
            Err(why) => {
                assert_eq!(session.poll(), Err(why));
                break;
            }
        }
        assert!(session.send(&Message::Goodbye).is_err());
    }
    // Two handshake messages and a refusal at most.
    assert!(session.pending().len() <= 53 + 32 + 2);

    let body = &rest[..rest.len().min(usize::from(u16::MAX))];
    let Ok(Some(message)) = Message::decode(*kind, body) else {
        return false;
    };
    let mut again = Vec::new();
    // Records of later versions are left out, so it never becomes longer.
    message.encode(&mut again).expect("it came in a frame");
    assert!(again.len() <= body.len());
    assert_eq!(Message::decode(*kind, &again), Ok(Some(message)));
    true
}
