//! The checker over a real pool, on a paused clock: every instant is exact.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tower::{Layer as _, service_fn};

use super::*;
use crate::{
    Pool,
    policy::RoundRobin,
    server::{Administrative, Operational, Server, ServerUid},
};

type TestPool = Pool<(), RoundRobin>;

/// What the server does when it is probed.
#[derive(Clone, Copy)]
enum Act {
    Answer(Status),
    Error,
    HangAt(Stage),
}

/// The servers behind the checks, and what the checker says of them.
#[derive(Clone, Default)]
struct Rig {
    acts: Arc<Mutex<HashMap<String, Act>>>,
    probes: Arc<Mutex<Vec<(String, u64)>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

const OK: Act = Act::Answer(Status::L7Ok);
const REFUSED: Act = Act::Answer(Status::L4Connection);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn pool(names: &[&str]) -> TestPool {
    names
        .iter()
        .fold(Pool::builder().name("app"), |builder, name| {
            builder.with(Server::new(*name, ()))
        })
        .build(RoundRobin::new())
        .unwrap()
}

fn server(pool: &TestPool, name: &str) -> Arc<Server<()>> {
    pool.snapshot().by_name(name).unwrap().clone()
}

fn uid(pool: &TestPool, name: &str) -> ServerUid {
    server(pool, name).uid()
}

impl Rig {
    fn set(&self, name: &str, act: Act) {
        self.acts.lock().unwrap().insert(name.to_owned(), act);
    }

    /// When the server was probed since the last call, in milliseconds.
    fn probes(&self, name: &str) -> Vec<u64> {
        let mut probes = self.probes.lock().unwrap();
        let (mine, others) = probes.drain(..).partition(|(server, _)| server == name);
        *probes = others;
        mine.into_iter().map(|(_, at)| at).collect()
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }

    fn checker(
        &self,
    ) -> HealthChecker<
        impl tower_service::Service<Probe<()>, Response = Verdict, Error = &'static str, Future: Send>
        + Clone
        + Send
        + use<>,
    > {
        let start = Instant::now();
        let (acts, probes) = (self.acts.clone(), self.probes.clone());
        let check = service_fn(move |probe: Probe<()>| {
            let name = probe.server().name().to_owned();
            let act = acts.lock().unwrap().get(&name).copied().unwrap_or(OK);
            let at = u64::try_from(start.elapsed().as_millis()).unwrap();
            probes.lock().unwrap().push((name, at));
            async move {
                match act {
                    Act::Answer(Status::L4Connection) => {
                        Ok(Verdict::new(Status::L4Connection).with_info("Connection refused"))
                    }
                    Act::Answer(status) => Ok(Verdict::new(status).with_code(200)),
                    Act::Error => Err("out of\nports"),
                    Act::HangAt(stage) => {
                        probe.reached(stage);
                        std::future::pending().await
                    }
                }
            }
        });
        let lines = self.lines.clone();
        HealthChecker::new(check).on_event(move |event| {
            if !matches!(event, Event::Checked(_)) {
                lines.lock().unwrap().push(event.to_string());
            }
        })
    }
}

const LEFT: &str = "0 sessions active, 0 requeued, 0 remaining in queue.";
const ONLINE: &str = "0 sessions requeued, 0 total in queue.";

#[tokio::test(start_paused = true)]
async fn a_server_goes_down_and_comes_back_in_haproxys_words() {
    let (rig, pool) = (Rig::default(), pool(&["s1", "s2"]));
    tokio::spawn(rig.checker().interval(millis(100)).run(pool.clone()));
    sleep(millis(50)).await;
    assert!(rig.lines().is_empty(), "UP as it was: nothing to tell");

    rig.set("s1", REFUSED);
    sleep(millis(200)).await;
    assert!(server(&pool, "s1").is_usable(), "two of three failures");
    sleep(millis(100)).await;
    assert_eq!(
        rig.lines(),
        [format!(
            "Server app/s1 is DOWN, reason: Layer4 connection problem, info: \"Connection refused\", \
             check duration: 0ms. 1 active and 0 backup servers left. {LEFT}"
        )]
    );
    assert_eq!(server(&pool, "s1").operational_state(), Operational::Down);
    assert_eq!(server(&pool, "s1").counters().totals().failed_checks, 3);

    rig.set("s2", REFUSED);
    sleep(millis(300)).await;
    let lines = rig.lines();
    assert_eq!(lines[1], "backend app has no server available!");

    rig.set("s1", OK);
    sleep(millis(200)).await;
    assert_eq!(
        rig.lines(),
        [format!(
            "Server app/s1 is UP, reason: Layer7 check passed, code: 200, check duration: 0ms. \
             1 active and 0 backup servers online. {ONLINE}"
        )]
    );
    assert!(server(&pool, "s1").is_usable());
}

#[tokio::test(start_paused = true)]
async fn the_first_check_is_at_once_and_decides() {
    let (rig, pool) = (Rig::default(), pool(&["s1"]));
    rig.set("s1", REFUSED);
    tokio::spawn(rig.checker().run(pool.clone()));
    sleep(millis(1)).await;
    assert!(!server(&pool, "s1").is_usable());
}

#[tokio::test(start_paused = true)]
async fn checks_keep_the_interval_of_the_state() {
    let (rig, pool) = (Rig::default(), pool(&["s1"]));
    let checker = rig.checker().interval(millis(1000));
    let checker = checker
        .fast_interval(millis(100))
        .down_interval(millis(5000));
    tokio::spawn(checker.run(pool.clone()));
    sleep(millis(2500)).await;
    rig.set("s1", REFUSED);
    sleep(millis(1000)).await;
    rig.set("s1", OK);
    sleep(millis(6000)).await;
    assert_eq!(
        rig.probes("s1"),
        [0, 1000, 2000, 3000, 3100, 3200, 8200, 8300, 9300]
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_that_takes_too_long_is_named_after_its_stage() {
    for (stage, code) in [
        (Stage::Connect, "L4TOUT"),
        (Stage::Handshake, "L6TOUT"),
        (Stage::Exchange, "L7TOUT"),
    ] {
        let (rig, pool) = (Rig::default(), pool(&["s1"]));
        rig.set("s1", Act::HangAt(stage));
        let checker = rig.checker().interval(millis(1000)).timeout(millis(300));
        let handle = checker.handle();
        tokio::spawn(checker.run(pool.clone()));
        sleep(millis(299)).await;
        assert!(handle.report(uid(&pool, "s1")).unwrap().verdict.is_none());
        sleep(millis(2)).await;
        let verdict = handle.report(uid(&pool, "s1")).unwrap().verdict.unwrap();
        assert_eq!(verdict.status().code(), code);
        assert_eq!(verdict.duration(), Some(millis(300)));
        sleep(millis(1001)).await;
        assert_eq!(
            rig.probes("s1"),
            [0, 1300],
            "from the end of the one before"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_time_out_the_interval_is_the_limit() {
    let (rig, pool) = (Rig::default(), pool(&["s1"]));
    rig.set("s1", Act::HangAt(Stage::Connect));
    tokio::spawn(rig.checker().interval(millis(500)).run(pool.clone()));
    sleep(millis(499)).await;
    assert!(server(&pool, "s1").is_usable());
    sleep(millis(2)).await;
    assert!(!server(&pool, "s1").is_usable());
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_or_errs_disturbs_no_other() {
    let (rig, pool) = (Rig::default(), pool(&["s1", "s2", "s3"]));
    rig.set("s1", Act::HangAt(Stage::Connect));
    rig.set("s2", Act::Error);
    let checker = rig.checker().interval(millis(1000)).timeout(millis(60_000));
    let handle = checker.handle();
    tokio::spawn(checker.run(pool.clone()));
    sleep(millis(3500)).await;
    assert_eq!(rig.probes("s3").len(), 4);
    let verdict = handle.report(uid(&pool, "s2")).unwrap().verdict.unwrap();
    assert_eq!(
        verdict.to_string(),
        "Socket error, info: \"out of?ports\", check duration: 0ms"
    );
    assert_eq!(verdict.status().code(), "SOCKERR");
}

#[tokio::test(start_paused = true)]
async fn servers_that_come_are_checked_and_those_that_go_are_not() {
    let (rig, pool) = (Rig::default(), pool(&["s1"]));
    let checker = rig.checker().interval(millis(1000));
    let handle = checker.handle();
    tokio::spawn(checker.run(pool.clone()));
    sleep(millis(1500)).await;
    rig.set("s2", REFUSED);
    let s2 = pool.insert(Server::new("s2", ())).unwrap();
    sleep(millis(1)).await;
    assert_eq!(rig.probes("s2"), [1500]);
    assert!(!s2.is_usable());

    pool.remove(s2.uid());
    sleep(millis(5000)).await;
    assert!(rig.probes("s2").is_empty());
    assert!(handle.report(s2.uid()).is_none());
    assert_eq!(rig.probes("s1"), [0, 1000, 2000, 3000, 4000, 5000, 6000]);
}

#[tokio::test(start_paused = true)]
async fn a_server_in_maintenance_is_left_alone() {
    let (rig, pool) = (Rig::default(), pool(&["s1", "s2"]));
    let checker = rig.checker().interval(millis(1000));
    let handle = checker.handle();
    tokio::spawn(checker.run(pool.clone()));
    sleep(millis(500)).await;
    let s1 = server(&pool, "s1");
    pool.set_administrative(&s1, Administrative::Maint);
    sleep(millis(5200)).await;
    assert_eq!(rig.probes("s1").len(), 1);
    assert_eq!(handle.report(s1.uid()).unwrap().status(), "MAINT");

    pool.set_administrative(&s1, Administrative::Ready);
    sleep(millis(1)).await;
    assert_eq!(rig.probes("s1"), [5700], "at once when it is over");
    pool.set_administrative(&s1, Administrative::Drain);
    sleep(millis(2000)).await;
    assert_eq!(rig.probes("s1"), [6700, 7700], "a drain is checked");
    assert_eq!(handle.report(s1.uid()).unwrap().status(), "DRAIN");
    assert_eq!(
        rig.lines(),
        [
            format!(
                "Server app/s1 is going DOWN for maintenance. \
                 1 active and 0 backup servers left. {LEFT}"
            ),
            "Server app/s1 is UP/READY (leaving forced maintenance).".to_owned(),
            format!(
                "Server app/s1 enters drain state. 1 active and 0 backup servers online. {ONLINE}"
            ),
        ]
    );
}

/// Stands for a proxy.
struct Proxy(Option<Observer>);

impl Observable for Proxy {
    fn observed_by(self, observer: Observer) -> Self {
        Self(Some(observer))
    }
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_traffic_in_a_row_count_as_a_failed_check() {
    let (rig, pool) = (Rig::default(), pool(&["s1", "s2"]));
    let rules = Rules::new()
        .interval(millis(60_000))
        .fast_interval(millis(100));
    let checker = rig
        .checker()
        .rules(rules.observe(Observe::Layer7).error_limit(10))
        .server("s2", |checkup| checkup.rules(|r| r.observe(Observe::Off)));
    let proxy = checker.layer(Proxy(None));
    let handle = checker.handle();
    tokio::spawn(checker.run(pool.clone()));
    sleep(millis(1000)).await;
    rig.probes("s1");
    let observer = proxy.0.expect("the layer told the proxy");
    let report = |name| handle.report(uid(&pool, name)).unwrap();
    let errors = |name, errors| {
        for _ in 0..errors {
            observer.observe(&server(&pool, name), Outcome::Response(503));
        }
    };

    errors("s1", 9);
    observer.observe(&server(&pool, "s1"), Outcome::Response(200));
    errors("s1", 9);
    errors("s2", 50);
    sleep(millis(1)).await;
    assert_eq!(report("s1").status(), "UP", "never ten in a row");
    errors("s1", 1);
    sleep(millis(1)).await;
    assert_eq!(report("s1").status(), "UP 2/3");
    assert_eq!(
        report("s1").verdict.unwrap().to_string(),
        "Health analyze, info: \"Detected 10 consecutive errors, \
         last one was: Wrong http response\""
    );
    assert_eq!(report("s2").status(), "UP", "not observed");
    sleep(millis(200)).await;
    assert_eq!(rig.probes("s1"), [1101], "the check is brought forward");
    assert_eq!(report("s1").status(), "UP");
}

#[tokio::test(start_paused = true)]
async fn an_agent_has_its_say() {
    let (rig, pool) = (Rig::default(), pool(&["s1", "s2"]));
    let line: Arc<Mutex<Option<&[u8]>>> = Arc::default();
    let says = line.clone();
    let agent = service_fn(move |_: Probe<()>| {
        let line = *says.lock().unwrap();
        async move { line.map(Answer::parse).ok_or("connection refused") }
    });
    let checker = rig
        .checker()
        .interval(millis(100))
        .agent(agent, millis(100))
        .server("s2", |checkup| checkup.without_agent());
    let handle = checker.handle();
    tokio::spawn(checker.run(pool.clone()));
    let s1 = server(&pool, "s1");
    let status = || handle.report(s1.uid()).unwrap().status();
    let say = async |words: &'static [u8]| {
        *line.lock().unwrap() = Some(words);
        sleep(millis(150)).await;
    };

    sleep(millis(500)).await;
    assert_eq!(
        status(),
        "UP",
        "an agent that cannot be reached is no error"
    );
    say(b"fail#disk full").await;
    assert_eq!(status(), "DOWN (agent)");
    assert_eq!(
        rig.lines(),
        [format!(
            "Server app/s1 is DOWN, reason: Layer7 wrong status, code: 0, info: \"via agent : fail \
             (disk full)\". 1 active and 0 backup servers left. {LEFT}"
        )]
    );
    say(b"up 300% maxconn:7").await;
    assert_eq!(status(), "UP");
    assert_eq!(s1.user_weight(), 3);
    assert_eq!(s1.limit(pool.load()), Some(7));
    say(b"maint").await;
    assert_eq!(status(), "MAINT");
    say(b"up").await;
    assert_eq!(status(), "MAINT", "`up` is not `ready`");
    say(b"ready").await;
    assert_eq!(status(), "UP");
    assert!(server(&pool, "s2").is_usable());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_tracks_is_what_the_other_is() {
    let (rig, app) = (Rig::default(), pool(&["s1", "s2"]));
    let checker = rig.checker().interval(millis(100));
    let own = checker.handle();
    let checker = checker.server("s2", |checkup| checkup.track(own.clone(), "app", "s1"));
    let far_rig = Rig::default();
    let far = pool(&["far"]);
    let follower = far_rig
        .checker()
        .server("far", |checkup| checkup.track(own, "app", "s2"));
    let handle = follower.handle();
    tokio::spawn(follower.run(far.clone()));
    tokio::spawn(checker.run(app.clone()));
    sleep(millis(50)).await;
    rig.lines();

    rig.set("s1", REFUSED);
    sleep(millis(300)).await;
    assert!(!server(&app, "s1").is_usable());
    assert!(!server(&app, "s2").is_usable());
    assert!(!server(&far, "far").is_usable(), "along a chain");
    assert_eq!(
        far_rig.lines(),
        [
            format!(
                "Server app/far is DOWN via app/s2. 0 active and 0 backup servers left. {LEFT}"
            ),
            "backend app has no server available!".to_owned()
        ]
    );
    rig.set("s1", OK);
    sleep(millis(200)).await;
    assert!(server(&far, "far").is_usable());
    assert!(rig.probes("s2").is_empty(), "not checked itself");

    app.set_administrative(&server(&app, "s1"), Administrative::Drain);
    sleep(millis(1)).await;
    let state = server(&far, "far");
    assert!(!state.is_usable() && state.takes_bound_clients());
    app.set_administrative(&server(&app, "s1"), Administrative::Maint);
    sleep(millis(1)).await;
    assert!(!state.takes_bound_clients());
    assert_eq!(state.administrative_state(), Administrative::Ready);
    assert_eq!(
        handle.report(state.uid()).unwrap().status(),
        "MAINT (via app/s2)"
    );
    app.set_administrative(&server(&app, "s1"), Administrative::Ready);
    sleep(millis(1)).await;
    assert!(state.is_usable());
}

#[tokio::test(start_paused = true)]
async fn slow_start_takes_the_weight_up_step_by_step() {
    let rig = Rig::default();
    let server = Server::new("s1", ()).weight(10).slow_start(millis(10_000));
    let pool = Pool::builder()
        .with(server)
        .build(RoundRobin::new())
        .unwrap();
    let s1 = pool.snapshot().all()[0].clone();
    let checker = rig.checker().interval(millis(100)).rise(1).fall(1);
    tokio::spawn(checker.run(pool.clone()));
    sleep(millis(50)).await;
    assert_eq!(s1.effective_weight(), 160, "no ramp at the start");
    rig.set("s1", REFUSED);
    sleep(millis(100)).await;
    rig.set("s1", OK);
    let mut weights = Vec::new();
    for _ in 0..11 {
        sleep(millis(1000)).await;
        weights.push(s1.effective_weight());
    }
    assert_eq!(weights, [1, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160]);
}

#[tokio::test(start_paused = true)]
async fn one_server_may_differ() {
    let (rig, pool) = (Rig::default(), pool(&["s1", "s2", "s3"]));
    for name in ["s1", "s2", "s3"] {
        rig.set(name, REFUSED);
    }
    let checker = rig
        .checker()
        .interval(millis(100))
        .server("s2", |checkup| checkup.unchecked())
        .server("s3", |checkup| {
            checkup.rules(|rules| rules.init_state(InitState::FullyUp).fall(5))
        });
    let handle = checker.handle();
    tokio::spawn(checker.run(pool.clone()));
    sleep(millis(350)).await;
    let status = |name| handle.report(uid(&pool, name)).unwrap().status();
    assert_eq!(status("s1"), "DOWN");
    assert_eq!(status("s2"), "no check");
    assert_eq!(status("s3"), "UP 1/5");
    assert!(rig.probes("s2").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_checker_goes_on_where_an_earlier_one_ended() {
    let (rig, pool) = (Rig::default(), pool(&["s1", "s2"]));
    rig.set("s1", REFUSED);
    let first = rig.checker();
    let earlier = first.handle();
    let running = tokio::spawn(first.run(pool.clone()));
    sleep(millis(5)).await;
    running.abort();
    let next = rig.checker().resume(earlier);
    let handle = next.handle();
    rig.lines();
    tokio::spawn(next.run(pool.clone()));
    rig.set("s2", REFUSED);
    sleep(millis(5)).await;
    let status = |name| handle.report(uid(&pool, name)).unwrap().status();
    assert_eq!(
        (status("s1"), status("s2")),
        ("DOWN".into(), "UP 2/3".into())
    );
    assert!(rig.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_when_checks_begin_needs_a_success() {
    let rig = Rig::default();
    let down = Server::new("s1", ()).operational(Operational::Down);
    let pool = Pool::builder().with(down).build(RoundRobin::new()).unwrap();
    rig.set("s1", Act::HangAt(Stage::Connect));
    tokio::spawn(rig.checker().interval(millis(100)).run(pool.clone()));
    sleep(millis(450)).await;
    assert!(!pool.snapshot().all()[0].is_usable());
    rig.set("s1", OK);
    sleep(millis(400)).await;
    assert!(pool.snapshot().all()[0].is_usable());
}

/// As HAProxy counts: a drain is a change of state, and only a maintenance is downtime.
#[tokio::test(start_paused = true)]
async fn an_operators_change_is_one_of_the_state_and_maintenance_is_downtime() {
    let (rig, pool) = (Rig::default(), pool(&["s1"]));
    let checker = rig.checker().interval(millis(100));
    let handle = checker.handle();
    let (id, began) = (uid(&pool, "s1"), Instant::now());
    tokio::spawn(checker.run(pool.clone()));
    let mut seen = Vec::new();
    for state in [
        Administrative::Drain,
        Administrative::Maint,
        Administrative::Ready,
    ] {
        sleep(millis(1000)).await;
        pool.set_administrative(&server(&pool, "s1"), state);
        sleep(millis(500)).await;
        let report = handle.report(id).unwrap();
        let since = report.since - began;
        seen.push((
            since.as_secs(),
            report.downtime(Instant::now()).as_millis() / 100,
        ));
    }
    assert_eq!(seen, [(1, 0), (2, 5), (4, 15)]);
}

#[tokio::test(start_paused = true)]
async fn an_operator_may_overrule_and_suspend_checks() {
    let (rig, pool) = (Rig::default(), pool(&["s1"]));
    let checker = rig.checker().interval(millis(100));
    let handle = checker.handle();
    let id = uid(&pool, "s1");
    assert!(!handle.force(id, Operational::Down), "not running yet");
    tokio::spawn(checker.run(pool.clone()));
    sleep(millis(50)).await;
    assert!(handle.set_checked(id, false));
    assert!(handle.force(id, Operational::Down));
    rig.probes("s1");
    sleep(millis(5000)).await;
    let report = handle.report(id).unwrap();
    assert_eq!(report.label.to_string(), "DOWN");
    assert_eq!(report.downtime(Instant::now()), millis(5000));
    assert!(rig.probes("s1").is_empty());
    assert!(rig.lines()[0].starts_with("Server app/s1 is DOWN, changed from CLI. 0 active"));
    assert!(handle.set_checked(id, true));
    sleep(millis(150)).await;
    assert_eq!(rig.probes("s1"), [5050, 5150]);
    assert!(server(&pool, "s1").is_usable());
}

#[tokio::test(start_paused = true)]
async fn who_comes_later_is_treated_as_is_said_then() {
    let (rig, pool) = (Rig::default(), pool(&["s1"]));
    let checker = rig.checker().interval(millis(100));
    let usual = checker.usual();
    let checker = checker.newcomers(move |name| match name {
        "quiet" => Some(usual.clone().unchecked()),
        "slow" => Some(usual.clone().rules(|rules| rules.interval(millis(500)))),
        _ => None,
    });
    tokio::spawn(checker.run(pool.clone()));
    sleep(millis(50)).await;
    for name in ["quiet", "slow", "other"] {
        pool.insert(Server::new(name, ())).unwrap();
    }
    sleep(millis(2000)).await;
    assert!(rig.probes("quiet").is_empty());
    let (slow, other) = (rig.probes("slow").len(), rig.probes("other").len());
    assert!(
        slow > 0 && other > 3 * slow,
        "{slow} of one, {other} of the other"
    );
}
