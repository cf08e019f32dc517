use proptest::prelude::*;

use super::super::message::tests::messages;
use super::*;

const WATCHER: Incarnation = Incarnation([1; 16]);
const NODE: Incarnation = Incarnation([2; 16]);

fn key(text: &str) -> Key {
    Key::new(text.repeat(4)).unwrap()
}

fn watcher(text: &str) -> Session {
    Session::watcher(&key(text), WATCHER, [3; 32])
}

fn node(text: &str) -> Session {
    Session::node(&key(text), NODE, [4; 32])
}

fn take(from: &mut Session) -> Vec<u8> {
    let bytes = from.pending().to_vec();
    from.sent(bytes.len());
    bytes
}

fn carry(from: &mut Session, to: &mut Session) -> Result<Option<Received>, Rejection> {
    to.receive(&take(from));
    to.poll()
}

/// Two ends after the handshake.
fn open() -> (Session, Session) {
    let (mut watcher, mut node) = (watcher("secret"), node("secret"));
    assert_eq!(carry(&mut watcher, &mut node), Ok(None));
    assert_eq!(carry(&mut node, &mut watcher), Ok(None));
    assert_eq!(
        carry(&mut watcher, &mut node),
        Ok(Some(Received::Established(WATCHER)))
    );
    assert_eq!(
        carry(&mut node, &mut watcher),
        Ok(Some(Received::Established(NODE)))
    );
    (watcher, node)
}

fn message(message: Message) -> Result<Option<Received>, Rejection> {
    Ok(Some(Received::Message(message)))
}

/// One sealed frame for each message.
fn frames(from: &mut Session, messages: &[Message]) -> Vec<Vec<u8>> {
    messages
        .iter()
        .map(|message| {
            from.send(message).unwrap();
            take(from)
        })
        .collect()
}

#[test]
fn both_ends_learn_who_the_other_is_and_talk() {
    let (mut watcher, mut node) = open();
    node.send(&Message::Goodbye).unwrap();
    assert_eq!(carry(&mut node, &mut watcher), message(Message::Goodbye));
    watcher.send(&Message::Ping).unwrap();
    assert_eq!(carry(&mut watcher, &mut node), message(Message::Ping));
    assert_eq!(node.poll(), Ok(None));
}

#[test]
fn nothing_can_be_said_before_the_handshake_is_over() {
    let mut watcher = watcher("secret");
    assert_eq!(watcher.send(&Message::Ping), Err(SendError::NotUp));
}

#[test]
fn the_key_does_not_travel() {
    let (mut watcher, mut node) = (watcher("secret"), node("secret"));
    let mut wire: Vec<u8> = Vec::new();
    for _ in 0..2 {
        let bytes = take(&mut watcher);
        wire.extend(&bytes);
        node.receive(&bytes);
        let _ = node.poll();
        let bytes = take(&mut node);
        wire.extend(&bytes);
        watcher.receive(&bytes);
        let _ = watcher.poll();
    }
    assert_eq!(wire.len(), 53 + 54 + 32 + 33);
    assert!(!wire.windows(6).any(|window| window == b"secret"));
}

#[test]
fn another_key_is_refused_and_both_ends_are_told() {
    let (mut watcher, mut node) = (watcher("secret"), node("terces"));
    assert_eq!(carry(&mut watcher, &mut node), Ok(None));
    assert_eq!(carry(&mut node, &mut watcher), Ok(None));
    assert_eq!(carry(&mut watcher, &mut node), Err(Rejection::Key));
    assert_eq!(carry(&mut node, &mut watcher), Err(Rejection::Key));
    assert_eq!(watcher.poll(), Err(Rejection::Key));
    assert_eq!(Rejection::Key.to_string(), "its key differs");
}

#[test]
fn a_node_that_only_says_that_it_has_the_key_is_refused() {
    let (mut watcher, mut node) = (watcher("secret"), node("secret"));
    carry(&mut watcher, &mut node).unwrap();
    carry(&mut node, &mut watcher).unwrap();
    take(&mut watcher);
    watcher.receive(&[0; 33]);
    assert_eq!(watcher.poll(), Err(Rejection::Key));
}

#[test]
fn a_watcher_gets_its_own_challenge_back_and_refuses() {
    let mut watcher = watcher("secret");
    let hello = take(&mut watcher);
    watcher.receive(&[0]);
    watcher.receive(&hello);
    assert_eq!(watcher.poll(), Err(Rejection::Itself));
    // Nor does it prove anything to a node of another name that sends back its nonce.
    let mut other = hello;
    other[37..].copy_from_slice(&NODE.0);
    let mut watcher = self::watcher("secret");
    take(&mut watcher);
    watcher.receive(&[0]);
    watcher.receive(&other);
    assert_eq!(watcher.poll(), Ok(None));
    let proof = take(&mut watcher);
    watcher.receive(&[0]);
    watcher.receive(&proof);
    assert_eq!(watcher.poll(), Err(Rejection::Key));
}

#[test]
fn a_node_that_is_dialled_by_itself_says_so() {
    let key = key("secret");
    let mut watcher = Session::watcher(&key, NODE, [3; 32]);
    let mut node = Session::node(&key, NODE, [4; 32]);
    assert_eq!(carry(&mut watcher, &mut node), Err(Rejection::Itself));
    assert_eq!(carry(&mut node, &mut watcher), Err(Rejection::Itself));
}

#[test]
fn a_recorded_handshake_is_worth_nothing() {
    let (mut first, mut then) = (watcher("secret"), node("secret"));
    let hello = take(&mut first);
    then.receive(&hello);
    then.poll().unwrap();
    first.receive(&take(&mut then));
    first.poll().unwrap();
    let proof = take(&mut first);
    // The same bytes, but the node's nonce is another one.
    let mut later = Session::node(&key("secret"), NODE, [5; 32]);
    later.receive(&hello);
    later.receive(&proof);
    assert_eq!(later.poll(), Err(Rejection::Key));
}

#[test]
fn another_version_is_named_to_both_ends() {
    let (mut watcher, mut node) = (watcher("secret"), node("secret"));
    let mut hello = take(&mut watcher);
    hello[4] = 9;
    node.receive(&hello[..5]);
    assert_eq!(node.poll(), Err(Rejection::Version(9)));
    assert_eq!(
        carry(&mut node, &mut watcher),
        Err(Rejection::Version(VERSION))
    );
    assert_eq!(
        Rejection::Version(9).to_string(),
        "it speaks version 9 of the peer link's protocol, and this node version 1"
    );
}

#[test]
fn other_protocols_are_known_by_their_first_octet() {
    let mut node = node("secret");
    node.receive(b"G");
    assert_eq!(node.poll(), Err(Rejection::Foreign));
    assert!(node.pending().is_empty());
    let mut watcher = watcher("secret");
    watcher.receive(b"HTTP/1.1 400 Bad Request\r\n");
    assert_eq!(watcher.poll(), Err(Rejection::Foreign));
}

#[test]
fn frames_that_are_repeated_moved_or_left_out_are_refused() {
    let said = [Message::Pong, Message::Pong, Message::Goodbye];
    for order in [&[0, 0][..], &[1, 0], &[2], &[0, 2]] {
        let (mut watcher, mut node) = open();
        let frames = frames(&mut node, &said);
        let mut last = Ok(None);
        for &at in order {
            watcher.receive(&frames[at]);
            last = watcher.poll();
        }
        assert_eq!(last, Err(Rejection::Altered), "{order:?}");
    }
}

#[test]
fn a_frame_of_the_other_direction_or_of_another_connection_is_refused() {
    let (mut watcher, _) = open();
    watcher.send(&Message::Ping).unwrap();
    let own = take(&mut watcher);
    watcher.receive(&own);
    assert_eq!(watcher.poll(), Err(Rejection::Altered));

    let (_, mut node) = open();
    let goodbye = frames(&mut node, &[Message::Goodbye]).remove(0);
    let mut watcher = Session::watcher(&key("secret"), WATCHER, [6; 32]);
    let mut node = self::node("secret");
    carry(&mut watcher, &mut node).unwrap();
    carry(&mut node, &mut watcher).unwrap();
    carry(&mut watcher, &mut node).unwrap();
    carry(&mut node, &mut watcher).unwrap();
    watcher.receive(&goodbye);
    assert_eq!(watcher.poll(), Err(Rejection::Altered));
}

#[test]
fn a_message_of_a_later_version_is_skipped_but_verified() {
    let (mut watcher, mut node) = open();
    let Stage::Open { outgoing, .. } = &mut node.stage else {
        panic!("open");
    };
    let mut unknown = vec![0, 5, 99, 1, 2, 3, 4, 5];
    unknown.extend(outgoing.seal(&unknown.clone()));
    node.send(&Message::Goodbye).unwrap();
    watcher.receive(&unknown);
    assert_eq!(watcher.poll(), Ok(None));
    assert_eq!(carry(&mut node, &mut watcher), message(Message::Goodbye));

    let (mut watcher, _) = open();
    unknown[4] ^= 1;
    watcher.receive(&unknown);
    assert_eq!(watcher.poll(), Err(Rejection::Altered));
}

#[test]
fn what_is_not_read_is_bounded() {
    let (_, mut node) = open();
    let queued = (0..)
        .take_while(|_| node.send(&Message::Pong).is_ok())
        .count();
    assert_eq!(node.send(&Message::Pong), Err(SendError::Full));
    assert!(node.pending().len() <= OUTGOING_LIMIT);
    assert!(queued > 1000);
}

proptest! {
    #[test]
    fn messages_arrive_in_order_however_they_are_cut(
        said in proptest::collection::vec(messages(), 1..6),
        piece in 1usize..64,
    ) {
        let (mut watcher, mut node) = open();
        for message in &said {
            node.send(message).unwrap();
        }
        let mut heard = Vec::new();
        for piece in take(&mut node).chunks(piece) {
            watcher.receive(piece);
            while let Some(received) = watcher.poll().unwrap() {
                heard.push(received);
            }
        }
        let said: Vec<_> = said.into_iter().map(Received::Message).collect();
        prop_assert_eq!(heard, said);
    }

    #[test]
    fn an_altered_octet_never_becomes_a_message(
        said in messages(),
        at: proptest::sample::Index,
        bit in 0u8..8,
    ) {
        let (mut watcher, mut node) = open();
        node.send(&said).unwrap();
        let mut frame = take(&mut node);
        let at = at.index(frame.len());
        frame[at] ^= 1 << bit;
        watcher.receive(&frame);
        // A longer length waits for more, which then is the wrong frame.
        let outcome = match watcher.poll() {
            Ok(None) => {
                watcher.receive(&vec![0; 70_000]);
                watcher.poll()
            }
            outcome => outcome,
        };
        prop_assert_eq!(outcome, Err(Rejection::Altered));
    }

    #[test]
    fn no_altered_handshake_succeeds(step in 0usize..4, at: proptest::sample::Index, bit in 0u8..8) {
        let (mut watcher, mut node) = (watcher("secret"), node("secret"));
        let mut established = 0;
        for now in 0..4 {
            let (from, to) = match now % 2 {
                0 => (&mut watcher, &mut node),
                _ => (&mut node, &mut watcher),
            };
            let mut bytes = take(from);
            if now == step && !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            to.receive(&bytes);
            established += usize::from(matches!(to.poll(), Ok(Some(Received::Established(_)))));
        }
        // The node is content before its last word is altered, the watcher never is.
        prop_assert_eq!(established, usize::from(step == 3));
    }

    #[test]
    fn no_bytes_panic_or_are_believed(pieces: Vec<Vec<u8>>, mut headed: Vec<u8>, dials: bool) {
        let mut session = if dials { watcher("secret") } else { node("secret") };
        headed.splice(0..0, *b"\0LBPL\x01");
        session.receive(&headed[usize::from(!dials)..]);
        for piece in pieces {
            match session.poll() {
                Ok(received) => prop_assert_eq!(received, None),
                Err(_) => return Ok(()),
            }
            session.receive(&piece);
        }
    }
}
