//! Connections to servers and from clients: how many, how long, from where, and over what.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "what fails here fails the test; real processes run on the real clock"
)]

mod common;

use std::{
    net::{IpAddr, Ipv4Addr},
    os::fd::AsRawFd as _,
    path::Path,
    time::Duration,
};

use common::{
    address,
    origin::{Origin, ok, raw},
    process::Process,
    site::{Config, Site, get, post},
    until,
    wire::Wire,
    within,
};
use tokio::{
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    time::Instant,
};

/// An origin and a site in front of it.
async fn site(frontend: &str, backend: &str, server: &str) -> (Site, Origin) {
    let origin = Origin::named("s").await;
    let site = Config::new(frontend, backend)
        .server("s", origin.address(), server)
        .start()
        .await;
    (site, origin)
}

/// Two requests, on one client connection if it is kept; says whether it is.
async fn two_requests(site: &Site, requests: [String; 2]) -> bool {
    let [first, second] = requests;
    let mut client = site.send(first).await;
    let answer = client.response().await;
    assert_eq!(answer.status(), 200);
    let closes = answer.fields.list("connection").contains(&"close".into());
    if closes {
        client.closed().await;
        client = site.send(second).await;
    } else {
        client.send(second).await;
    }
    assert_eq!(client.response().await.status(), 200);
    !closes
}

fn gets() -> [String; 2] {
    [get("/1", ""), get("/2", "")]
}

#[tokio::test]
async fn keep_alive() {
    let (site, origin) = site("http_connection = \"keep-alive\"", "", "").await;
    assert!(two_requests(&site, gets()).await);
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn server_close() {
    let (site, origin) = site("http_connection = \"server-close\"", "", "").await;
    assert!(
        two_requests(&site, gets()).await,
        "the client's side is kept"
    );
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn close() {
    let (site, origin) = site("http_connection = \"close\"", "", "").await;
    assert!(!two_requests(&site, gets()).await);
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn server_close_of_the_backend_alone() {
    let (site, origin) = site("", "http_connection = \"server-close\"", "").await;
    assert!(two_requests(&site, gets()).await);
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn close_of_the_backend_alone() {
    let (site, _origin) = site("", "http_connection = \"close\"", "").await;
    assert!(!two_requests(&site, gets()).await);
}

/// Connections to the origin for requests of as many clients.
async fn connections_for(backend: &str, requests: &[String]) -> usize {
    let (site, origin) = site("", backend, "").await;
    for request in requests {
        let mut client = site.send(request).await;
        assert_eq!(client.response().await.status(), 200);
    }
    origin.connections()
}

#[tokio::test]
async fn reuse_never() {
    assert_eq!(connections_for("http_reuse = \"never\"", &gets()).await, 2);
}

/// A request that can be sent again may be the first on a connection that another client has used.
#[tokio::test]
async fn reuse_safe() {
    let post = || post("/", 1, "x");
    let safe = "http_reuse = \"safe\"";
    assert_eq!(connections_for(safe, &gets()).await, 1);
    assert_eq!(connections_for(safe, &[get("/", ""), post()]).await, 2);
    let (site, origin) = site("", safe, "").await;
    assert!(two_requests(&site, [get("/", ""), post()]).await);
    assert_eq!(origin.connections(), 1, "not the first of its client");
}

#[tokio::test]
async fn reuse_always() {
    let requests = [get("/", ""), post("/", 1, "x"), post("/", 1, "x")];
    assert_eq!(
        connections_for("http_reuse = \"always\"", &requests).await,
        1
    );
}

/// Waits until `lb` closes a connection that has carried one request.
async fn closed_when_idle(pool: &str) {
    let listener = raw();
    let site = Config::new("", pool)
        .server("s", listener.local_addr().unwrap(), "")
        .start()
        .await;
    let mut client = site.send(get("/", "")).await;
    let mut origin = Wire::accept(&listener).await;
    origin.request().await;
    origin.send(ok("s")).await;
    client.response().await;
    let began = Instant::now();
    origin.closed().await;
    let took = began.elapsed();
    // Looked through once a second; the default is five.
    assert!(took >= Duration::from_millis(395), "{took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test]
async fn idle_timeout() {
    closed_when_idle("pool = { idle_timeout = \"400ms\" }").await;
}

#[tokio::test]
async fn max_age() {
    closed_when_idle("pool = { idle_timeout = \"1m\", max_age = \"410ms\" }").await;
}

#[tokio::test]
async fn max_idle() {
    let (site, origin) = site("", "pool = { max_idle = 0 }", "").await;
    assert!(two_requests(&site, gets()).await);
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn max_reuse() {
    let (site, origin) = site("", "http_reuse = \"always\"", "max_reuse = 1").await;
    for _ in 0..6 {
        site.who("/").await;
    }
    assert_eq!(origin.connections(), 3, "each was used again once");
}

/// What the origin gets ahead of a request.
async fn header_of(version: &str) -> (Vec<u8>, Wire, std::net::SocketAddr) {
    let listener = raw();
    let site = Config::new("", "")
        .server(
            "s",
            listener.local_addr().unwrap(),
            &format!("send_proxy = \"{version}\""),
        )
        .start()
        .await;
    let client = site.send(get("/", "")).await;
    let mut origin = Wire::accept(&listener).await;
    let header = match version {
        "v1" => origin.up_to(b"\r\n").await,
        _ => origin.bytes(28).await,
    };
    assert_eq!(origin.request().await.target(), "/");
    (header, client, site.front)
}

#[tokio::test]
async fn send_proxy_v1() {
    let (header, client, front) = header_of("v1").await;
    let (from, to) = (client.local(), front);
    assert_eq!(
        String::from_utf8(header).unwrap(),
        format!(
            "PROXY TCP4 {} {} {} {}\r\n",
            from.ip(),
            to.ip(),
            from.port(),
            to.port()
        )
    );
}

#[tokio::test]
async fn send_proxy_v2() {
    let (header, client, front) = header_of("v2").await;
    let (IpAddr::V4(from), IpAddr::V4(to)) = (client.local().ip(), front.ip()) else {
        panic!("the site is on IPv4");
    };
    let mut expected = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
    expected.extend(from.octets());
    expected.extend(to.octets());
    expected.extend(client.local().port().to_be_bytes());
    expected.extend(front.port().to_be_bytes());
    assert_eq!(header, expected);
}

#[tokio::test]
async fn connect_source() {
    let listener = raw();
    let site = Config::new("", "connect_source = \"127.0.0.2\"")
        .server("s", listener.local_addr().unwrap(), "")
        .start()
        .await;
    let _client = site.send(get("/", "")).await;
    let origin = Wire::accept(&listener).await;
    assert_eq!(origin.peer().ip(), IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)));
}

/// Waits until a Unix socket takes connections.
async fn unix(path: &Path) -> Wire<UnixStream> {
    until("the Unix socket", || path.exists().then_some(())).await;
    Wire::new(
        within("the Unix socket", UnixStream::connect(path))
            .await
            .unwrap(),
    )
}

#[tokio::test]
async fn unix_sockets_on_both_sides() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let name = |what: &str| dir.join(format!("{what}-{}.sock", std::process::id()));
    let (front, back) = (name("front"), name("back"));
    let listener = UnixListener::bind(&back).unwrap();
    let config = Config::new("", "").server("s", format!("unix:{}", back.display()), "");
    let binds = format!("[\"unix:{}\"]", front.display());
    let lb = Process::lb(&config.text(&binds), &[]).await;
    let mut client = unix(&front).await;
    client.send(get("/", "")).await;
    let accepted = within("a connection at the origin", listener.accept()).await;
    let mut origin = Wire::new(accepted.unwrap().0);
    assert_eq!(origin.request().await.target(), "/");
    origin.send(ok("by a path")).await;
    assert_eq!(client.response().await.body, b"by a path");
    lb.logged("the request", |line| {
        line.contains(" http web/s ") && line.contains(" 200 ")
    })
    .await;
    let _ = std::fs::remove_file(back);
}

#[tokio::test]
async fn an_inherited_socket() {
    let origin = Origin::named("s").await;
    let listener = std::net::TcpListener::bind(address::free()).unwrap();
    rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::empty()).unwrap();
    let front = listener.local_addr().unwrap();
    let config = Config::new("", "").server("s", origin.address(), "");
    let binds = format!("[\"fd@{}\"]", listener.as_raw_fd());
    let lb = Process::lb(&config.text(&binds), &[front]).await;
    // Only `lb` has it now.
    drop(listener);
    let site = Site { lb, front };
    assert_eq!(site.who("/").await, "s");
}

#[tokio::test]
async fn ipv6() {
    let origin = Origin::named("s").await;
    let front = address::free_v6();
    let config = Config::new("", "").server("s", origin.address(), "");
    let lb = Process::lb(&config.text(&format!("[\"{front}\"]")), &[front]).await;
    let site = Site { lb, front };
    assert_eq!(site.who("/").await, "s");
    let line = site.lb.logged("the request", |line| line.contains(" 200 "));
    assert!(line.await.starts_with("::1:"));
}

#[tokio::test]
async fn an_ipv6_server() {
    let front = address::free_v6();
    let listener = TcpListener::bind(front).await.unwrap();
    let site = Config::new("", "").server("s", front, "").start().await;
    let mut client = site.send(get("/", "")).await;
    let mut origin = Wire::accept(&listener).await;
    origin.request().await;
    origin.send(ok("six")).await;
    assert_eq!(client.response().await.body, b"six");
}

#[tokio::test]
async fn all_addresses_of_a_port() {
    let origin = Origin::named("s").await;
    let port = address::free_v6().port();
    let config = Config::new("", "").server("s", origin.address(), "");
    let _lb = Process::lb(&config.text(&format!("[\"*:{port}\"]")), &[]).await;
    for address in [format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        let stream = within("a listener", async {
            loop {
                match TcpStream::connect(&address).await {
                    Ok(stream) => return stream,
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        })
        .await;
        let mut client = Wire::new(stream);
        client.send(get("/", "")).await;
        assert_eq!(client.response().await.body, b"s");
    }
}
