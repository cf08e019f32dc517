//! Which servers get requests: backups, weights, checks, and what traffic says of them.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use common::{
    message::Message,
    origin::{Answer, Origin, ok, raw},
    site::{Config, Site, get},
    wire::Wire,
};
use tokio::sync::watch;

/// How many of so many requests each server answers.
async fn shares(site: &Site, requests: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    let mut client = site.send("").await;
    for _ in 0..requests {
        client.send(get("/", "")).await;
        let answer = client.response().await;
        assert_eq!(answer.status(), 200, "{}", answer.show());
        let name = String::from_utf8(answer.body).unwrap();
        *shares.entry(name).or_default() += 1;
    }
    shares
}

fn are(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected
        .iter()
        .map(|(name, share)| ((*name).to_owned(), *share))
        .collect()
}

/// Origins that answer their names and, while they are well, pass their checks.
struct Origins(Vec<(Origin, Arc<AtomicBool>)>);

impl Origins {
    async fn new(names: &[&'static str]) -> Self {
        let mut origins = Vec::new();
        for name in names.iter().copied() {
            let well = Arc::new(AtomicBool::new(true));
            let seen = Arc::clone(&well);
            let origin = Origin::start(move |request: &Message| {
                Answer::Send(match request.target() {
                    "/health" if !seen.load(Ordering::SeqCst) => {
                        b"HTTP/1.1 500 Ill\r\nContent-Length: 0\r\n\r\n".to_vec()
                    }
                    _ => ok(name),
                })
            })
            .await;
            origins.push((origin, well));
        }
        Self(origins)
    }

    fn address(&self, n: usize) -> std::net::SocketAddr {
        self.0[n].0.address()
    }

    fn set(&self, n: usize, well: bool) {
        self.0[n].1.store(well, Ordering::SeqCst);
    }
}

/// Quick, and patient with a machine that is busy.
const CHECK: &str = "check = { type = \"http\", uri = \"/health\", interval = \"100ms\", timeout = \"5s\", rise = 1, fall = 1 }";

async fn is(site: &Site, what: &str) -> String {
    site.lb.logged(what, |line| line.contains(what)).await
}

#[tokio::test]
async fn the_first_backup_takes_over() {
    let origins = Origins::new(&["a", "b1", "b2"]).await;
    let site = Config::new("", CHECK)
        .server("a", origins.address(0), "")
        .server("b1", origins.address(1), "backup = true")
        .server("b2", origins.address(2), "backup = true")
        .start()
        .await;
    assert_eq!(shares(&site, 4).await, are(&[("a", 4)]));
    origins.set(0, false);
    let line = is(&site, "Server web/a is DOWN").await;
    assert!(
        line.contains(". 0 active and 2 backup servers left. Running on backup."),
        "{line}"
    );
    assert_eq!(shares(&site, 4).await, are(&[("b1", 4)]));
    origins.set(0, true);
    is(&site, "Server web/a is UP").await;
    assert_eq!(shares(&site, 4).await, are(&[("a", 4)]));
}

#[tokio::test]
async fn all_backups_take_over() {
    let origins = Origins::new(&["b1", "b2"]).await;
    let site = Config::new("", "allbackups = true")
        .server("a", origins.address(0), "disabled = true")
        .server("b1", origins.address(0), "backup = true")
        .server("b2", origins.address(1), "backup = true")
        .start()
        .await;
    assert_eq!(shares(&site, 4).await, are(&[("b1", 2), ("b2", 2)]));
}

#[tokio::test]
async fn a_weight_of_nothing() {
    let origins = Origins::new(&["a", "b"]).await;
    let site = Config::new("", "cookie = { name = \"SRV\", mode = \"insert\" }")
        .server("a", origins.address(0), "cookie = \"a\"")
        .server("b", origins.address(1), "cookie = \"b\"\nweight = 0")
        .start()
        .await;
    assert_eq!(shares(&site, 4).await, are(&[("a", 4)]));
    // Those that are bound to it stay.
    let mut client = site.send(get("/", "Cookie: SRV=b\r\n")).await;
    assert_eq!(client.response().await.body, b"b");
}

#[tokio::test]
async fn slow_start() {
    let origins = Origins::new(&["a", "b"]).await;
    let site = Config::new("", CHECK)
        .server("a", origins.address(0), "weight = 100")
        .server("b", origins.address(1), "weight = 100\nslow_start = \"4s\"")
        .start()
        .await;
    let share_of_b = |shares: BTreeMap<String, usize>| shares.get("b").copied().unwrap_or(0);
    // Not from the start of the process.
    assert_eq!(share_of_b(shares(&site, 40).await), 20);
    origins.set(1, false);
    is(&site, "Server web/b is DOWN").await;
    origins.set(1, true);
    is(&site, "Server web/b is UP").await;
    let mut seen = vec![share_of_b(shares(&site, 40).await)];
    assert!(seen[0] < 15, "{} of 40 at once", seen[0]);
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(200));
    while *seen.last().unwrap() < 20 {
        ticks.tick().await;
        seen.push(share_of_b(shares(&site, 40).await));
        assert!(seen.len() < 100, "it never gets its whole share");
    }
    assert!(
        seen.iter().any(|share| (seen[0] + 1..20).contains(share)),
        "it grows step by step: {seen:?}"
    );
}

#[tokio::test]
async fn track() {
    let origins = Origins::new(&["a", "b"]).await;
    let config = Config {
        more: format!(
            "[backend.other]\n{CHECK}\nserver = [{{ name = \"x\", address = \"{}\" }}]\n",
            origins.address(1)
        ),
        ..Config::new("", "")
    };
    let site = config
        .server("a", origins.address(0), "")
        .server("b", origins.address(1), "track = \"other/x\"")
        .start()
        .await;
    assert_eq!(shares(&site, 4).await, are(&[("a", 2), ("b", 2)]));
    origins.set(1, false);
    is(&site, "Server web/b is DOWN via other/x").await;
    assert_eq!(shares(&site, 4).await, are(&[("a", 4)]));
    origins.set(1, true);
    is(&site, "Server web/b is UP via other/x").await;
    assert_eq!(shares(&site, 4).await, are(&[("a", 2), ("b", 2)]));
}

#[tokio::test]
async fn observe_and_mark_down() {
    let origin = Origin::start(|request: &Message| {
        Answer::Send(match request.target() {
            "/broken" => b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n".to_vec(),
            _ => ok("s"),
        })
    })
    .await;
    let site = Config::new(
        "",
        "check = { type = \"http\", uri = \"/health\", interval = \"2s\" }",
    )
    .server(
        "s",
        origin.address(),
        "observe = \"layer7\"\nerror_limit = 3\non_error = \"mark-down\"",
    )
    .start()
    .await;
    for target in ["/broken", "/broken", "/", "/broken", "/broken"] {
        site.get(target).await;
    }
    // Two in a row are not three.
    assert_eq!(site.who("/").await, "s");
    for _ in 0..3 {
        assert_eq!(site.get("/broken").await.status(), 500);
    }
    let line = is(&site, "Server web/s is DOWN").await;
    assert!(
        line.contains(
            "reason: Health analyze, info: \"Detected 3 consecutive errors, last one was: Wrong http response\""
        ),
        "{line}"
    );
    assert_eq!(site.get("/").await.status(), 503);
    // Its checks pass, which brings it back.
    is(&site, "Server web/s is UP").await;
    assert_eq!(site.who("/").await, "s");
}

#[tokio::test]
async fn shutdown_sessions() {
    for shuts in [true, false] {
        let health = Origins::new(&["health"]).await;
        let listener = raw();
        let keys = if shuts {
            "on_marked_down = \"shutdown-sessions\""
        } else {
            ""
        };
        let port = health.address(0).port();
        let site = Config::new(
            "",
            &CHECK.replace("{ type", &format!("{{ port = {port}, type")),
        )
        .server("s", listener.local_addr().unwrap(), keys)
        .start()
        .await;
        let mut client = site.send(get("/", "")).await;
        let mut origin = Wire::accept(&listener).await;
        origin.request().await;
        origin
            .send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
            .await;
        client.up_to(b"half").await;
        health.set(0, false);
        is(&site, "Server web/s is DOWN").await;
        if shuts {
            client.closed().await;
            let line = is(&site, " 200 ").await;
            assert!(line.contains(" DD-- "), "{line}");
        } else {
            origin.send("rest").await;
            assert_eq!(client.bytes(4).await, b"rest");
        }
    }
}

/// What a client gets before the first check has an answer, and after it.
async fn before_and_after(init_state: &str, rise: usize) -> (u16, usize) {
    let (open, gate) = watch::channel(false);
    let checks = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&checks);
    let origin = Origin::start(move |request: &Message| match request.target() {
        "/health" => {
            count.fetch_add(1, Ordering::SeqCst);
            Answer::When(gate.clone(), ok("well"))
        }
        _ => Answer::Send(ok("s")),
    })
    .await;
    let check = format!(
        "check = {{ type = \"http\", uri = \"/health\", interval = \"20s\", fast_interval = \"100ms\", down_interval = \"100ms\", timeout = \"20s\", rise = {rise} }}"
    );
    let site = Config::new("", &check)
        .server(
            "s",
            origin.address(),
            &format!("init_state = \"{init_state}\""),
        )
        .start()
        .await;
    let before = site.get("/").await.status();
    open.send(true).unwrap();
    if before != 200 {
        is(&site, "Server web/s is UP").await;
        assert_eq!(site.get("/").await.status(), 200);
    }
    (before, checks.load(Ordering::SeqCst))
}

#[tokio::test]
async fn init_state() {
    assert_eq!(before_and_after("up", 2).await.0, 200);
    assert_eq!(before_and_after("fully-up", 2).await.0, 200);
    let (status, checks) = before_and_after("down", 3).await;
    assert_eq!((status, checks), (503, 1), "one success is enough");
    let (status, checks) = before_and_after("fully-down", 3).await;
    assert_eq!((status, checks), (503, 3), "it takes all of `rise`");
}

#[tokio::test]
async fn redir() {
    let origins = Origins::new(&["a"]).await;
    let site = Config::new("", "")
        .server("a", origins.address(0), "redir = \"http://other.example\"")
        .start()
        .await;
    let answer = site.get("/path?x=1").await;
    assert_eq!(answer.status(), 302);
    assert_eq!(
        answer.get("location"),
        Some("http://other.example/path?x=1")
    );
    let mut client = site
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        .await;
    assert_eq!(client.response().await.body, b"a", "only GET and HEAD");
}
