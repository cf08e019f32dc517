//! A server that dies under load, and comes back, costs no client anything.
//!
//! Two origins, clients on kept connections and on new ones, thousands of requests a second. One
//! origin is killed in the middle, every connection reset and the port closed, and later starts again.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{
    address,
    message::Message,
    origin::{Answer, Origin, ok},
    process::Process,
    until,
    wire::Wire,
};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

/// Clients of each kind and how often each asks: 3,000 requests a second where the machine has the time.
const KEPT: usize = 20;
const FRESH: usize = 6;
const POSTING: usize = 4;
const PACE: Duration = Duration::from_millis(10);

/// Requests that make a phase of a test.
const PHASE: usize = 2_500;

/// What the clients have seen.
#[derive(Default)]
struct Tally {
    stop: AtomicBool,
    done: AtomicUsize,
    posts: AtomicUsize,
    failed: Mutex<Vec<String>>,
    failed_posts: Mutex<Vec<String>>,
}

impl Tally {
    fn record(&self, is_post: bool, outcome: Result<u16, String>) {
        self.done.fetch_add(1, Ordering::SeqCst);
        let failed = match is_post {
            true => {
                self.posts.fetch_add(1, Ordering::SeqCst);
                &self.failed_posts
            }
            false => &self.failed,
        };
        match outcome {
            Ok(200) => {}
            Ok(status) => failed.lock().unwrap().push(status.to_string()),
            Err(error) => failed.lock().unwrap().push(error),
        }
    }

    /// Waits until so many more requests have been answered.
    async fn phase(&self) {
        let goal = self.done.load(Ordering::SeqCst) + PHASE;
        until("the requests of a phase", || {
            (self.done.load(Ordering::SeqCst) >= goal).then_some(())
        })
        .await;
    }
}

/// One client until it is told to stop.
async fn client(front: SocketAddr, kind: Kind, number: usize, tally: Arc<Tally>) {
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut kept: Option<Wire> = None;
    for count in 0.. {
        ticks.tick().await;
        if tally.stop.load(Ordering::SeqCst) {
            return;
        }
        let request = match kind {
            Kind::Post => format!(
                "POST / HTTP/1.1\r\nHost: a.example\r\nX-Id: {number}-{count}\r\nContent-Length: 4\r\n\r\nbody"
            ),
            _ => "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n".to_owned(),
        };
        let mut wire = match kept.take() {
            Some(wire) => wire,
            None => Wire::connect(front).await,
        };
        wire.send(request).await;
        let answer = tokio::time::timeout(common::PATIENCE, wire.try_response()).await;
        let answer = answer.unwrap_or_else(|_| Err("no answer".into()));
        if let Ok(answer) = &answer
            && kind != Kind::Fresh
            && !answer
                .fields
                .list("connection")
                .contains(&"close".to_owned())
        {
            kept = Some(wire);
        }
        tally.record(kind == Kind::Post, answer.map(|answer| answer.status()));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Kept,
    Fresh,
    Post,
}

/// Two origins behind `lb`, under load.
struct Scene {
    lb: Process,
    a: Origin,
    b: Origin,
    /// What b answers to checks.
    healthy: Arc<AtomicBool>,
    /// How often each POST has arrived at any origin.
    posts: Arc<Mutex<HashMap<String, usize>>>,
    tally: Arc<Tally>,
    clients: JoinSet<()>,
}

impl Scene {
    async fn start() -> Self {
        let healthy = Arc::new(AtomicBool::new(true));
        let posts = Arc::new(Mutex::new(HashMap::new()));
        let handler = |healthy: Arc<AtomicBool>| {
            let posts = Arc::clone(&posts);
            move |request: &Message| answer(request, &healthy, &posts)
        };
        let a = Origin::start(handler(Arc::new(AtomicBool::new(true)))).await;
        let b = Origin::start(handler(Arc::clone(&healthy))).await;
        let front = address::free();
        let config = format!(
            "[global]\nlog = [{{ to = \"stdout\" }}]\n\
             [frontend.http]\nbind = [\"{front}\"]\ndefault_backend = \"web\"\n\
             [backend.web]\n\
             check = {{ type = \"http\", uri = \"/health\", interval = \"200ms\", timeout = \"5s\", rise = 2, fall = 2 }}\n\
             server = [{{ name = \"a\", address = \"{}\" }}, {{ name = \"b\", address = \"{}\" }}]\n",
            a.address(),
            b.address()
        );
        let lb = Process::lb(&config, &[front]).await;
        let tally = Arc::new(Tally::default());
        let mut clients = JoinSet::new();
        for (kind, count) in [
            (Kind::Kept, KEPT),
            (Kind::Fresh, FRESH),
            (Kind::Post, POSTING),
        ] {
            for number in 0..count {
                clients.spawn(client(front, kind, number, Arc::clone(&tally)));
            }
        }
        let scene = Self {
            lb,
            a,
            b,
            healthy,
            posts,
            tally,
            clients,
        };
        scene.tally.phase().await;
        scene
    }

    async fn stop(mut self) -> Arc<Tally> {
        self.tally.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = self.clients.join_next().await {
            ended.unwrap();
        }
        let twice: Vec<_> = {
            let posts = self.posts.lock().unwrap();
            let twice = posts.iter().filter(|(_, times)| **times > 1);
            twice.map(|(id, _)| id.clone()).collect()
        };
        assert!(twice.is_empty(), "POSTs that were sent twice: {twice:?}");
        let failed = std::mem::take(&mut *self.tally.failed.lock().unwrap());
        assert!(
            failed.is_empty(),
            "{} requests failed: {:?}",
            failed.len(),
            failed.get(..5).unwrap_or(&failed)
        );
        Arc::clone(&self.tally)
    }

    /// Waits for the line, and holds it to HAProxy's words.
    async fn says(&self, what: &str, begins: &str, ends: &str) {
        let line = self.lb.logged(what, |line| line.contains(what)).await;
        let line = line.split_once("Server ").unwrap().1;
        assert!(
            line.starts_with(begins) && line.ends_with(ends),
            "{line:?} is not {begins:?} … {ends:?}"
        );
    }
}

fn answer(
    request: &Message,
    healthy: &AtomicBool,
    posts: &Mutex<HashMap<String, usize>>,
) -> Answer {
    if let Some(id) = request.get("x-id") {
        *posts.lock().unwrap().entry(id.to_owned()).or_default() += 1;
    }
    let fails = request.target() == "/health" && !healthy.load(Ordering::SeqCst);
    Answer::Send(match fails {
        true => b"HTTP/1.1 503 Draining\r\nContent-Length: 0\r\n\r\n".to_vec(),
        false => ok("hello"),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_fails_no_request() {
    let scene = Scene::start().await;
    assert!(scene.a.requests() > PHASE / 4 && scene.b.requests() > PHASE / 4);
    scene.b.kill().await;
    scene
        .says(
            "web/b is DOWN",
            "web/b is DOWN, reason: Layer4 connection problem, info: \"Connection refused\", check duration: ",
            " requeued, 0 remaining in queue.",
        )
        .await;
    let before = scene.b.requests();
    scene.tally.phase().await;
    assert_eq!(scene.b.requests(), before, "it is dead");
    scene.b.revive().await;
    scene
        .says(
            "web/b is UP",
            "web/b is UP, reason: Layer7 check passed, code: 200, check duration: ",
            ". 2 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.",
        )
        .await;
    let before = scene.b.requests();
    scene.tally.phase().await;
    let got = scene.b.requests() - before;
    assert!(
        got > PHASE / 4,
        "{got} of {PHASE} requests went to the server that is back"
    );
    let tally = scene.stop().await;
    // A POST that a server may have seen cannot be sent again: its client is told so.
    let failed = tally.failed_posts.lock().unwrap();
    let told = failed.iter().all(|error| error == "502" || error == "503");
    assert!(told, "{failed:?}");
    assert!(failed.len() <= 2 * POSTING, "{failed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_it_will_go_fails_none_at_all() {
    let scene = Scene::start().await;
    // Its check fails, but it serves what still comes.
    scene.healthy.store(false, Ordering::SeqCst);
    scene
        .says(
            "web/b is DOWN",
            "web/b is DOWN, reason: Layer7 wrong status, code: 503, info: \"Draining\", check duration: ",
            " requeued, 0 remaining in queue.",
        )
        .await;
    scene.tally.phase().await;
    let before = scene.b.requests();
    scene.b.kill().await;
    scene.tally.phase().await;
    assert_eq!(scene.b.requests(), before);
    scene.healthy.store(true, Ordering::SeqCst);
    scene.b.revive().await;
    scene
        .says(
            "web/b is UP",
            "web/b is UP, reason: Layer7 check passed",
            "",
        )
        .await;
    scene.tally.phase().await;
    assert!(scene.b.requests() > before + PHASE / 4);
    let tally = scene.stop().await;
    assert!(tally.posts.load(Ordering::SeqCst) > PHASE / 10);
    let failed = tally.failed_posts.lock().unwrap();
    assert!(failed.is_empty(), "{failed:?}");
}
