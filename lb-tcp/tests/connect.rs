//! Connections to real sockets.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use lb_tcp::{Acceptor, Address, Connector, Listen, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

fn listening() -> (Acceptor, Address) {
    let listener = Listen::new("127.0.0.1:0".parse().unwrap()).bind().unwrap();
    let address = listener.local().inet().unwrap().into();
    (listener.into_tokio().unwrap(), address)
}

async fn pair() -> (Stream, Stream) {
    let (acceptor, address) = listening();
    let client = Connector::new().connect(&address).await.unwrap();
    let (server, _) = acceptor.accept().await.unwrap();
    (client, server)
}

#[tokio::test]
async fn bytes_travel_both_ways_and_small_writes_are_not_delayed() {
    let (mut client, mut server) = pair().await;
    let Stream::Tcp(tcp) = &client else {
        panic!("{client:?}")
    };
    assert!(tcp.nodelay().unwrap());

    client.write_all(b"hello").await.unwrap();
    client.shutdown().await.unwrap();
    let mut received = String::new();
    server.read_to_string(&mut received).await.unwrap();
    assert_eq!(received, "hello");

    // Head and body in one system call and, as a rule, in one segment.
    let parts = [IoSlice::new(b"head "), IoSlice::new(b"body")];
    assert_eq!(server.write_vectored(&parts).await.unwrap(), 9);
    drop(server);
    received.clear();
    client.read_to_string(&mut received).await.unwrap();
    assert_eq!(received, "head body");
}

#[tokio::test]
async fn an_idle_connection_shows_when_its_peer_closes() {
    let (client, server) = pair().await;
    let mut byte = [0];
    let error = client.try_read(&mut byte).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);

    drop(server);
    let closed = poll_fn(|cx| client.poll_read_ready(cx));
    timeout(Duration::from_secs(5), closed)
        .await
        .expect("the close is noticed")
        .unwrap();
    assert_eq!(client.try_read(&mut byte).unwrap(), 0);
}

#[tokio::test]
async fn nobody_listening_is_refused() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::from(gone.local_addr().unwrap());
    drop(gone);
    let error = Connector::new().connect(&address).await.unwrap_err();
    assert!(error.is_refused() && !error.is_timeout() && !error.is_local());
    assert_eq!(
        io::Error::from(error).kind(),
        io::ErrorKind::ConnectionRefused
    );
}

#[tokio::test]
async fn the_source_address_is_the_servers_peer() {
    let (acceptor, address) = listening();
    let ip = Ipv4Addr::new(127, 0, 0, 2);
    let connector = Connector::new().source((ip, 0).into()).interface("lo");
    let client = connector.connect(&address).await.unwrap();
    let (_server, peer) = acceptor.accept().await.unwrap();
    assert_eq!(peer.ip(), Some(ip.into()));
    assert_eq!(client.local().unwrap(), peer);
}

/// A firewall rule may name the source port, and there may be two servers behind it.
#[tokio::test]
async fn one_source_port_serves_two_servers() {
    let free = TcpListener::bind("127.0.0.3:0").unwrap();
    let source = free.local_addr().unwrap();
    drop(free);
    let connector = Connector::new().source(source);
    let servers = [listening(), listening()];
    let mut clients = Vec::new();
    for (acceptor, address) in &servers {
        clients.push(connector.connect(address).await.unwrap());
        assert_eq!(acceptor.accept().await.unwrap().1.inet(), Some(source));
    }
}

#[tokio::test]
async fn a_foreign_source_is_not_the_servers_fault() {
    let (_acceptor, address) = listening();
    let connector = Connector::new().source("192.0.2.1:0".parse().unwrap());
    assert!(connector.connect(&address).await.unwrap_err().is_local());
}

#[tokio::test]
async fn what_is_no_destination_is_an_error() {
    for address in ["web.example:80", "*:80", "fd@3"] {
        let address: Address = address.parse().unwrap();
        let error = Connector::new().connect(&address).await.unwrap_err();
        assert_eq!(error.io_error().kind(), io::ErrorKind::InvalidInput);
        assert!(error.is_local());
    }
}

/// Completes when the handshake has, and not when it has begun.
#[tokio::test]
async fn a_server_that_does_not_answer_leaves_the_future_pending() {
    let listen = Listen::new("127.0.0.1:0".parse().unwrap()).backlog(0);
    let listener = listen.bind().unwrap();
    let address = listener.local().inet().unwrap().into();
    let mut clients = Vec::new();
    loop {
        // Loopback answers at once or, once the queue is full, only to the retry after a second.
        let connecting = Connector::new().connect(&address);
        match timeout(Duration::from_millis(300), connecting).await {
            Ok(client) => clients.push(client.unwrap()),
            Err(_elapsed) => break,
        }
        assert!(clients.len() < 10, "the backlog has no limit");
    }
}
