//! What the example `axum` shows, as a browser would see it.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[allow(dead_code, reason = "its main is not run")]
#[path = "../../examples/axum.rs"]
mod example;

mod browser;

use std::{collections::HashSet, net::SocketAddr, time::Duration};

use browser::{Answer, Browser};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(10);

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(example::run(listener));
    address
}

/// Which upstream server greets?
fn server(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn local_routes_are_answered_here() {
    let mut browser = Browser::new(start().await);
    let answer = browser.get("/me").await;
    assert_eq!((answer.status, &*answer.body), (200, "this very process\n"));
    assert_eq!(browser.cookie("SRV"), None, "no server, no session");
}

#[tokio::test]
async fn everything_else_goes_to_the_servers_in_turn() {
    let address = start().await;
    let mut servers = HashSet::new();
    for _ in 0..3 {
        servers.insert(server(&Browser::new(address).get("/").await));
    }
    assert_eq!(servers, ["a", "b", "c"].map(String::from).into());
    let missing = Browser::new(address).get("/nothing/here").await;
    assert_eq!(missing.status, 404, "the server's own answer");
}

#[tokio::test]
async fn servers_learn_the_clients_address() {
    let answer = Browser::new(start().await).get("/").await;
    assert!(answer.body.ends_with("greets 127.0.0.1\n"), "{answer:?}");
}

#[tokio::test]
async fn a_session_stays_on_its_server_and_survives_it() {
    let mut browser = Browser::new(start().await);
    let first = server(&browser.get("/").await);
    assert_eq!(browser.cookie("SRV"), Some(&*first));
    for _ in 0..5 {
        let again = browser.get("/").await;
        assert_eq!(server(&again), first);
        assert_eq!(again.header("set-cookie"), None, "it has its cookie");
    }

    let stopped = browser.post(&format!("/stop/{first}")).await;
    assert_eq!(stopped.status, 204);
    // Not one request fails, not even before a check has found out.
    let moved = browser.get("/").await;
    let second = server(&moved);
    assert_ne!(second, first);
    assert_eq!(browser.cookie("SRV"), Some(&*second), "{moved:?}");
    for _ in 0..5 {
        assert_eq!(server(&browser.get("/").await), second);
    }
}

#[tokio::test]
async fn a_stopped_server_is_found_out() {
    let address = start().await;
    let mut browser = Browser::new(address);
    browser.post("/stop/b").await;
    // The cookie of a server that is DOWN is replaced at once. While the server
    // is not known to be, its last retry comes after two pauses of a second.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let mut bound = Browser::new(address).with_cookie("SRV", "b");
        let asked = tokio::time::Instant::now();
        let served_by = server(&bound.get("/").await);
        assert_ne!(served_by, "b");
        assert_eq!(bound.cookie("SRV"), Some(&*served_by));
        if asked.elapsed() < Duration::from_millis(500) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "never marked DOWN");
    }
}

#[tokio::test]
async fn without_any_server_there_is_a_page() {
    let mut browser = Browser::new(start().await);
    for name in ["a", "b", "c"] {
        browser.post(&format!("/stop/{name}")).await;
    }
    let answer = browser.get("/").await;
    assert_eq!(answer.status, 503);
    assert_eq!(browser.get("/me").await.status, 200, "the app lives on");
}

/// The handshake of RFC 6455 §1.3 and a masked frame of §5.7, byte by byte.
#[tokio::test]
async fn a_websocket_goes_through_axum_and_proxy() {
    let mut socket = TcpStream::connect(start().await).await.unwrap();
    let handshake = "GET /echo HTTP/1.1\r\nHost: server.example.com\r\n\
        Upgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    socket.write_all(handshake.as_bytes()).await.unwrap();
    let head = timeout(PATIENCE, browser::read_head(&mut socket))
        .await
        .unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("\r\nupgrade: websocket\r\n"), "{head}");
    assert!(head.contains("\r\nconnection: upgrade\r\n"), "{head}");

    let hello = [
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    for _ in 0..3 {
        socket.write_all(&hello).await.unwrap();
        let mut echo = [0; 11];
        let read = socket.read_exact(&mut echo);
        timeout(PATIENCE, read).await.unwrap().unwrap();
        assert_eq!(echo, hello);
    }
    socket.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let read = socket.read_to_end(&mut rest);
    timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(rest.is_empty(), "its end comes through, too");
}
