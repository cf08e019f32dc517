//! Every time-out of the configuration, as clients and servers see it.
//!
//! Each is set short and all others are left at their seconds and hours: what ends in time has ended
//! by this one.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "what fails here fails the test; real processes run on the real clock"
)]

mod common;

use std::{future::Future, time::Duration};

use common::{
    message::End,
    origin::{Answer, Origin, raw},
    site::{Config, get, post},
    stalled::Stalled,
    wire::Wire,
};
use tokio::time::{Instant, interval};

/// The time-out that a test is about.
const SHORT: Duration = Duration::from_millis(400);

/// Before any other one.
const LATE: Duration = Duration::from_secs(4);

/// What `work` comes to, which takes the time-out and not much more.
async fn timed<T>(work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let outcome = work.await;
    let took = began.elapsed();
    // The timers of both sides count milliseconds.
    assert!(
        took + Duration::from_millis(5) >= SHORT,
        "after {took:?}, too early"
    );
    assert!(took < LATE, "after {took:?}, too late");
    outcome
}

#[tokio::test]
async fn connect() {
    let server = Stalled::new().await;
    let site = Config::new("", "retries = 0\ntimeout = { connect = \"400ms\" }")
        .server("s", server.address(), "")
        .start()
        .await;
    assert_eq!(timed(site.get("/")).await.status(), 503);
}

#[tokio::test]
async fn server() {
    let origin = Origin::start(|_| Answer::Hang).await;
    let site = Config::new("", "timeout = { server = \"400ms\" }")
        .server("s", origin.address(), "")
        .start()
        .await;
    assert_eq!(timed(site.get("/")).await.status(), 504);
}

#[tokio::test]
async fn server_in_the_middle_of_a_body() {
    let listener = raw();
    let site = Config::new("", "timeout = { server = \"400ms\" }")
        .server("s", listener.local_addr().unwrap(), "")
        .start()
        .await;
    let mut client = site.send(get("/", "")).await;
    let mut origin = Wire::accept(&listener).await;
    origin.request().await;
    origin
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        .await;
    client.up_to(b"half").await;
    timed(async {
        client.closed().await;
        origin.closed().await;
    })
    .await;
}

#[tokio::test]
async fn a_slow_server_that_goes_on_is_waited_for() {
    let listener = raw();
    let site = Config::new("", "timeout = { server = \"400ms\" }")
        .server("s", listener.local_addr().unwrap(), "")
        .start()
        .await;
    let mut client = site.send(get("/", "")).await;
    let mut origin = Wire::accept(&listener).await;
    origin.request().await;
    origin
        .send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
        .await;
    // Twice the time-out in all, but never half of it without a byte.
    let mut ticks = interval(SHORT / 4);
    for byte in b"in parts" {
        ticks.tick().await;
        origin.send([*byte]).await;
    }
    assert_eq!(client.response().await.body, b"in parts");
}

#[tokio::test]
async fn client() {
    let origin = Origin::named("s").await;
    let site = Config::new("timeout = { client = \"400ms\" }", "")
        .server("s", origin.address(), "")
        .start()
        .await;
    let mut client = site.send(post("/", 10, "half")).await;
    assert_eq!(timed(client.response()).await.status(), 408);
    client.closed().await;
}

#[tokio::test]
async fn http_request() {
    let site = Config::new("timeout = { http_request = \"400ms\" }", "")
        .start()
        .await;
    let mut client = site.send("GET / HTTP/1.1\r\nHost: a").await;
    assert_eq!(timed(client.response()).await.status(), 408);
    client.closed().await;
}

/// As slowhttptest does it: always one more byte, never the last one.
#[tokio::test]
async fn http_request_of_a_client_that_dribbles() {
    let site = Config::new("timeout = { http_request = \"400ms\" }", "")
        .start()
        .await;
    let mut client = site.send("GET / HTTP/1.1\r\nHost: a\r\n").await;
    let mut ticks = interval(SHORT / 10);
    timed(async {
        loop {
            tokio::select! {
                () = client.read() => break,
                _ = ticks.tick() => {}
            }
            client.send("X-A: b\r\n").await;
        }
    })
    .await;
    assert_eq!(client.response().await.status(), 408);
}

#[tokio::test]
async fn http_keep_alive() {
    let origin = Origin::named("s").await;
    let site = Config::new("timeout = { http_keep_alive = \"400ms\" }", "")
        .server("s", origin.address(), "")
        .start()
        .await;
    let mut client = site.send(get("/", "")).await;
    client.response().await;
    // Without a word: the client may have sent its next request just now.
    timed(client.closed()).await;
}

#[tokio::test]
async fn queue() {
    let origin = Origin::start(|_| Answer::Hang).await;
    let site = Config::new("", "timeout = { queue = \"400ms\" }")
        .server("s", origin.address(), "maxconn = 1")
        .start()
        .await;
    let _first = site.send(get("/", "")).await;
    common::until("the first at the origin", || {
        (origin.requests() > 0).then_some(())
    })
    .await;
    assert_eq!(timed(site.get("/")).await.status(), 503);
}

#[tokio::test]
async fn check() {
    let origin = Origin::start(|_| Answer::Hang).await;
    let backend =
        "timeout = { check = \"400ms\" }\ncheck = { type = \"http\", interval = \"1500ms\" }";
    let site = Config::new("", backend)
        .server("s", origin.address(), "")
        .start()
        .await;
    let line = site
        .lb
        .logged("DOWN", |line| line.contains("web/s is DOWN"))
        .await;
    let (_, duration) = line
        .split_once("reason: Layer7 timeout, check duration: ")
        .unwrap_or_else(|| panic!("{line}"));
    let millis: u128 = duration.split_once("ms").unwrap().0.parse().unwrap();
    assert!((395..1500).contains(&millis), "{line}");
}

/// A rule sets another one, for the requests of its condition.
#[tokio::test]
async fn server_by_a_rule() {
    let origin = Origin::start(|_| Answer::Hang).await;
    let rules = ["set-timeout server 400ms if { path /short }"];
    let backend = format!("http_request = {rules:?}\ntimeout = {{ server = \"1m\" }}");
    let site = Config::new("", &backend)
        .server("s", origin.address(), "")
        .start()
        .await;
    let _long = site.send(get("/long", "")).await;
    assert_eq!(timed(site.get("/short")).await.status(), 504);
    let long = "\"GET /long";
    assert!(!site.lb.log().contains(long), "this one waits a minute");
}

/// The next request on the connection has the time-out of the frontend again.
#[tokio::test]
async fn client_by_a_rule() {
    let origin = Origin::named("s").await;
    let rules = ["set-timeout client hdr(x-wait) if { method POST }"];
    let frontend = format!("http_request = {rules:?}\ntimeout = {{ client = \"400ms\" }}");
    let site = Config::new(&frontend, "")
        .server("s", origin.address(), "")
        .start()
        .await;
    let mut client = site
        .send("POST / HTTP/1.1\r\nHost: a\r\nX-Wait: 60000\r\nContent-Length: 6\r\n\r\nhal")
        .await;
    let mut ticks = interval(SHORT * 2);
    ticks.tick().await;
    ticks.tick().await;
    client.send("ves").await;
    assert_eq!(client.response().await.status(), 200);
    client
        .send("PUT / HTTP/1.1\r\nHost: a\r\nX-Wait: 60000\r\nContent-Length: 6\r\n\r\nhal")
        .await;
    assert_eq!(timed(client.response()).await.status(), 408);
}

#[tokio::test]
async fn tunnel_by_a_rule() {
    let rules = ["set-timeout tunnel 400ms"];
    let backend = format!("http_request = {rules:?}\ntimeout = {{ tunnel = \"1m\" }}");
    let mut tunnel = tunnel("", &backend).await;
    timed(async {
        tunnel.client.closed().await;
        tunnel.origin.closed().await;
    })
    .await;
}

/// Both ends of a tunnel.
struct Tunnel {
    client: Wire,
    origin: Wire,
    _site: common::site::Site,
}

async fn tunnel(frontend: &str, backend: &str) -> Tunnel {
    let listener = raw();
    let site = Config::new(frontend, backend)
        .server("s", listener.local_addr().unwrap(), "")
        .start()
        .await;
    let mut client = site
        .send(get("/", "Connection: upgrade\r\nUpgrade: chat\r\n"))
        .await;
    let mut origin = Wire::accept(&listener).await;
    origin.request().await;
    origin
        .send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n")
        .await;
    assert_eq!(client.response().await.status(), 101);
    Tunnel {
        client,
        origin,
        _site: site,
    }
}

#[tokio::test]
async fn tunnel_without_a_word() {
    let mut tunnel = tunnel("", "timeout = { server = \"100ms\", tunnel = \"400ms\" }").await;
    timed(async {
        tunnel.client.closed().await;
        tunnel.origin.closed().await;
    })
    .await;
}

#[tokio::test]
async fn client_fin() {
    let mut tunnel = tunnel("timeout = { client_fin = \"400ms\" }", "").await;
    tunnel.client.finish().await;
    assert_eq!(tunnel.origin.rest().await.1, End::Closed);
    // The server says nothing more, and does not close.
    timed(tunnel.client.closed()).await;
}

#[tokio::test]
async fn server_fin() {
    let mut tunnel = tunnel("", "timeout = { server_fin = \"400ms\" }").await;
    tunnel.origin.finish().await;
    assert_eq!(tunnel.client.rest().await.1, End::Closed);
    // The client says nothing more, and does not close.
    timed(tunnel.origin.closed()).await;
}
