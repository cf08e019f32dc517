//! Thousands of clients for ten places: everybody is served or told, and nothing stays behind.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{
    address,
    origin::{Answer, Origin, ok},
    process::Process,
    until,
    wire::Wire,
    within,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{sync::watch, task::JoinSet};

const CLIENTS: usize = 4_000;
/// Requests at a time that each server takes.
const PLACES: usize = 10;
const GET: &str = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

/// A client and both ends of `lb` for each: as many descriptors as the system lets us have.
fn allow_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

struct Scene {
    lb: Process,
    front: SocketAddr,
    origins: Vec<Origin>,
    /// Open files before the first request.
    idle: usize,
    /// The counts in the log line of a client that is alone.
    alone: String,
}

impl Scene {
    async fn start(
        servers: usize,
        backend: &str,
        answer: impl Fn() -> Answer + Clone + Send + Sync + 'static,
    ) -> Self {
        allow_descriptors();
        let front = address::free();
        let mut config = format!(
            "[global]\nlog = [{{ to = \"stdout\" }}]\n\
             [frontend.http]\nbind = [\"{front}\"]\ndefault_backend = \"web\"\n\
             timeout = {{ http_keep_alive = \"300ms\" }}\n\
             [backend.web]\npool = {{ idle_timeout = \"300ms\" }}\n{backend}\n"
        );
        let mut origins = Vec::new();
        for n in 0..servers {
            let answer = answer.clone();
            let origin = Origin::start(move |request| match request.target() {
                "/alone" => Answer::Send(ok("alone")),
                _ => answer(),
            })
            .await;
            config.push_str(&format!(
                "[[backend.web.server]]\nname = \"s{n}\"\naddress = \"{}\"\nmaxconn = {PLACES}\n",
                origin.address()
            ));
            origins.push(origin);
        }
        let lb = Process::lb(&config, &[front]).await;
        let mut scene = Self {
            idle: lb.open_files(),
            lb,
            front,
            origins,
            alone: String::new(),
        };
        scene.alone = scene.one_alone("/alone").await;
        scene.quiet().await;
        scene
    }

    /// One request while there is no other; the counts in its log line.
    async fn one_alone(&self, target: &str) -> String {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n");
        let before = self.lb.log().lines().count();
        let mut client = Wire::send_to(self.front, request).await;
        assert_eq!(client.response().await.status(), 200);
        let line = until("its log line", || {
            self.lb.log().lines().nth(before).map(str::to_owned)
        })
        .await;
        counts(&line)
    }

    /// All connections are gone, and nothing else is open that was not before.
    async fn quiet(&self) {
        until("all descriptors to be closed", || {
            // The connection that found it listening may still have been open then.
            (self.lb.open_files() <= self.idle).then_some(())
        })
        .await;
    }

    /// The counters are those of a client that is alone, everything is closed, and all still works.
    async fn nothing_leaked(&self) {
        self.quiet().await;
        assert_eq!(self.one_alone("/alone").await, self.alone);
        self.quiet().await;
        // Not one place has been lost.
        let mut clients = JoinSet::new();
        for _ in 0..PLACES * self.origins.len() {
            clients.spawn(ask(self.front));
        }
        assert!(statuses(clients).await.iter().all(|status| *status == 200));
    }

    /// The longest queue that a log line tells of.
    fn longest_queue(&self) -> usize {
        let log = self.lb.log();
        let queues = log.lines().filter_map(|line| {
            let queues = counts(line);
            queues.rsplit_once('/')?.1.parse().ok()
        });
        queues.max().unwrap_or(0)
    }
}

/// `actconn/feconn/beconn/srv_conn/retries srv_queue/backend_queue` of a log line.
fn counts(line: &str) -> String {
    let fields: Vec<_> = line.split(' ').collect();
    let [.., conns, queues, _, _, _] = fields[..] else {
        panic!("not a line of a request: {line}");
    };
    format!("{conns} {queues}")
}

async fn ask(front: SocketAddr) -> u16 {
    let mut client = Wire::send_to(front, GET).await;
    client.response().await.status()
}

async fn statuses(mut clients: JoinSet<u16>) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some(status) = clients.join_next().await {
        statuses.push(status.unwrap());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_who_wait_are_served() {
    let scene = Scene::start(2, "timeout = { queue = \"1m\" }", || {
        Answer::After(Duration::from_millis(5), ok("served"))
    })
    .await;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(ask(scene.front));
    }
    let statuses = within("everybody to be served", statuses(clients)).await;
    assert_eq!(statuses.len(), CLIENTS);
    assert!(statuses.iter().all(|status| *status == 200));
    for origin in &scene.origins {
        assert!(
            origin.peak() <= PLACES,
            "{} requests at a time",
            origin.peak()
        );
        assert!(
            origin.requests() > CLIENTS / 4,
            "only {}",
            origin.requests()
        );
    }
    scene.nothing_leaked().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_too_long_is_told() {
    let (open, gate) = watch::channel(false);
    let scene = Scene::start(2, "timeout = { queue = \"1500ms\" }", move || {
        Answer::When(gate.clone(), ok("served"))
    })
    .await;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(ask(scene.front));
    }
    let places = PLACES * scene.origins.len();
    // Nobody is served before all others have been sent away.
    let mut told = 0;
    while told < CLIENTS - places {
        let status = within("the time-out of the queue", clients.join_next()).await;
        assert_eq!(status.unwrap().unwrap(), 503);
        told += 1;
    }
    open.send(true).unwrap();
    assert_eq!(statuses(clients).await, vec![200; places]);
    assert!(
        scene.longest_queue() > CLIENTS / 4,
        "{}",
        scene.longest_queue()
    );
    let log = scene.lb.log();
    let line = log.lines().find(|line| line.contains(" 503 ")).unwrap();
    assert!(line.contains(" http web/<NOSRV> 0/1"), "{line}");
    assert!(line.contains(" sQ-- "), "{line}");
    scene.nothing_leaked().await;
}

/// The client of the second request has gone when a place comes free. Does its request take it?
async fn is_served_after_it_has_gone(abortonclose: bool) -> bool {
    let front = address::free();
    let listener = common::origin::raw();
    let config = format!(
        "[global]\nlog = [{{ to = \"stdout\" }}]\nworkers = 1\n\
         [frontend.http]\nbind = [\"{front}\"]\ndefault_backend = \"web\"\n\
         [backend.web]\nabortonclose = {abortonclose}\ntimeout = {{ queue = \"1m\" }}\n\
         server = [{{ name = \"s\", address = \"{}\", maxconn = 1 }}]\n",
        listener.local_addr().unwrap()
    );
    let lb = Process::lb(&config, &[front]).await;
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n");
    let mut first = Wire::send_to(front, get("/first")).await;
    let mut origin = Wire::accept(&listener).await;
    assert_eq!(origin.request().await.target(), "/first");
    let mut second = Wire::send_to(front, get("/second")).await;
    second.finish().await;
    if abortonclose {
        let line = lb
            .logged("the second", |line| line.contains("/second"))
            .await;
        assert!(line.contains(" http web/<NOSRV> 0/"), "{line}");
        assert!(line.contains(" -1 0 - - CQ-- "), "{line}");
        assert!(line.contains(" 0/1 \"GET /second "), "{line}");
    }
    let mut third = Wire::send_to(front, get("/third")).await;
    origin.send(ok("first")).await;
    assert_eq!(first.response().await.body, b"first");
    // The one worker uses the same connection again.
    let next = origin.request().await;
    origin.send(ok("next")).await;
    let served = next.target() == "/second";
    if served {
        assert_eq!(second.response().await.body, b"next");
        assert_eq!(origin.request().await.target(), "/third");
        origin.send(ok("next")).await;
    }
    assert_eq!(third.response().await.body, b"next");
    served
}

#[tokio::test]
async fn a_client_that_has_gone_frees_its_place() {
    assert!(!is_served_after_it_has_gone(true).await);
}

#[tokio::test]
async fn a_client_that_only_stopped_sending_keeps_it() {
    assert!(is_served_after_it_has_gone(false).await);
}
