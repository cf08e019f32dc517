//! What is too large, and what is too many.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{
    address,
    message::Message,
    origin::{Origin, ok, raw},
    process::Process,
    site::{Config, get, post},
    wire::Wire,
};
use tokio::{net::TcpListener, time::timeout};

#[tokio::test]
async fn sizes_of_a_request() {
    let origin = Origin::named("s").await;
    let limits = "limits = { header_bytes = \"8KiB\", headers = 10, uri_bytes = \"1KiB\", body_bytes = \"100B\" }";
    let site = Config::new(&limits.replace("100B", "1KiB"), "")
        .server("s", origin.address(), "")
        .start()
        .await;
    let long = |n| "x".repeat(n);
    let fields = |n| "A: b\r\n".repeat(n);
    for (request, status) in [
        // The target has a slash before it, the fields have Host beside them.
        (get(&format!("/{}", long(1023)), ""), 200),
        (get(&format!("/{}", long(1024)), ""), 414),
        (get("/", &fields(9)), 200),
        (get("/", &fields(10)), 431),
        (get("/", &format!("A: {}\r\n", long(8000))), 200),
        (get("/", &format!("A: {}\r\n", long(8200))), 431),
        (post("/", 1024, &long(1024)), 200),
        (post("/", 1025, &long(1025)), 413),
        (chunked(1024), 200),
        (chunked(1025), 413),
    ] {
        let mut client = site.send(&request).await;
        let answer = client.response().await;
        let shown = request.get(..60).unwrap_or(&request);
        assert_eq!(answer.status(), status, "{shown:?} of {}", request.len());
    }
    assert_eq!(site.who("/").await, "s", "and all others still work");
}

fn chunked(length: usize) -> String {
    let body = "x".repeat(length);
    format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
    )
}

#[tokio::test]
async fn error_files() {
    let pages = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pages");
    let site = Config::new(
        &format!("errorfile = {{ 400 = \"{pages}/400.http\" }}"),
        &format!("errorfile = {{ 503 = \"{pages}/503.http\" }}"),
    )
    .start()
    .await;
    for (request, file) in [
        ("GET / HTTP/1.1\r\nbad name: x\r\n\r\n".to_owned(), "400"),
        (get("/", ""), "503"),
    ] {
        let answer = site.send(request).await.response().await;
        let file = std::fs::read_to_string(format!("{pages}/{file}.http")).unwrap();
        let (head, body) = file.replace("\r\n", "\n").split_once("\n\n").map_or_else(
            || panic!("{file} has no body"),
            |(head, body)| (head.to_owned(), body.to_owned()),
        );
        assert!(head.contains(&answer.start[1]), "{}", answer.show());
        let ours = String::from_utf8(answer.body.clone()).unwrap();
        assert_eq!(ours.replace("\r\n", "\n"), body);
        for line in head.lines().skip(1) {
            let (name, value) = line.split_once(':').unwrap();
            assert_eq!(answer.get(name), Some(value.trim()), "{}", answer.show());
        }
    }
}

/// Whose `maxconn` it is.
struct Door {
    /// Two connections and no more.
    narrow: SocketAddr,
    /// Not concerned by it.
    beside: Option<SocketAddr>,
    origin: TcpListener,
    _lb: Process,
}

impl Door {
    async fn new(global: &str, frontend: &str, narrow_keys: &str) -> Self {
        let (narrow, beside, other) = (address::free(), address::free(), address::free());
        let origin = raw();
        let config = Config {
            global: global.to_owned(),
            more: format!(
                "[frontend.other]\nbind = [\"{other}\"]\ndefault_backend = \"web\"\ndontlognull = true\n"
            ),
            ..Config::new(frontend, "")
        }
        .server("s", origin.local_addr().unwrap(), "");
        let binds = format!("[{{ address = \"{narrow}\"{narrow_keys} }}, \"{beside}\"]");
        let lb = Process::lb(&config.text(&binds), &[narrow, beside, other]).await;
        Self {
            narrow,
            beside: match (global, frontend) {
                ("", "") => Some(beside),
                ("", _) => Some(other),
                _ => None,
            },
            origin,
            _lb: lb,
        }
    }

    /// One more client, whose request the origin has.
    async fn served(&self, at: SocketAddr) -> (Wire, Wire, Message) {
        let client = Wire::send_to(at, get("/", "")).await;
        let (origin, request) = self.next().await;
        (client, origin, request)
    }

    async fn next(&self) -> (Wire, Message) {
        let mut origin = Wire::accept(&self.origin).await;
        let request = origin.request().await;
        (origin, request)
    }

    /// Two are served, the third waits until one of them has gone.
    async fn lets_two_in(&self) {
        let (mut first, mut origin, _) = self.served(self.narrow).await;
        let _second = self.served(self.narrow).await;
        let mut third = Wire::send_to(self.narrow, get("/third", "")).await;
        let mut others = Vec::new();
        match self.beside {
            Some(beside) => {
                // It comes later and is served at once.
                others.push(self.served(beside).await);
                assert_eq!(others[0].2.target(), "/");
            }
            None => {
                let early = timeout(Duration::from_millis(200), self.next()).await;
                assert!(early.is_err(), "the third was let in");
            }
        }
        origin.send(ok("first")).await;
        first.response().await;
        drop((first, origin));
        let (mut origin, request) = self.next().await;
        assert_eq!(request.target(), "/third");
        origin.send(ok("third")).await;
        assert_eq!(third.response().await.body, b"third");
    }
}

#[tokio::test]
async fn maxconn_of_a_bind() {
    Door::new("", "", ", maxconn = 2").await.lets_two_in().await;
}

#[tokio::test]
async fn maxconn_of_a_frontend() {
    Door::new("", "maxconn = 2", "").await.lets_two_in().await;
}

#[tokio::test]
async fn maxconn_of_the_process() {
    Door::new("maxconn = 2", "", "").await.lets_two_in().await;
}
