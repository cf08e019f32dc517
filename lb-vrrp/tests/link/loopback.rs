//! Links in one process.

use std::error::Error;
use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use lb_vrrp::link::{
    LinkEvent, PeerLink, PeerState, Proof, Rejection, RouterView, SendError, next_in_line,
};
use lb_vrrp::{Family, Priority};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{KEY, Node, address, id, open, up, view, within};

fn told(peer: SocketAddr, routers: Vec<RouterView>) -> LinkEvent {
    LinkEvent::View { peer, routers }
}

fn gone(peer: SocketAddr, how: Proof, routers: Vec<RouterView>) -> LinkEvent {
    LinkEvent::Gone { peer, how, routers }
}

async fn pair() -> (Node, Node) {
    let (a, b) = (address(), address());
    let mut nodes = (Node::start(a, &[b]), Node::start(b, &[a]));
    nodes.0.until(up(b)).await;
    nodes.1.until(up(a)).await;
    nodes
}

#[tokio::test]
async fn views_are_exchanged_at_the_start_and_on_every_change() {
    let (a, b) = (address(), address());
    let mut link = open(a, &[b], KEY);
    link.set_view(view(150, a.ip())).unwrap();
    let a = Node::run(a, link);
    let mut b = Node::start(b, &[a.address]);
    assert_eq!(b.next().await, up(a.address));
    let ip = a.address.ip();
    assert_eq!(b.next().await, told(a.address, view(150, ip)));
    a.apply(move |link| link.set_view(view(90, ip)).unwrap());
    assert_eq!(b.next().await, told(a.address, view(90, ip)));
    // The same again is not worth a word; what follows is the next thing heard.
    a.apply(move |link| link.set_view(view(90, ip)).unwrap());
    a.apply(|link| link.set_view(Vec::new()).unwrap());
    assert_eq!(b.next().await, told(a.address, Vec::new()));
}

#[tokio::test]
async fn a_view_that_no_message_holds_leaves_the_old_one() {
    let (a, mut b) = pair().await;
    let ip = a.address.ip();
    let outcome = a
        .ask(move |link| {
            let old = link.set_view(view(150, ip));
            let too_long = vec![view(1, ip).remove(0); 5000];
            (old.is_ok(), link.set_view(too_long).is_err())
        })
        .await;
    assert_eq!(outcome, (true, true));
    b.until(told(a.address, view(150, ip))).await;
}

#[tokio::test]
async fn a_planned_handover_reaches_the_successor() {
    let (a, mut b) = pair().await;
    let to = b.address;
    let outcome = a
        .ask(move |link| link.take_over(to, id(), Family::V4))
        .await;
    assert_eq!(outcome, Ok(()));
    let expected = LinkEvent::TakeOver {
        peer: a.address,
        id: id(),
        family: Family::V4,
    };
    assert_eq!(b.next().await, expected);
    let nobody = address();
    let outcome = a
        .ask(move |link| link.take_over(nobody, id(), Family::V4))
        .await;
    assert_eq!(outcome, Err(SendError::NotUp));
}

#[tokio::test]
async fn a_clean_end_is_a_goodbye_with_the_last_view() {
    let (a, mut b) = pair().await;
    let ip = a.address.ip();
    a.apply(move |link| link.set_view(view(150, ip)).unwrap());
    b.until(told(a.address, view(150, ip))).await;
    let address = a.address;
    a.stop().await.close();
    assert_eq!(b.next().await, gone(address, Proof::Goodbye, view(150, ip)));
    // And a new one at the same address is a new life.
    let a = Node::start(address, &[b.address]);
    assert_eq!(b.next().await, up(a.address));
}

#[tokio::test]
async fn closed_sockets_without_a_goodbye_are_a_dead_process() {
    let (a, mut b) = pair().await;
    let address = a.address;
    drop(a.stop().await);
    b.until(gone(address, Proof::Refused, Vec::new())).await;
    let state = b.ask(|link| link.peers().next()).await;
    assert_eq!(state, Some((address, PeerState::Absent)));
}

#[tokio::test]
async fn of_three_nodes_the_survivors_agree_on_the_successor() {
    let addresses = [address(), address(), address()];
    let mut nodes: Vec<_> = (0..3)
        .map(|own| {
            let mut peers = addresses.to_vec();
            let bind = peers.remove(own);
            let mut link = open(bind, &peers, KEY);
            let priority = [200, 100, 100][own];
            link.set_view(view(priority, bind.ip())).unwrap();
            Node::run(bind, link)
        })
        .collect();
    for node in &mut nodes {
        let all_known = |link: &mut PeerLink| {
            let known = link.views().filter(|(_, routers)| !routers.is_empty());
            known.count() == 2
        };
        while !node.ask(all_known).await {
            node.next().await;
        }
    }
    drop(nodes.remove(0).stop().await);
    let mut next = Vec::new();
    for node in &mut nodes {
        let last = view(200, addresses[0].ip());
        node.until(gone(addresses[0], Proof::Refused, last)).await;
        let own = (Priority(100), node.address.ip());
        let turn = move |link: &mut PeerLink| {
            next_in_line(id(), Family::V4, own, link.views().map(|(_, view)| view))
        };
        next.push(node.ask(turn).await);
    }
    // Equal priorities: the higher address.
    assert_eq!(next, [false, true]);
}

#[tokio::test]
async fn another_key_is_told_once_and_counted_each_time() {
    let (a, b) = (address(), address());
    let mut a = Node::run(a, open(a, &[b], KEY));
    let b = Node::run(b, open(b, &[a.address], "some other key altogether"));
    let LinkEvent::Rejected { from, why } = a.next().await else {
        panic!("something else");
    };
    assert_eq!((from.ip(), why), (b.address.ip(), Rejection::Key));
    within(async { while a.ask(|link| link.rejections()).await < 5 {} }).await;
    assert_eq!(a.rest(), []);
    let peer = b.address;
    let failure = a.ask(move |link| link.failure(peer).is_some()).await;
    assert!(!failure, "it is there, and not accepted");
    // When the key is mended the link comes up, and the next mistake is told again.
    drop(b.stop().await);
    let b = Node::start(peer, &[a.address]);
    assert_eq!(a.next().await, up(peer));
    drop(b.stop().await);
    a.until(gone(peer, Proof::Refused, Vec::new())).await;
    let _b = Node::run(peer, open(peer, &[a.address], "some other key altogether"));
    let again = a.next().await;
    assert!(matches!(
        again,
        LinkEvent::Rejected {
            why: Rejection::Key,
            ..
        }
    ));
}

#[tokio::test]
async fn why_a_peer_was_never_there_can_be_asked() {
    let peer = address();
    let a = Node::start(address(), &[peer]);
    let refused = move |link: &mut PeerLink| {
        let kind = link.failure(peer).map(|error| error.kind());
        kind == Some(ErrorKind::ConnectionRefused)
    };
    within(async { while !a.ask(refused).await {} }).await;
    let mut b = Node::start(peer, &[a.address]);
    b.until(up(a.address)).await;
    within(async { while a.ask(refused).await {} }).await;
}

#[tokio::test]
async fn two_addresses_of_one_process_are_one_peer() {
    let (a, b) = (address(), address());
    let everywhere = SocketAddr::new([0, 0, 0, 0].into(), b.port() + 300);
    let first = SocketAddr::new(b.ip(), everywhere.port());
    let second = SocketAddr::new(address().ip(), everywhere.port());
    let mut a = Node::run(a, open(a, &[first, second], KEY));
    let _b = Node::run(everywhere, open(everywhere, &[a.address], KEY));
    let mut seen = [a.next().await, a.next().await];
    seen.sort_by_key(|event| matches!(event, LinkEvent::Rejected { .. }));
    let [LinkEvent::Up { peer }, LinkEvent::Rejected { from, why }] = seen else {
        panic!("{seen:?}");
    };
    assert_eq!(why, Rejection::Twice(peer));
    assert!([first, second].contains(&from) && from != peer);
}

#[tokio::test]
async fn an_address_that_leads_back_here_is_named() {
    let a = address();
    let everywhere = SocketAddr::new([0, 0, 0, 0].into(), a.port() + 301);
    let back = SocketAddr::new(a.ip(), everywhere.port());
    let mut a = Node::run(everywhere, open(everywhere, &[back], KEY));
    let LinkEvent::Rejected { why, .. } = a.next().await else {
        panic!("something else");
    };
    assert_eq!(why, Rejection::Itself);
}

#[tokio::test]
async fn an_address_nobody_has_is_an_error_that_names_it() {
    let builder = PeerLink::builder().peer(address()).key(KEY);
    let nobodys = "192.0.2.77:5405".parse().unwrap();
    let error = builder
        .clone()
        .bind(nobodys)
        .build()
        .unwrap()
        .open()
        .err()
        .expect("192.0.2.0/24 is for documentation");
    assert_eq!(
        error.to_string(),
        "cannot listen for peers on 192.0.2.77:5405"
    );
    let source = error.source().unwrap().to_string();
    assert!(source.contains("Cannot assign"), "{source}");

    let taken = address();
    let _link = open(taken, &[address()], KEY);
    let error = builder.bind(taken).build().unwrap().open().err().unwrap();
    assert_eq!(error.address, taken);
}

/// Strangers who connect and say nothing, and others who say much, while a peer comes and stays.
#[tokio::test]
async fn a_flood_of_strangers_neither_breaks_a_link_nor_keeps_a_peer_out() {
    let (a, b) = (address(), address());
    let mut a = Node::start(a, &[b]);
    let target = a.address;
    let flood = tokio::spawn(async move {
        let mut open = std::collections::VecDeque::new();
        let noise = vec![b'x'; 100_000];
        for number in 0.. {
            if let Ok(mut stream) = TcpStream::connect(target).await {
                if number % 2 == 0 {
                    let _ = stream.try_write(&noise);
                    let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
                }
                open.push_back(stream);
            }
            if open.len() > 50 {
                open.pop_front();
            }
        }
    });
    within(async { while a.ask(|link| link.rejections()).await < 100 {} }).await;
    let mut b = Node::start(b, &[target]);
    a.until(up(b.address)).await;
    b.until(up(target)).await;
    let before = a.ask(|link| link.rejections()).await;
    within(async { while a.ask(|link| link.rejections()).await < before + 300 {} }).await;
    // Still the same connection: a handover gets through, and nothing was lost meanwhile.
    let ip = target.ip();
    a.apply(move |link| link.set_view(view(7, ip)).unwrap());
    assert_eq!(b.next().await, told(target, view(7, ip)));
    flood.abort();
    let rejected = |event: &LinkEvent| matches!(event, LinkEvent::Rejected { .. });
    assert!(a.rest().iter().all(rejected));
}

#[tokio::test]
async fn of_too_many_silent_strangers_the_first_gives_way() {
    let mut a = Node::start(address(), &[address()]);
    let mut strangers = Vec::new();
    for _ in 0..17 {
        strangers.push(TcpStream::connect(a.address).await.unwrap());
    }
    let from = strangers[0].local_addr().unwrap();
    let why = Rejection::Crowded;
    assert_eq!(a.next().await, LinkEvent::Rejected { from, why });
    let count = within(strangers[0].read(&mut [0; 1])).await;
    assert_eq!(count.unwrap(), 0);
}

#[tokio::test]
async fn nodes_speak_over_ipv6_too() {
    let port = 10_000 + u16::try_from(std::process::id() % 10_000).unwrap() * 2;
    let at = |port| SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port);
    let (a, b) = (at(port), at(port + 1));
    let (a, mut b) = (Node::start(a, &[b]), Node::start(b, &[a]));
    assert_eq!(b.next().await, up(a.address));
    let address = a.address;
    drop(a.stop().await);
    b.until(gone(address, Proof::Refused, Vec::new())).await;
}

#[tokio::test]
async fn a_stranger_who_says_nothing_is_shown_out() {
    let mut a = Node::start(address(), &[address()]);
    let mut stranger = TcpStream::connect(a.address).await.unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(within(stranger.read(&mut [0; 1])).await.unwrap(), 0);
    assert!(began.elapsed() >= Duration::from_secs(4));
    let from = stranger.local_addr().unwrap();
    let why = Rejection::Slow;
    assert_eq!(a.next().await, LinkEvent::Rejected { from, why });
}

#[tokio::test]
async fn a_check_of_the_port_is_not_worth_a_word() {
    let mut a = Node::start(address(), &[address()]);
    drop(TcpStream::connect(a.address).await.unwrap());
    let mut stranger = TcpStream::connect(a.address).await.unwrap();
    stranger.write_all(b"GET /").await.unwrap();
    // The first thing told is of the second stranger.
    let from = stranger.local_addr().unwrap();
    let why = Rejection::Foreign;
    assert_eq!(a.next().await, LinkEvent::Rejected { from, why });
}
