//! Listeners on real sockets, on ports that the kernel chooses.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use lb_tcp::{Acceptor, Address, Endpoint, Listen, Stream};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::time::timeout;

const LOOPBACK: Address = Address::Inet(SocketAddr::new(
    std::net::IpAddr::V4(Ipv4Addr::LOCALHOST),
    0,
));

fn workers(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

#[tokio::test]
async fn accepted_connections_know_both_ends_and_send_at_once() {
    let acceptor = Listen::new(LOOPBACK).bind().unwrap().into_tokio().unwrap();
    let address = acceptor.local().inet().unwrap();
    let client = TcpStream::connect(address).unwrap();

    let (stream, peer) = acceptor.accept().await.unwrap();
    assert_eq!(peer, Endpoint::Inet(client.local_addr().unwrap()));
    assert_eq!(stream.peer().unwrap(), peer);
    assert_eq!(stream.local().unwrap(), Endpoint::Inet(address));
    let Stream::Tcp(stream) = stream else {
        panic!("{stream:?}")
    };
    assert!(stream.nodelay().unwrap(), "inherited from the listener");
}

#[tokio::test]
async fn nodelay_can_be_left_off_and_mss_is_announced() {
    let listen = Listen::new(LOOPBACK).nodelay(false).mss(600);
    let acceptor = listen.bind().unwrap().into_tokio().unwrap();
    let client = TcpStream::connect(acceptor.local().inet().unwrap()).unwrap();
    let (stream, _) = acceptor.accept().await.unwrap();
    let Stream::Tcp(stream) = stream else {
        panic!("{stream:?}")
    };
    assert!(!stream.nodelay().unwrap());
    let mss = SockRef::from(&client).tcp_mss().unwrap();
    assert!(mss <= 600, "the client may send {mss} bytes in a segment");
}

#[test]
fn an_address_in_use_is_named() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let error = Listen::new(address.into()).bind().unwrap_err();
    assert!(error.is_in_use());
    assert_eq!(error.to_string(), format!("{address}: address in use"));
    assert_eq!(error.address(), &Address::Inet(address));
}

/// A second `lb` by mistake must fail, and not take half of the connections of the first.
#[test]
fn a_port_that_another_process_would_share_is_in_use() {
    let other = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    other.set_reuse_address(true).unwrap();
    other.set_reuse_port(true).unwrap();
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    other.bind(&any_port.into()).unwrap();
    other.listen(1).unwrap();
    let address = other.local_addr().unwrap().as_socket().unwrap();

    let listen = Listen::new(address.into());
    assert!(listen.bind().unwrap_err().is_in_use());
    assert!(listen.bind_each(workers(2)).unwrap_err().is_in_use());

    let sharing = listen.reuse_port(true);
    assert_eq!(sharing.bind_each(workers(2)).unwrap().len(), 2);
    sharing.bind().expect("sharing was asked for");
}

#[test]
fn a_port_can_be_bound_again_at_once_after_its_connections_closed() {
    let first = Listen::new(LOOPBACK).bind().unwrap();
    let address = first.local().inet().unwrap();
    let client = TcpStream::connect(address).unwrap();
    let accepted = SockRef::from(&first).accept().unwrap();
    // The side that closes first is the one that waits in TIME_WAIT.
    drop((accepted, first, client));
    Listen::new(address.into()).bind().unwrap();
}

#[tokio::test]
async fn each_worker_has_its_own_queue_on_the_same_port() {
    for address in [LOOPBACK, Address::Any { port: 0 }] {
        let listeners = Listen::new(address).bind_each(workers(3)).unwrap();
        let ports: HashSet<_> = listeners.iter().map(|l| l.local().port()).collect();
        assert_eq!(ports.len(), 1, "{listeners:?}");
        let port = ports.into_iter().next().flatten().unwrap();
        let acceptors: Vec<_> = listeners
            .into_iter()
            .map(|listener| listener.into_tokio().unwrap())
            .collect();

        let clients: Vec<_> = (0..96)
            .map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap())
            .collect();
        let mut accepted = vec![0; acceptors.len()];
        let all = async {
            while accepted.iter().sum::<usize>() < clients.len() {
                for (acceptor, count) in acceptors.iter().zip(&mut accepted) {
                    *count += drain(acceptor).await;
                }
            }
        };
        let deadline = Duration::from_secs(10);
        timeout(deadline, all).await.expect("all are accepted");
        assert!(accepted.iter().all(|&n| n > 0), "spread: {accepted:?}");
    }
}

/// Accepts what waits now, after the runtime has looked at its sockets once.
async fn drain(acceptor: &Acceptor) -> usize {
    tokio::task::yield_now().await;
    let mut cx = Context::from_waker(Waker::noop());
    let mut count = 0;
    while let Poll::Ready(result) = acceptor.poll_accept(&mut cx) {
        result.unwrap();
        count += 1;
    }
    count
}

#[tokio::test]
async fn any_takes_both_families_and_shows_ipv4_clients_as_ipv4() {
    let listener = Listen::new(Address::Any { port: 0 }).bind().unwrap();
    let port = listener.local().port().unwrap();
    let acceptor = listener.into_tokio().unwrap();
    for ip in [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
        let client = TcpStream::connect(SocketAddr::new(ip, port)).unwrap();
        let (stream, peer) = acceptor.accept().await.unwrap();
        assert_eq!(peer.inet(), client.local_addr().ok());
        assert_eq!(stream.local().unwrap().inet(), client.peer_addr().ok());
    }
}

#[test]
fn ipv6_only_leaves_ipv4_alone() {
    // Held first: a port that is merely free may be another test's in the next moment.
    let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = held.local_addr().unwrap().port();
    let listen = Listen::new(Address::Any { port }).only_v6(true);
    let _listener = listen.bind().expect("IPv4 is another's");
    TcpStream::connect((Ipv6Addr::LOCALHOST, port)).unwrap();
    let taken = Listen::new(Address::Any { port }).only_v6(false).bind();
    taken.expect_err("both families are asked for, and both are in use");

    let both = Listen::new("[::]:0".parse().unwrap()).only_v6(false);
    let port = both.bind().unwrap();
    TcpStream::connect((Ipv4Addr::LOCALHOST, port.local().port().unwrap())).unwrap();
}

#[test]
fn what_cannot_be_listened_on_says_why() {
    let message = |listen: Listen| listen.bind().unwrap_err().to_string();
    let name: Address = "web.example:80".parse().unwrap();
    assert_eq!(
        message(Listen::new(name)),
        "web.example:80: a name cannot be listened on, only an address"
    );
    assert_eq!(
        message(Listen::new("192.0.2.1:80".parse().unwrap())),
        "192.0.2.1:80: not an address of this host"
    );
    assert_eq!(
        message(Listen::new(LOOPBACK).interface("no-such-if")),
        "127.0.0.1:0: cannot set interface"
    );
}

#[test]
fn an_address_that_comes_later_can_be_bound_before() {
    for address in ["192.0.2.1:80", "[2001:db8::1]:80"] {
        let address: Address = address.parse().unwrap();
        Listen::new(address.clone()).bind().unwrap_err();
        let listener = Listen::new(address.clone()).free_bind(true).bind();
        assert_eq!(listener.unwrap().local().inet(), address.inet());
    }
}

#[tokio::test]
async fn an_inherited_socket_is_adopted_by_its_number() {
    let inherited = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Fd(inherited.as_raw_fd());
    let listeners = Listen::new(address).bind_each(workers(2)).unwrap();
    let client = TcpStream::connect(inherited.local_addr().unwrap()).unwrap();
    for listener in &listeners {
        assert_eq!(listener.local().inet(), inherited.local_addr().ok());
    }
    let acceptor = listeners.into_iter().last().unwrap().into_tokio().unwrap();
    let (stream, peer) = acceptor.accept().await.unwrap();
    assert_eq!(peer.inet(), client.local_addr().ok());
    let Stream::Tcp(stream) = stream else {
        panic!("{stream:?}")
    };
    assert!(stream.nodelay().unwrap());
}

#[test]
fn a_number_that_is_no_listening_socket_is_an_error() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    for fd in [udp.as_raw_fd(), connected.as_raw_fd(), file.as_raw_fd()] {
        let error = Listen::new(Address::Fd(fd)).bind().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("fd@{fd}: not a listening stream socket")
        );
    }
    Listen::new(Address::Fd(i32::MAX)).bind().unwrap_err();
}

#[tokio::test]
async fn a_listener_that_is_paused_refuses_and_takes_connections_again() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let listener = Listen::new(Address::Inet(address)).bind().unwrap();
    let acceptor = listener.into_tokio().unwrap();
    for _ in 0..3 {
        acceptor.pause().unwrap();
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        acceptor.resume(16).unwrap();
        let client = TcpStream::connect(address).unwrap();
        let accepted = timeout(Duration::from_secs(10), acceptor.accept()).await;
        let (_, peer) = accepted.unwrap().unwrap();
        assert_eq!(peer, Endpoint::from(client.local_addr().unwrap()));
    }
}
