//! What a check makes of an answer. The expected values were taken from
//! HAProxy 2.6's statistics page under the same answers.

use std::time::Duration;

use lb_core::{
    HealthChecker, Pool, Server,
    health::{Grade, Status},
    policy::RoundRobin,
    server::Operational,
};
use lb_http::{
    Upstream,
    check::{AgentCheck, HttpCheck, TcpCheck},
};
use tokio::{sync::mpsc, time::timeout};
use tower::ServiceExt as _;

use crate::rig::{Act, Backend, DEADLINE, check, nobody, probe, probe_of};

#[tokio::test]
async fn a_response_is_judged_as_haproxy_judges_it() {
    let backend = Backend::start("").await;
    for (answer, code, status, info) in [
        ("HTTP/1.0 200 OK\r\n\r\n", "L7OK", Some(200), None),
        ("HTTP/1.0 200\r\n\r\n", "L7OK", Some(200), None),
        ("HTTP/1.1 302 Found\r\n\r\n", "L7OK", Some(302), None),
        ("HTTP/1.1 399 ZZ\r\n\r\n", "L7OK", Some(399), None),
        (
            "HTTP/1.0 404 Nope\r\n\r\n",
            "L7STS",
            Some(404),
            Some("Nope"),
        ),
        (
            "HTTP/1.0 500 Oops\r\n\r\nerr",
            "L7STS",
            Some(500),
            Some("Oops"),
        ),
        ("HTTP/1.0 500\r\n\r\n", "L7STS", Some(500), None),
        ("HTTP/1.1 101 SP\r\n\r\n", "L7STS", Some(101), Some("SP")),
        ("HTTP/1.0 200 OK\r\nX-A: cut", "L7RSP", None, None),
        ("GARBAGE\r\n\r\n", "L7RSP", None, None),
        ("http/1.1 200 OK\r\n\r\n", "L7RSP", None, None),
        ("HTTP/1.1 200 OK\r\nbad header\r\n\r\n", "L7RSP", None, None),
        ("", "L7RSP", None, None),
    ] {
        backend.set(answer);
        let verdict = check(HttpCheck::get("/"), probe(backend.address)).await;
        assert_eq!(verdict.status().code(), code, "{answer:?}");
        assert_eq!(verdict.code(), status, "{answer:?}");
        assert_eq!(verdict.info(), info, "{answer:?}");
    }
}

#[tokio::test]
async fn all_conditions_must_hold_and_replace_the_usual_rule() {
    let backend = Backend::start("HTTP/1.0 500 Oops\r\nX-A: b\r\n\r\nall well").await;
    let expecting = |conditions: &[&str]| {
        conditions.iter().fold(HttpCheck::get("/"), |check, text| {
            check.expect(text.parse().unwrap())
        })
    };
    let verdict = check(
        expecting(&["hdr name x-a", "string well"]),
        probe(backend.address),
    )
    .await;
    assert_eq!(verdict.to_string(), "Layer7 check passed, code: 500");
    let verdict = check(
        expecting(&["string well", "! string all", "status 200"]),
        probe(backend.address),
    )
    .await;
    assert_eq!(
        verdict.to_string(),
        "Layer7 invalid response, info: \"HTTP check matched unwanted content\""
    );
}

#[tokio::test]
async fn a_text_beyond_the_first_16_kib_is_not_seen() {
    let answer = |filler: usize| {
        let body = format!("{}needle{}", "x".repeat(filler), "x".repeat(20_000));
        Act::Answer(format!("HTTP/1.0 200 OK\r\n\r\n{body}").into_bytes())
    };
    let backend = Backend::start(answer(15_000)).await;
    let needle = || HttpCheck::get("/").expect("string needle".parse().unwrap());
    let verdict = check(needle(), probe(backend.address)).await;
    assert_eq!(verdict.status(), Status::L7Ok);
    backend.set(answer(17_000));
    let verdict = check(needle(), probe(backend.address)).await;
    assert_eq!(verdict.info(), Some("HTTP content check did not match"));
}

#[tokio::test]
async fn a_404_stops_what_is_not_down() {
    let backend = Backend::start("HTTP/1.0 404 Gone\r\n\r\n").await;
    let stopping = HttpCheck::get("/")
        .expect("status 200".parse().unwrap())
        .disable_on_404();
    let verdict = check(stopping.clone(), probe(backend.address)).await;
    assert_eq!(
        (verdict.status(), verdict.code()),
        (Status::L7OkConditional, Some(404))
    );
    let down = Server::new("s", Upstream::from(backend.address)).operational(Operational::Down);
    let verdict = check(stopping, probe_of(down)).await;
    assert_eq!(verdict.status(), Status::L7Status);
}

#[tokio::test]
async fn a_port_where_nobody_listens() {
    let nobody = nobody();
    for verdict in [
        check(TcpCheck::new(), probe(nobody.address)).await,
        check(HttpCheck::get("/"), probe(nobody.address)).await,
    ] {
        assert_eq!(
            verdict.to_string(),
            "Layer4 connection problem, info: \"Connection refused\""
        );
    }
}

#[tokio::test]
async fn a_connection_is_all_a_tcp_check_wants() {
    let backend = Backend::start(Act::Silence).await;
    let verdict = check(TcpCheck::new(), probe(backend.address)).await;
    assert_eq!(verdict.to_string(), "Layer4 check passed");
}

#[tokio::test]
async fn a_check_may_go_to_another_port_or_address() {
    let backend = Backend::start("HTTP/1.0 200 OK\r\n\r\n").await;
    let nobody = nobody();
    let elsewhere = HttpCheck::get("/").port(backend.address.port());
    assert_eq!(
        check(elsewhere, probe(nobody.address)).await.grade(),
        Grade::Passed
    );
    let far = "192.0.2.1:1".parse().unwrap();
    let elsewhere = TcpCheck::new()
        .port(backend.address.port())
        .address(backend.address.ip());
    assert_eq!(check(elsewhere, probe(far)).await.grade(), Grade::Passed);
}

#[tokio::test]
async fn an_agent_says_one_line() {
    let mut backend = Backend::start("75% drain\nnot this").await;
    let nobody = nobody();
    let agent = AgentCheck::new(backend.address.port()).send("question\n");
    let answer = agent.oneshot(probe(nobody.address)).await.unwrap();
    assert_eq!(backend.asked().await, b"question\n");
    assert_eq!(answer, lb_core::health::Answer::parse(b"75% drain"));
    let gone = AgentCheck::new(nobody.address.port());
    assert!(gone.oneshot(probe(nobody.address)).await.is_err());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_out_of_time() {
    let backend = Backend::start(Act::Silence).await;
    let pool = Pool::builder()
        .name("app")
        .with(Server::new("s1", Upstream::from(backend.address)))
        .build(RoundRobin::new())
        .unwrap();
    let (tell, mut lines) = mpsc::unbounded_channel();
    let checker = HealthChecker::new(HttpCheck::get("/"))
        .timeout(Duration::from_millis(100))
        .on_event(move |event| drop(tell.send(event.to_string())));
    tokio::spawn(checker.run(pool));
    lines.recv().await.expect("the check");
    let line = timeout(DEADLINE, lines.recv()).await.unwrap().unwrap();
    assert!(
        line.starts_with("Server app/s1 is DOWN, reason: Layer7 timeout, check duration: "),
        "{line}"
    );
}
