//! Rules around a service of any kind, and what they cost one that none of them is for.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use lb_core::condition::Scope;
use lb_http::{
    fetch::HttpVocabulary,
    page::Pages,
    rules::{RequestRules, RulesBuilder, RulesLayer, Verdict},
    transaction::Transaction,
};
use tokio::time::Instant;
use tower::{Layer as _, ServiceExt as _, service_fn};

/// Answers with the method, the target and `x`.
async fn answer(rules: &RulesBuilder, request: Request<()>) -> (u16, http::HeaderMap, String) {
    let echo = service_fn(async |request: Request<()>| {
        let x = request
            .headers()
            .get("x")
            .map(|x| x.to_str().unwrap().to_owned());
        let text = format!(
            "{} {} {}",
            request.method(),
            request.uri(),
            x.unwrap_or_default()
        );
        let status = match request.uri().path() {
            "/wrong" => StatusCode::NOT_FOUND,
            _ => StatusCode::OK,
        };
        let response = Response::builder().status(status).header("server", "echo");
        Ok::<_, Infallible>(response.body(Full::new(Bytes::from(text))).unwrap())
    });
    let service = rules.build().unwrap().layer(echo);
    let (head, body) = service.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    (head.status.as_u16(), head.headers, text)
}

fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

#[tokio::test]
async fn requests_and_responses_pass_through_their_rules() {
    let rules = RulesLayer::builder()
        .acl("admin", &["path_beg /admin"])
        .request("deny if admin")
        .request("set-path /x%[path]")
        .request("set-header x %[path]")
        .response("del-header server")
        .after_response("set-header seen yes");
    let (status, headers, body) = answer(&rules, get("/a?b")).await;
    assert_eq!((status, body.as_str()), (200, "GET /x/a?b /x/a"));
    assert!(!headers.contains_key("server"));
    assert_eq!(headers["seen"], "yes");
    let (status, headers, _) = answer(&rules, get("/admin/x")).await;
    assert_eq!(status, 403);
    assert_eq!(headers["seen"], "yes");
}

#[tokio::test]
async fn a_rule_puts_a_response_in_the_place_of_the_services() {
    let rules = RulesLayer::builder()
        .response("return status 410 content-type text/plain string gone")
        .after_response("set-status 411");
    let (status, headers, body) = answer(&rules, get("/")).await;
    assert_eq!((status, body.as_str()), (411, "gone"));
    assert!(!headers.contains_key("server"));
}

#[tokio::test]
async fn where_connections_cannot_be_closed_reject_forbids() {
    let rules = RulesLayer::builder().request("reject");
    assert_eq!(answer(&rules, get("/")).await.0, 403);
}

#[tokio::test(start_paused = true)]
async fn a_tarpit_takes_its_time() {
    let rules = RulesLayer::builder()
        .request("tarpit deny_status 429")
        .tarpit(Duration::from_secs(7));
    let began = Instant::now();
    assert_eq!(answer(&rules, get("/")).await.0, 429);
    assert_eq!(began.elapsed(), Duration::from_secs(7));
}

#[test]
fn every_mistake_of_every_list_is_told() {
    let rules = RulesLayer::builder()
        .acl("bad", &["pth /"])
        .request("dney")
        .response("set-path /")
        .after_response("deny");
    let error = rules.build().unwrap_err();
    let texts: Vec<_> = error.mistakes().iter().map(|m| m.text.as_str()).collect();
    assert_eq!(texts, ["pth /", "dney", "set-path /", "deny"]);
    let told = error.to_string();
    assert!(
        told.contains("`set-path /`: there is no action `set-path` on responses"),
        "{told}"
    );
}

/// A request pays for the rules it meets.
#[test]
fn rules_that_are_not_for_a_request_allocate_nothing() {
    let (scope, _) = Scope::builder(HttpVocabulary::default()).build();
    let texts = [
        "deny if { path_beg /admin }",
        "redirect prefix https://b.example if { hdr(host) -i b.example }",
        "set-header x %[path] if { src 192.0.2.0/24 }",
        "set-path /new if { path /old }",
        "del-header x-internal",
        "set-header x-fixed value",
    ];
    let rules = RequestRules::compile(&texts, &scope).unwrap();
    let client = lb_http::Client::new(([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into());
    let mut request = Request::get("/a")
        .header("host", "a.example")
        .header("x-fixed", "");
    request = request.extension(client);
    let mut request = request.body(()).unwrap();
    let (mut kept, pages) = (Transaction::new(), Pages::default());
    let mut apply = || {
        let verdict = rules.apply(&mut request, &mut kept, &pages);
        assert!(matches!(verdict, Verdict::Pass));
    };
    // The first copy of a fixed value makes it a shared one.
    apply();
    let cost = allocation_counter::measure(apply);
    assert_eq!(cost.count_total, 0, "{cost:?}");
    assert_eq!(request.headers()["x-fixed"], "value");
}

/// As a ban does: what one request adds, the next one meets.
#[tokio::test]
async fn requests_change_maps_and_patterns() {
    let dir = tempfile::tempdir().unwrap();
    let (map, bad) = (dir.path().join("users.map"), dir.path().join("bad.lst"));
    std::fs::write(&map, "alice admin\n").unwrap();
    std::fs::write(&bad, "192.0.2.1\n").unwrap();
    let (map, bad) = (map.display(), bad.display());
    let registry = std::sync::Arc::new(lb_http::fetch::Registry::new());
    let rules = RulesLayer::builder()
        .registry(registry)
        .acl("banned", &[&format!("hdr(x) -f {bad}")])
        .request("deny if banned")
        .request(&format!("add-acl({bad}) %[hdr(x)] if {{ path /trap }}"))
        .request(&format!("del-map({map}) %[hdr(x)] if {{ path /forget }}"))
        .request(&format!(
            "set-map({map}) %[hdr(x)] %[query] if {{ path /learn }}"
        ))
        .request(&format!("set-header x %[hdr(x),map({map},none)]"));
    // One build: the files are the process's.
    let layer = rules.build().unwrap();
    let ask = async |path: &str, x: &str| {
        let echo = service_fn(async |request: Request<()>| {
            let x = request.headers()["x"].to_str().unwrap().to_owned();
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(x))))
        });
        let request = Request::get(path).header("x", x).body(()).unwrap();
        let response = layer.layer(echo).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        match status {
            200 => String::from_utf8(body.to_vec()).unwrap(),
            status => status.to_string(),
        }
    };
    assert_eq!(ask("/", "alice").await, "admin");
    assert_eq!(ask("/", "bob").await, "none");
    assert_eq!(ask("/learn?guest", "bob").await, "guest");
    assert_eq!(ask("/learn?user", "bob").await, "user");
    assert_eq!(ask("/", "bob").await, "user");
    assert_eq!(ask("/forget", "bob").await, "none");
    assert_eq!(ask("/trap", "mallory").await, "none");
    assert_eq!(ask("/", "mallory").await, "403");
    assert_eq!(ask("/", "192.0.2.1").await, "403");
}
