//! Where `lb` does something else on purpose, or HAProxy cannot be asked.

use super::*;
use common::site::{Config, get};

async fn site(rules: &[&str], response: &[&str]) -> (common::site::Site, Origin) {
    let origin = Origin::start(echo).await;
    let keys = format!("http_request = {rules:?}\nhttp_response = {response:?}\n");
    let config = Config::new(&keys, "").server("s", origin.address(), "");
    (config.start().await, origin)
}

fn body(message: &Message) -> String {
    String::from_utf8_lossy(&message.body).into_owned()
}

/// HAProxy sends `GET /a b HTTP/1.1` and `A B / HTTP/1.1`.
#[tokio::test]
async fn a_request_line_can_be_read_whatever_rules_bring() {
    let (site, origin) = site(
        &[
            "set-path %[hdr(x),url_dec] if { path /path }",
            "set-method %[hdr(x),url_dec] if { path /method }",
            "strict-mode off if { path /lenient }",
            "set-method %[hdr(x),url_dec] if { path /lenient }",
            "set-uri %[hdr(x),url_dec] if { path /uri }",
            "set-query %[hdr(x),url_dec] if { path /query }",
        ],
        &[],
    )
    .await;
    let ask = async |path: &str, x: &str| {
        let request = get(path, &format!("X: {x}\r\n"));
        let answer = site.send(request).await.response().await;
        let first = body(&answer).lines().next().unwrap_or_default().to_owned();
        (answer.status(), first)
    };
    let failed = (
        500,
        "<html><body><h1>500 Internal Server Error</h1>".to_owned(),
    );
    let asked = |line: &str| (200, line.to_owned());
    assert_eq!(
        ask("/path", "/a%20b%23c%0d%0a").await,
        asked("GET /a%20b%23c%0D%0A HTTP/1.1")
    );
    assert_eq!(ask("/path", "relative").await, failed);
    assert_eq!(ask("/path", "").await, failed);
    assert_eq!(ask("/method", "A%20B").await, failed);
    assert_eq!(ask("/method", "CONNECT").await, failed);
    assert_eq!(
        ask("/method", "PATCH").await,
        asked("PATCH /method HTTP/1.1")
    );
    assert_eq!(
        ask("/lenient", "A%20B").await,
        asked("GET /lenient HTTP/1.1")
    );
    assert_eq!(
        ask("/uri", "/x%20y?z").await,
        asked("GET /x%20y?z HTTP/1.1")
    );
    assert_eq!(ask("/uri", "nothing").await, failed);
    assert_eq!(
        ask("/query", "a%20b%23").await,
        asked("GET /query?a%20b%23 HTTP/1.1")
    );
    assert_eq!(origin.requests(), 5, "no failed rewrite goes to the server");
    let line = site
        .lb
        .logged("a failed rewrite", |line| line.contains("\"GET /method"))
        .await;
    assert!(line.contains(" 500 ") && line.contains(" PR-- "), "{line}");
}

/// HAProxy 2.6 does nothing where such a rule has a condition, and not `full` or `strict`.
#[tokio::test]
async fn a_target_is_normalized_where_the_condition_holds() {
    let rules = [
        "normalize-uri path-strip-dotdot if { path_beg /a }",
        "normalize-uri percent-to-uppercase strict if { path_beg /b }",
    ];
    let (site, origin) = site(&rules, &[]).await;
    let asked = async |path: &str| {
        let answer = body(&site.get(path).await);
        answer.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(asked("/a/b/../c").await, "GET /a/c HTTP/1.1");
    assert_eq!(asked("/c/b/../c").await, "GET /c/b/../c HTTP/1.1");
    assert_eq!(asked("/b%e9").await, "GET /b%E9 HTTP/1.1");
    let refused = site.get("/b%e").await;
    assert_eq!((refused.status(), origin.requests()), (400, 3));
}

/// The target of the server is in origin-form, and its host goes with it.
#[tokio::test]
async fn an_absolute_target_brings_its_host() {
    let (site, _origin) = site(&["set-uri http://b.example:81/x?y"], &[]).await;
    let answer = site.get("/").await;
    assert_eq!(
        body(&answer),
        "GET /x?y HTTP/1.1\nhost: b.example:81\nvia: 1.1 lb\n"
    );
}

/// Nothing that frames a message is lost or added, though rules match the names of all fields.
#[tokio::test]
async fn rules_that_match_every_name_leave_the_framing() {
    let (site, _origin) = site(&["del-header .* -m reg"], &["del-header .* -m reg"]).await;
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n\
        5\r\nhello\r\n0\r\n\r\n";
    let mut client = site.send([chunked, chunked].concat()).await;
    for _ in 0..2 {
        let answer = client.response().await;
        assert!(!answer.has("x-one"), "{}", answer.show());
        let text = body(&answer);
        let whole = "transfer-encoding: chunked\nvia: 1.1 lb\nhello";
        assert!(text.ends_with(whole), "{text}");
    }
}

/// `reject` closes; `silent-drop` resets with one hop to live, which on the same host is seen.
#[tokio::test]
async fn a_client_that_is_rejected_gets_no_byte() {
    let (site, origin) = site(
        &["reject if { path /r }", "silent-drop if { path /s }"],
        &[],
    )
    .await;
    let (rest, end) = site.send(get("/r", "")).await.rest().await;
    assert_eq!((rest.len(), end), (0, End::Closed));
    let (rest, end) = site.send(get("/s", "")).await.rest().await;
    assert_eq!((rest.len(), end), (0, End::Reset));
    assert_eq!(origin.requests(), 0);
    for path in ["/r", "/s"] {
        let line = site
            .lb
            .logged(path, |line| line.contains(&format!("\"GET {path} ")))
            .await;
        assert!(line.contains(" -1 0 - - PR-- "), "{line}");
    }
}

/// An empty error file closes the connection, for a request that is none as well.
#[tokio::test]
async fn an_empty_error_file_is_silence() {
    write_files();
    let file = format!("{}/rules-empty.http", env!("CARGO_TARGET_TMPDIR"));
    let keys = format!("errorfile = {{ 400 = \"{file}\", 503 = \"{file}\" }}\n");
    let site = Config::new(&keys, "").start().await;
    for request in ["nothing\r\n\r\n".to_owned(), get("/", "")] {
        let (rest, _) = site.send(request).await.rest().await;
        assert_eq!(rest, b"");
    }
    let line = site
        .lb
        .logged("a refusal", |line| line.contains("<BADREQ>"))
        .await;
    assert!(line.contains(" 400 "), "{line}");
}

/// It waits without anybody waiting for it.
#[tokio::test]
async fn a_tarpit_does_not_hold_others() {
    let (site, _origin) = site(&["tarpit if { path /t }"], &[]).await;
    let mut held = site.send(get("/t", "")).await;
    let answer = site.get("/").await;
    assert_eq!(answer.status(), 200);
    // It is closed by the client before it is due.
    held.finish().await;
    drop(held);
    assert_eq!(site.get("/again").await.status(), 200);
}
