//! Rules that know of the connection: variables that outlive a request, and ends that are stated.

use super::*;
use common::site::{Config, get};

/// Two requests on one connection, and one on another.
#[tokio::test]
async fn variables_of_a_connection_and_of_the_process() {
    let rules = [
        "set-header x-sess \"%[var(sess.last)]\"",
        "set-header x-proc \"%[var(proc.last)]\"",
        "set-var(sess.last) path",
        "set-var(proc.last) path",
    ];
    let origin = Origin::start(echo).await;
    let keys = format!("http_request = {rules:?}");
    // A variable of the process is one for all sections.
    let more = format!(
        "[frontend.other]\nbind = [\"{}\"]\ndefault_backend = \"web\"\nhttp_request = [\"set-header x-proc %[var(proc.last)]\"]\n",
        address::free()
    );
    let other: SocketAddr = more.split('"').nth(1).unwrap().parse().unwrap();
    let mut config = Config::new(&keys, "").server("s", origin.address(), "");
    config.more = more;
    let site = config.start().await;
    let kept = |answer: &Message| {
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        let of = |name: &str| {
            let line = body.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or("none").to_owned()
        };
        [of("x-sess: "), of("x-proc: ")]
    };
    let mut client = site.send(get("/a", "")).await;
    assert_eq!(kept(&client.response().await), ["", ""]);
    client.send(get("/b", "")).await;
    assert_eq!(kept(&client.response().await), ["/a", "/a"]);
    assert_eq!(kept(&site.get("/c").await), ["", "/b"]);
    client.send(get("/d", "")).await;
    assert_eq!(kept(&client.response().await), ["/b", "/c"]);
    let answer = Wire::send_to(other, get("/", "")).await.response().await;
    assert_eq!(kept(&answer), ["none", "/d"]);
}

/// The header for the server, the PROXY protocol and the log tell of the client that a rule has named.
#[tokio::test]
async fn a_client_that_a_rule_names_is_the_client() {
    let origin = Origin::start(echo).await;
    let rules = ["set-src hdr(x-real-ip)", "set-src-port int(4321)"];
    let keys = format!("http_request = {rules:?}\nforwardfor = true");
    let site = Config::new(&keys, "").server("s", origin.address(), "");
    let site = site.start().await;
    let mut client = site.send(get("/named", "X-Real-IP: 192.0.2.77\r\n")).await;
    let body = String::from_utf8(client.response().await.body).unwrap();
    assert!(body.contains("\nx-forwarded-for: 192.0.2.77\n"), "{body}");
    let line = site
        .lb
        .logged("named", |line| line.contains("/named"))
        .await;
    assert!(line.contains("192.0.2.77:4321 ["), "{line}");
    // The next one on this connection is its own again.
    client.send(get("/own", "")).await;
    let body = String::from_utf8(client.response().await.body).unwrap();
    assert!(body.contains("\nx-forwarded-for: 127.0.0.1\n"), "{body}");
    let line = site.lb.logged("own", |line| line.contains("/own")).await;
    assert!(line.contains("127.0.0.1:4321 ["), "{line}");
}

#[tokio::test]
async fn a_server_is_told_of_the_client_that_a_rule_names() {
    let listener = common::origin::raw();
    let rules = [
        "set-src str(192.0.2.77)",
        "set-src-port int(4321)",
        "set-dst str(192.0.2.1)",
    ];
    let backend = format!("http_request = {rules:?}");
    let site = Config::new("", &backend).server(
        "s",
        listener.local_addr().unwrap(),
        "send_proxy = \"v1\"",
    );
    let site = site.start().await;
    let _client = site.send(get("/", "")).await;
    let mut origin = Wire::accept(&listener).await;
    let line = origin.up_to(b"\r\n").await;
    let expected = format!(
        "PROXY TCP4 192.0.2.77 192.0.2.1 4321 {}\r\n",
        site.front.port()
    );
    assert_eq!(String::from_utf8_lossy(&line), expected);
}

/// A server that closes before it answers; `retry_on` has it asked again, unless a rule says no.
#[tokio::test]
async fn a_request_that_is_sent_once() {
    let origin = Origin::start(|_| Answer::Close).await;
    let rules = ["disable-l7-retry if { path /once }"];
    let backend = format!("http_request = {rules:?}\nretries = 2\nretry_on = [\"empty-response\"]");
    let site = Config::new("", &backend).server("s", origin.address(), "");
    let site = site.start().await;
    assert_eq!(site.get("/again").await.status(), 502);
    assert_eq!(origin.requests(), 3);
    assert_eq!(site.get("/once").await.status(), 502);
    assert_eq!(origin.requests(), 4);
}
