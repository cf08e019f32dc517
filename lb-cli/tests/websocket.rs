//! WebSockets and other tunnels: once both sides have switched, every byte goes through, both ways,
//! until both have finished.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::{
    message::{End, Message},
    origin::{ok, raw},
    site::{Config, Site, get},
    wire::Wire,
};
use tokio::net::TcpListener;

/// The example of RFC 6455 §1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A frame of RFC 6455 §5.2; clients mask theirs.
fn frame(last: bool, opcode: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![if last { 0x80 } else { 0 } | opcode];
    match payload.len() {
        short @ 0..126 => bytes.push(masked | short as u8),
        middle @ 126..65_536 => {
            bytes.push(masked | 126);
            bytes.extend((middle as u16).to_be_bytes());
        }
        long => {
            bytes.push(masked | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(mask.into_iter().flatten());
    let mask = mask.unwrap_or_default();
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
    bytes
}

/// The opcode and the payload of the next frame.
async fn read_frame(wire: &mut Wire) -> (u8, Vec<u8>) {
    let head = wire.bytes(2).await;
    let length = match head[1] & 0x7f {
        126 => u16::from_be_bytes(wire.bytes(2).await.try_into().unwrap()).into(),
        127 => u64::from_be_bytes(wire.bytes(8).await.try_into().unwrap()),
        short => short.into(),
    };
    let mask = match head[1] & 0x80 {
        0 => vec![0; 4],
        _ => wire.bytes(4).await,
    };
    let payload = wire.bytes(usize::try_from(length).unwrap()).await;
    let payload = payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m);
    (head[0] & 0x0f, payload.collect())
}

fn handshake() -> String {
    let fields = format!(
        "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
    );
    get("/chat", &fields)
}

fn accepted() -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    )
}

async fn scene() -> (Site, TcpListener) {
    let listener = raw();
    let site = Config::new("", "timeout = { server = \"10s\" }")
        .server("s", listener.local_addr().unwrap(), "")
        .start()
        .await;
    (site, listener)
}

/// Both ends of a WebSocket.
async fn open(site: &Site, listener: &TcpListener) -> (Wire, Wire) {
    let mut client = site.send(handshake()).await;
    let mut origin = Wire::accept(listener).await;
    let request = origin.request().await;
    assert_eq!(request.get("upgrade"), Some("websocket"));
    assert!(
        request
            .fields
            .list("connection")
            .contains(&"upgrade".to_owned())
    );
    assert_eq!(request.get("sec-websocket-key"), Some(KEY));
    origin.send(accepted()).await;
    let answer = client.response().await;
    assert_eq!(answer.status(), 101);
    assert_eq!(answer.get("upgrade"), Some("websocket"));
    assert_eq!(answer.get("sec-websocket-accept"), Some(ACCEPT));
    (client, origin)
}

#[tokio::test]
async fn frames_both_ways() {
    let (site, listener) = scene().await;
    let (mut client, mut origin) = open(&site, &listener).await;
    let mask = Some([0x37, 0xfa, 0x21, 0x3d]);
    client.send(frame(true, TEXT, mask, b"Hello")).await;
    assert_eq!(
        read_frame(&mut origin).await,
        (TEXT, b"Hello".to_vec()),
        "as in RFC 6455 §5.7"
    );
    origin.send(frame(true, TEXT, None, b"Hello")).await;
    assert_eq!(read_frame(&mut client).await, (TEXT, b"Hello".to_vec()));
    origin.send(frame(true, PING, None, b"?")).await;
    assert_eq!(read_frame(&mut client).await, (PING, b"?".to_vec()));
    client.send(frame(true, PONG, mask, b"?")).await;
    assert_eq!(read_frame(&mut origin).await, (PONG, b"?".to_vec()));
    // In two fragments, with bytes that look like HTTP.
    client
        .send(frame(false, TEXT, mask, b"GET / HTTP/1.1\r\n"))
        .await;
    client.send(frame(true, 0, mask, b"\r\n")).await;
    assert_eq!(
        read_frame(&mut origin).await,
        (TEXT, b"GET / HTTP/1.1\r\n".to_vec())
    );
    assert_eq!(read_frame(&mut origin).await, (0, b"\r\n".to_vec()));
    // The client closes, the server answers, then TCP is closed (§7.1.1).
    client
        .send(frame(true, CLOSE, mask, &1000u16.to_be_bytes()))
        .await;
    assert_eq!(read_frame(&mut origin).await.0, CLOSE);
    origin
        .send(frame(true, CLOSE, None, &1000u16.to_be_bytes()))
        .await;
    assert_eq!(read_frame(&mut client).await.0, CLOSE);
    drop(origin);
    client.closed().await;
    drop(client);
    let line = site
        .lb
        .logged("the tunnel", |line| line.contains("/chat"))
        .await;
    assert!(line.contains(" http web/s "), "{line}");
    assert!(line.contains(" 101 "), "{line}");
    assert!(line.contains(" ---- "), "{line}");
}

/// Megabytes cross each other; both sides read while they write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_frames_that_cross() {
    let (site, listener) = scene().await;
    let (mut client, mut origin) = open(&site, &listener).await;
    let payload: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let (up, down) = (
        frame(true, BINARY, Some([1, 2, 3, 4]), &payload),
        frame(true, BINARY, None, &payload),
    );
    async fn exchange(wire: &mut Wire, ours: Vec<u8>, theirs: &[u8]) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut read, mut write) = wire.stream.split();
        let mut got = vec![0; theirs.len()];
        let (sent, received) = tokio::join!(write.write_all(&ours), read.read_exact(&mut got));
        sent.unwrap();
        received.unwrap();
        assert!(got == theirs, "the bytes are the same");
    }
    common::within("both frames", async {
        tokio::join!(
            exchange(&mut client, up.clone(), &down),
            exchange(&mut origin, down.clone(), &up)
        )
    })
    .await;
    drop((client, origin));
    let line = site
        .lb
        .logged("the tunnel", |line| line.contains("/chat"))
        .await;
    let bytes: usize = line.split(' ').nth(6).unwrap().parse().unwrap();
    assert!(
        (3_000_000..3_001_000).contains(&bytes),
        "what went to the client, head included: {line}"
    );
}

#[tokio::test]
async fn a_half_that_is_closed_leaves_the_other_open() {
    let (site, listener) = scene().await;
    for client_first in [true, false] {
        let (client, origin) = open(&site, &listener).await;
        let (mut one, mut other) = match client_first {
            true => (client, origin),
            false => (origin, client),
        };
        one.send("last words").await;
        one.finish().await;
        assert_eq!(other.rest().await, (b"last words".to_vec(), End::Closed));
        for n in 0..3 {
            other.send(format!("answer {n}")).await;
            assert_eq!(one.bytes(8).await, format!("answer {n}").as_bytes());
        }
        other.finish().await;
        one.closed().await;
    }
}

#[tokio::test]
async fn bytes_in_the_same_segment_as_the_heads() {
    let (site, listener) = scene().await;
    let mut client = site.send(handshake() + "too early?").await;
    let mut origin = Wire::accept(&listener).await;
    origin.request().await;
    origin.send(accepted() + "at once").await;
    assert_eq!(client.response().await.status(), 101);
    assert_eq!(client.bytes(7).await, b"at once");
    assert_eq!(origin.bytes(10).await, b"too early?");
}

#[tokio::test]
async fn a_tunnel_that_breaks_is_broken_on_both_sides() {
    let (site, listener) = scene().await;
    let (client, mut origin) = open(&site, &listener).await;
    client.reset();
    origin.rest().await;
    let (mut client, origin) = open(&site, &listener).await;
    origin.reset();
    client.rest().await;
    // Its place and its connections are free again.
    let mut client = site.send(get("/next", "")).await;
    let mut origin = Wire::accept(&listener).await;
    origin.request().await;
    origin.send(ok("next")).await;
    assert_eq!(client.response().await.body, b"next");
    let line = site
        .lb
        .logged("the next request", |line| line.contains("/next"))
        .await;
    assert!(line.contains(" 1/1/0/0/0 0/0 "), "{line}");
}

#[tokio::test]
async fn a_server_that_declines() {
    let (site, listener) = scene().await;
    let mut client = site.send(handshake()).await;
    let mut origin = Wire::accept(&listener).await;
    origin.request().await;
    origin
        .send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        .await;
    let answer = client.response().await;
    assert_eq!((answer.status(), &answer.body[..]), (403, &b"no"[..]));
    // The connection is one of HTTP still.
    client.send(get("/again", "")).await;
    assert_eq!(origin.request().await.target(), "/again");
    origin.send(ok("again")).await;
    assert_eq!(client.response().await.body, b"again");
}

async fn connect(site: &Site, listener: &TcpListener) -> (Wire, Wire, Message) {
    let request = "CONNECT db.example:5432 HTTP/1.1\r\nHost: db.example:5432\r\n\r\n";
    let client = site.send(request).await;
    let mut origin = Wire::accept(listener).await;
    let request = origin.request().await;
    (client, origin, request)
}

#[tokio::test]
async fn connect_makes_a_tunnel() {
    let (site, listener) = scene().await;
    let (mut client, mut origin, request) = connect(&site, &listener).await;
    assert_eq!(request.method(), "CONNECT");
    assert_eq!(request.target(), "db.example:5432");
    // Neither length nor coding means anything here (RFC 9110 §9.3.6).
    origin.send("HTTP/1.1 200 Connected\r\n\r\nready").await;
    let head = client.up_to(b"\r\n\r\n").await;
    assert!(head.starts_with(b"HTTP/1.1 200 "), "{head:?}");
    assert_eq!(client.bytes(5).await, b"ready");
    client.send(b"\0\x01\x02").await;
    assert_eq!(origin.bytes(3).await, b"\0\x01\x02");
    client.finish().await;
    origin.closed().await;
    origin.send("bye").await;
    assert_eq!(client.bytes(3).await, b"bye");
    origin.finish().await;
    client.closed().await;
    let line = site
        .lb
        .logged("the tunnel", |line| line.contains("CONNECT"))
        .await;
    assert!(
        line.ends_with("\"CONNECT db.example:5432 HTTP/1.1\""),
        "{line}"
    );
    assert!(line.contains(" 200 "), "{line}");
}

#[tokio::test]
async fn connect_that_is_refused() {
    let (site, listener) = scene().await;
    let (mut client, mut origin, _) = connect(&site, &listener).await;
    origin
        .send("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\ndown")
        .await;
    let answer = client.response().await;
    assert_eq!((answer.status(), &answer.body[..]), (502, &b"down"[..]));
}
