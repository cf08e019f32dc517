//! Peers that behave as only a broken, dying or hostile one does.

use std::net::SocketAddr;

use lb_vrrp::link::protocol::{Incarnation, Key, Message, Received, Session};
use lb_vrrp::link::{LinkEvent, Loss, Proof, Rejection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{KEY, Node, address, up, within};

const FIRST: Incarnation = Incarnation([1; 16]);
const SECOND: Incarnation = Incarnation([2; 16]);

/// A node by hand.
struct Forged {
    stream: TcpStream,
    session: Session,
}

impl Forged {
    async fn accept(listener: &TcpListener, who: Incarnation) -> Self {
        loop {
            let (stream, _) = within(listener.accept()).await.unwrap();
            let session = Session::node(&Key::new(KEY).unwrap(), who, [9; 32]);
            let mut forged = Self { stream, session };
            // One that hung up while it waited to be accepted is not the last.
            if let Some(Received::Established(_)) = forged.received().await {
                forged.flush().await;
                return forged;
            }
        }
    }

    /// `None` when the other end has closed.
    async fn received(&mut self) -> Option<Received> {
        loop {
            if let Some(received) = self.session.poll().unwrap() {
                return Some(received);
            }
            self.flush().await;
            let mut piece = [0; 512];
            match within(self.stream.read(&mut piece)).await {
                Ok(count @ 1..) => self.session.receive(&piece[..count]),
                _ => return None,
            }
        }
    }

    async fn flush(&mut self) {
        // A failure is seen when reading.
        let _ = self.stream.write_all(self.session.pending()).await;
        self.session.sent(self.session.pending().len());
    }

    async fn say(&mut self, message: &Message) {
        self.session.send(message).unwrap();
        self.flush().await;
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let address = address();
    (TcpListener::bind(address).await.unwrap(), address)
}

fn gone(peer: SocketAddr, how: Proof) -> LinkEvent {
    let routers = Vec::new();
    LinkEvent::Gone { peer, how, routers }
}

#[tokio::test]
async fn a_connection_that_closes_is_no_death_if_the_same_process_answers() {
    let (listener, peer) = listen().await;
    let mut node = Node::start(address(), &[peer]);
    let first = Forged::accept(&listener, FIRST).await;
    assert_eq!(node.next().await, up(peer));
    drop(first);
    let mut again = Forged::accept(&listener, FIRST).await;
    // What is heard next is heard on the new connection. A slow machine may call the link lost
    // in between, but nobody gone.
    again.say(&Message::Goodbye).await;
    let next = node.next().await;
    let why = Loss::Closed;
    if next == (LinkEvent::Lost { peer, why }) {
        assert_eq!(node.next().await, up(peer));
        assert_eq!(node.next().await, gone(peer, Proof::Goodbye));
    } else {
        assert_eq!(next, gone(peer, Proof::Goodbye));
    }
}

#[tokio::test]
async fn another_process_at_the_address_proves_the_first_one_dead() {
    let (listener, peer) = listen().await;
    let mut node = Node::start(address(), &[peer]);
    let first = Forged::accept(&listener, FIRST).await;
    node.until(up(peer)).await;
    drop(first);
    let _second = Forged::accept(&listener, SECOND).await;
    node.until(gone(peer, Proof::Replaced)).await;
    assert_eq!(node.next().await, up(peer));
}

/// A dying process: its connection is closed first, then for a moment its listener still takes
/// connections that are reset when it is closed in turn.
#[tokio::test]
async fn a_listener_that_outlives_its_connections_for_a_moment_is_asked_until_it_refuses() {
    let (listener, peer) = listen().await;
    let mut node = Node::start(address(), &[peer]);
    let first = Forged::accept(&listener, FIRST).await;
    assert_eq!(node.next().await, up(peer));
    drop(first);
    for _ in 0..3 {
        let (dying, _) = within(listener.accept()).await.unwrap();
        dying.set_zero_linger().unwrap();
    }
    drop(listener);
    node.until(gone(peer, Proof::Refused)).await;
}

/// What a stopped process looks like: the kernel connects, nobody answers.
#[tokio::test]
async fn a_handshake_that_hangs_proves_nothing() {
    let (listener, peer) = listen().await;
    let mut node = Node::start(address(), &[peer]);
    let first = Forged::accept(&listener, FIRST).await;
    assert_eq!(node.next().await, up(peer));
    drop(first);
    let why = Loss::Closed;
    assert_eq!(node.next().await, LinkEvent::Lost { peer, why });
    // It goes on as soon as it is continued.
    let _again = Forged::accept(&listener, FIRST).await;
    assert_eq!(node.next().await, up(peer));
}

#[tokio::test]
async fn a_goodbye_put_in_by_a_stranger_on_the_way_is_not_believed() {
    let (listener, peer) = listen().await;
    let mut node = Node::start(address(), &[peer]);
    let mut first = Forged::accept(&listener, FIRST).await;
    assert_eq!(node.next().await, up(peer));
    // Length 0, type 5, and a tag that needs the key.
    let mut goodbye = vec![0, 0, 5];
    goodbye.extend([0x5a; 16]);
    first.stream.write_all(&goodbye).await.unwrap();
    let rejected = LinkEvent::Rejected {
        from: peer,
        why: Rejection::Altered,
    };
    assert_eq!(node.next().await, rejected);
    let _again = Forged::accept(&listener, FIRST).await;
    let told = node.rest();
    let is_gone = |event: &LinkEvent| matches!(event, LinkEvent::Gone { .. });
    assert!(!told.iter().any(is_gone), "{told:?}");
}

#[tokio::test]
async fn who_has_not_the_key_learns_nothing_from_a_node() {
    let node = Node::start(address(), &[address()]);
    let mut stream = TcpStream::connect(node.address).await.unwrap();
    let wrong = Key::new("not the key of these tests").unwrap();
    let mut session = Session::watcher(&wrong, FIRST, [7; 32]);
    stream.write_all(session.pending()).await.unwrap();
    session.sent(session.pending().len());
    let mut challenge = [0; 54];
    within(stream.read_exact(&mut challenge)).await.unwrap();
    session.receive(&challenge);
    assert_eq!(session.poll(), Ok(None));
    stream.write_all(session.pending()).await.unwrap();
    // A code and a version, no proof that could be guessed at.
    let mut rest = Vec::new();
    within(stream.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, [2, 1]);
}

/// A watcher by hand, after the handshake.
async fn watch(node: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // Little is on its way at any time.
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(node).await.unwrap();
    let mut session = Session::watcher(&Key::new(KEY).unwrap(), FIRST, [7; 32]);
    let mut piece = [0; 512];
    while !matches!(session.poll().unwrap(), Some(Received::Established(_))) {
        stream.write_all(session.pending()).await.unwrap();
        session.sent(session.pending().len());
        let count = within(stream.read(&mut piece)).await.unwrap();
        session.receive(&piece[..count]);
    }
    stream
}

#[tokio::test]
async fn a_watcher_that_asks_no_more_is_let_go() {
    let node = Node::start(address(), &[address()]);
    let mut stream = watch(node.address).await;
    let mut rest = Vec::new();
    within(stream.read_to_end(&mut rest)).await.unwrap();
}

#[tokio::test]
async fn a_watcher_that_does_not_read_is_disconnected() {
    let node = Node::start(address(), &[address()]);
    let mut stream = watch(node.address).await;
    // Far more than the kernel and the queue hold together: most of it never gets out.
    let ip = node.address.ip();
    for turn in 0..150 {
        let much = vec![crate::support::view(turn, ip).remove(0); 3000];
        node.ask(move |link| link.set_view(much).unwrap()).await;
    }
    let mut left = 0;
    let mut piece = vec![0; 1 << 16];
    while let Ok(count @ 1..) = within(stream.read(&mut piece)).await {
        left += count;
    }
    assert!(left < 150 * 48_000 / 2, "{left}");
}
