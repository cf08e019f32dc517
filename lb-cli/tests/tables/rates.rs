//! A client that asks too often.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::common::{
    PATIENCE,
    origin::{Origin, ok},
    site::{Config, get},
};

/// Long enough for 21 requests on a busy machine, short enough to wait for.
const PERIOD: Duration = Duration::from_secs(6);

#[tokio::test]
async fn the_21st_request_in_a_period_gets_429_and_later_ones_pass_again() {
    let origin = Origin::named("origin").await;
    let mut config = Config::new(
        r#"http_request = [
            "track-sc0 src table rate",
            "deny deny_status 429 if { sc0_http_req_rate gt 20 }",
        ]"#,
        "",
    );
    config.more = "[table.rate]\ntype = \"ip\"\nsize = 1000\nexpire = \"1m\"\n\
                   store = [\"http_req_rate(6s)\"]\n"
        .to_owned();
    let site = config.server("s1", origin.address(), "").start().await;

    let began = Instant::now();
    let mut wire = site.send("").await;
    let mut statuses = Vec::new();
    for _ in 0..21 {
        wire.send(get("/", "")).await;
        statuses.push(wire.response().await.status());
        if statuses.last() == Some(&429) {
            break;
        }
    }
    assert!(began.elapsed() < PERIOD, "this machine is too slow to tell");
    assert_eq!(statuses, [&[200; 20][..], &[429]].concat());
    assert_eq!(origin.requests(), 20);

    // Each refused one counts, too: a client must slow down, as this one does.
    let deadline = Instant::now() + PERIOD * 2 + PATIENCE;
    while site.get("/").await.status() == 429 {
        assert!(Instant::now() < deadline, "it is refused for ever");
        sleep(PERIOD / 4).await;
    }
    assert!(began.elapsed() >= PERIOD, "21 within the period");
}

#[tokio::test]
async fn a_client_has_at_most_so_many_requests_at_a_time() {
    let (open, gate) = tokio::sync::watch::channel(false);
    let origin =
        Origin::start(move |_| super::common::origin::Answer::When(gate.clone(), ok("done"))).await;
    let mut config = Config::new(
        r#"http_request = ["track-sc0 src table now", "deny deny_status 429 if { sc0_conn_cur gt 2 }"]"#,
        "abortonclose = true",
    );
    config.more = "[table.now]\ntype = \"ip\"\nstore = [\"conn_cur\"]\n".to_owned();
    let site = config.server("s1", origin.address(), "").start().await;

    let mut first = site.send(get("/", "")).await;
    let mut second = site.send(get("/", "")).await;
    super::common::until("two at the origin", || {
        (origin.requests() == 2).then_some(())
    })
    .await;
    assert_eq!(site.get("/").await.status(), 429);
    // One gives up, and another may take its place.
    drop(second);
    second = loop {
        let mut wire = site.send(get("/", "")).await;
        // Either it is refused at once, or it waits at the origin.
        tokio::select! {
            refused = wire.response() => assert_eq!(refused.status(), 429),
            () = third(&origin) => break wire,
        }
    };
    open.send(true).unwrap();
    assert_eq!(first.response().await.status(), 200);
    assert_eq!(second.response().await.status(), 200);
    assert_eq!(site.get("/").await.status(), 200);
}

async fn third(origin: &Origin) {
    super::common::until("a third at the origin", || {
        (origin.requests() == 3).then_some(())
    })
    .await;
}
