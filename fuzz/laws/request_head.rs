//! Whatever a client sends, no server gets a request that can be read in two ways.
//!
//! The bytes go through this crate's server and proxy to an upstream that reads them with a reader of its
//! own, which knows RFC 9112's grammar and nothing else. The client's side is in memory; the proxy connects
//! to a Unix socket, since it makes its connections itself.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::BytesMut;
use http::Request;
use lb_core::Pool;
use lb_http::{
    Proxy, Server, Upstream,
    proxy::Timeouts,
    server::{Incoming, Settings, Shutdown},
};
use lb_tcp::Address;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
    net::{UnixListener, UnixStream},
    time::timeout,
};
use tower_service::Service as _;

use crate::message::{self, End, Kind, Message};

/// Nothing that is tried here takes longer, but on a machine that does nothing else either.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of some bytes.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The whole requests that the upstream got.
    pub(crate) requests: Vec<Message>,
    /// The statuses that the client got, informational ones left out.
    pub(crate) statuses: Vec<u16>,
}

/// Sends `bytes` as a client would, and closes.
///
/// # Panics
///
/// When the upstream gets what is no request or is one to some and another to others, when the client gets
/// what is no response, and when either of them waits for ever.
pub(crate) async fn hold(bytes: &[u8]) -> Outcome {
    timeout(PATIENCE, run(bytes))
        .await
        .unwrap_or_else(|_| panic!("hangs: {}", bytes.escape_ascii()))
}

async fn run(bytes: &[u8]) -> Outcome {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let path = std::env::temp_dir().join(format!(
        "lb-fuzz-{}-{}.sock",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    ));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("the temporary directory can be written");
    let upstream =
        Upstream::new(Address::Unix(path.clone())).expect("a socket can be connected to");
    let pool = Pool::builder()
        .with(lb_core::Server::new("s", upstream))
        .build(lb_core::policy::RoundRobin::new())
        .expect("one server is a pool");
    let proxy = Proxy::builder(pool)
        .timeouts(Timeouts {
            server: Duration::from_secs(2),
            ..Timeouts::default()
        })
        .build();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut proxy = proxy.clone();
        async move { proxy.call(request).await }
    });
    let server = Server::new(service, Settings::default());
    let (client, far) = duplex(64 << 10);
    let (mut read, mut write) = tokio::io::split(client);
    let end = "127.0.0.1:1000"
        .parse::<std::net::SocketAddr>()
        .expect("an address");
    let shutdown = Shutdown::new();
    let served = server.serve(far, BytesMut::new(), end.into(), end.into(), &shutdown);
    let sent = async {
        // A server that has closed is no error here.
        let _ = write.write_all(bytes).await;
        let _ = write.shutdown().await;
    };
    let received = async {
        let mut received = Vec::new();
        let _ = read.read_to_end(&mut received).await;
        received
    };
    let client = async { tokio::join!(served, sent, received).2 };
    let mut requests = Vec::new();
    let received = tokio::select! {
        received = client => received,
        never = accept(&listener, &mut requests) => match never {},
    };
    let _ = std::fs::remove_file(path);
    let statuses = statuses(&received, &requests);
    Outcome { requests, statuses }
}

/// Takes connections one after the other, as they come from one client.
async fn accept(listener: &UnixListener, requests: &mut Vec<Message>) -> Infallible {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            answer(stream, requests).await;
        }
    }
}

/// Reads requests and answers each, until the connection ends.
async fn answer(mut stream: UnixStream, requests: &mut Vec<Message>) {
    let (mut bytes, mut end) = (Vec::new(), None);
    let mut told = false;
    loop {
        match message::parse(Kind::Request, &bytes, end) {
            Ok(Some((request, used))) => {
                bytes.drain(..used);
                told = false;
                unambiguous(&request);
                let status = if request.method() == "CONNECT" {
                    "501 No"
                } else {
                    "200 OK"
                };
                requests.push(request);
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok");
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
                continue;
            }
            Ok(None) => {}
            // It broke off with the client's request; nothing is made of it.
            Err(_) if end.is_some() => return,
            Err(error) => panic!("the upstream got {error}: {}", bytes.escape_ascii()),
        }
        if end.is_some() {
            return;
        }
        if !told
            && let Ok(Some((head, _))) = message::parse_head(Kind::Request, &bytes)
            && head.has("expect")
        {
            told = true;
            let _ = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
        }
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => end = Some(End::Closed),
            Ok(_) => {}
        }
    }
}

/// What the grammar lets through and a server must not have to decide.
fn unambiguous(request: &Message) {
    let hosts = request.fields.all("host");
    assert!(
        hosts.len() == 1,
        "{} hosts: {}",
        hosts.len(),
        request.show()
    );
    assert!(
        !hosts[0].contains([',', ' ', '\t', '/', '@', '\\']),
        "{}",
        request.show()
    );
    let framings =
        request.fields.all("content-length").len() + request.fields.all("transfer-encoding").len();
    assert!(framings <= 1, "framed twice: {}", request.show());
    let target = request.target();
    assert!(!target.contains('#'), "a fragment: {}", request.show());
    for hop in ["keep-alive", "proxy-connection", "trailer", "te"] {
        let named = request
            .fields
            .list("connection")
            .iter()
            .any(|name| name == hop);
        assert!(
            named || !request.has(hop) || hop == "trailer",
            "{hop}: {}",
            request.show()
        );
    }
}

/// The responses that the client got; the methods are known for those that reached the upstream only.
fn statuses(received: &[u8], requests: &[Message]) -> Vec<u16> {
    let mut statuses = Vec::new();
    let mut rest = received;
    while !rest.is_empty() {
        let head = requests
            .get(statuses.len())
            .is_some_and(|request| request.method() == "HEAD");
        let kind = if head {
            Kind::HeadResponse
        } else {
            Kind::Response
        };
        match message::parse(kind, rest, Some(End::Closed)) {
            Ok(Some((response, used))) => {
                rest = &rest[used..];
                if response.status() >= 200 {
                    statuses.push(response.status());
                }
            }
            // The proxy's own answer to a HEAD has no body.
            Ok(None) | Err(_)
                if message::parse_head(Kind::HeadResponse, rest).is_ok_and(|h| h.is_some()) =>
            {
                statuses.push(0);
                break;
            }
            Ok(None) => break,
            Err(error) => panic!("the client got {error}: {}", rest.escape_ascii()),
        }
    }
    statuses
}
