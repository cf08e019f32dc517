//! `wait-for-body`: what HAProxy 2.6 was seen to do.

use super::*;
use common::site::{Config, Site};

async fn site(rule: &str) -> (Site, Origin) {
    let origin = Origin::start(echo).await;
    let keys = format!("http_request = [\"{rule}\", \"set-header x-rule after\"]");
    let config = Config::new(&keys, "").server("s", origin.address(), "");
    (config.start().await, origin)
}

fn head(fields: &str) -> String {
    format!("POST /w HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

#[tokio::test]
async fn no_server_is_asked_before_the_body_is_whole() {
    let (site, origin) = site("wait-for-body time 30s").await;
    let mut client = site.send(head("Content-Length: 6\r\n") + "abc").await;
    // Another request has come and gone, and this one has not begun.
    assert_eq!(site.get("/").await.status(), 200);
    assert_eq!(origin.requests(), 1);
    client.send("def").await;
    let body = String::from_utf8(client.response().await.body).unwrap();
    assert!(
        body.contains("x-rule: after\n") && body.ends_with("abcdef"),
        "{body}"
    );
    // Chunks, with more of them than are waited for at once.
    client
        .send(head("Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n")
        .await;
    client.send("4\r\nd").await;
    client.send("efg\r\n0\r\n\r\n").await;
    let body = String::from_utf8(client.response().await.body).unwrap();
    assert!(body.ends_with("abcdefg"), "{body}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_408() {
    let (site, origin) = site("wait-for-body time 300ms").await;
    let mut client = site.send(head("Content-Length: 6\r\n") + "abc").await;
    assert_eq!(client.response().await.status(), 408);
    client.closed().await;
    assert_eq!(origin.requests(), 0);
    let line = site.lb.logged("408", |line| line.contains("POST /w")).await;
    assert!(
        line.contains("http/<NOSRV> ") && line.contains(" 408 "),
        "{line}"
    );
    assert!(line.contains(" cR-- "), "{line}");
}

#[tokio::test]
async fn enough_of_a_body_is_enough() {
    let (site, origin) = site("wait-for-body time 30s at-least 3").await;
    let mut client = site.send(head("Content-Length: 6\r\n") + "ab").await;
    assert_eq!(site.get("/").await.status(), 200);
    assert_eq!(origin.connections(), 1);
    client.send("c").await;
    until("a second connection", || {
        (origin.connections() > 1).then_some(())
    })
    .await;
    client.send("def").await;
    let body = String::from_utf8(client.response().await.body).unwrap();
    assert!(body.ends_with("abcdef"), "{body}");
}

/// More than is held goes on before it is whole, and a client that waits to be told to send is told.
#[tokio::test]
async fn a_large_body_goes_on_and_a_hesitant_client_is_told_to() {
    let (site, origin) = site("wait-for-body time 30s").await;
    let mut large = site
        .send(head("Content-Length: 40000\r\n") + &"x".repeat(39_000))
        .await;
    until("a connection", || (origin.connections() > 0).then_some(())).await;
    large.send("y".repeat(1000)).await;
    let body = large.response().await.body;
    assert!(body.ends_with(&[b'y'; 1000]) && body.len() > 40_000);
    let fields = "Content-Length: 3\r\nExpect: 100-continue\r\n";
    let mut client = site.send(head(fields)).await;
    assert_eq!(client.response().await.status(), 100);
    client.send("abc").await;
    let body = String::from_utf8(client.response().await.body).unwrap();
    assert!(body.ends_with("abc"), "{body}");
}
