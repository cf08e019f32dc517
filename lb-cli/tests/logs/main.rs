//! `lb`'s log lines against HAProxy's: the same clients, servers and accidents in front of both, and
//! every field compared but the port, the date and the milliseconds.
//!
//! `cases.rs` has what happens; where `lb` differs on purpose a case says so, and why.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod cases;
#[path = "../common/mod.rs"]
mod common;
mod formats;
mod line;
mod rsyslog;
mod slow;
mod stage;
mod syslog;
mod targets;

use std::{fmt::Write as _, future::Future, net::SocketAddr, pin::Pin};

use cases::BELL;
use common::{address, process::Process, site::get, until};
use line::Line;
use stage::{Kind, Server, Stage};

/// What happens, on any stage.
pub(crate) type Play = fn(Stage) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// One thing that happens to requests, and the configuration in which it does.
pub(crate) struct Case {
    name: &'static str,
    servers: &'static [Kind],
    /// Keys of the frontend and of the backend, for `lb`.
    lb: [&'static str; 2],
    /// The same for HAProxy.
    haproxy: [&'static str; 2],
    /// Lines that come of it.
    lines: usize,
    /// Fields that differ on purpose, and why.
    differs: &'static [(&'static str, &'static str)],
    play: Play,
}

/// Which proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Peer {
    Lb,
    Haproxy,
}

/// A proxy with a stage for each case.
struct Theatre {
    proxy: Process,
    stages: Vec<Option<Stage>>,
}

impl Peer {
    async fn open(self, cases: &[&Case]) -> Theatre {
        let mut config = match self {
            Self::Lb => LB.to_owned(),
            Self::Haproxy => HAPROXY.to_owned(),
        };
        let bell = address::free();
        config.push_str(&self.section(&BELL, bell, &[]));
        let mut stages = Vec::new();
        for case in cases {
            let mut servers = Vec::new();
            for kind in case.servers {
                servers.push(Server::new(*kind).await);
            }
            let front = address::free();
            config.push_str(&self.section(case, front, &servers));
            stages.push(Some(Stage {
                front,
                bell,
                servers,
            }));
        }
        let mut fronts = vec![bell];
        fronts.extend(stages.iter().flatten().map(|stage| stage.front));
        let proxy = match self {
            Self::Lb => Process::lb(&config, &fronts).await,
            Self::Haproxy => Process::haproxy(&config, &fronts).await,
        };
        Theatre { proxy, stages }
    }

    fn section(self, case: &Case, front: SocketAddr, servers: &[Server]) -> String {
        let name = case.name;
        let [of_frontend, of_backend] = match self {
            Self::Lb => case.lb,
            Self::Haproxy => case.haproxy,
        };
        // Options of the servers stand behind a `|`, one set each.
        let (of_backend, of_servers) = of_backend.split_once('|').unwrap_or((of_backend, ""));
        let mut of_servers = of_servers.split('|');
        // Only from there does HAProxy 2.6 take it for its frontends.
        let defaults = match of_backend.contains("abortonclose") {
            true => "abort",
            false => "usual",
        };
        let mut text = match self {
            Self::Lb => format!(
                "[frontend.{name}]\nbind = [{{ address = \"{front}\", accept_proxy = {} }}]\n\
                 default_backend = \"{name}-b\"\n{}\n[backend.{name}-b]\n{of_backend}\n",
                of_frontend.contains("accept-proxy"),
                of_frontend.replace("accept-proxy", ""),
            ),
            Self::Haproxy => format!(
                "frontend {name} from {defaults}\n  bind {front} {}\n  default_backend {name}-b\n  {}\n\
                 backend {name}-b from {defaults}\n  {of_backend}\n",
                if of_frontend.contains("accept-proxy") {
                    "accept-proxy"
                } else {
                    ""
                },
                of_frontend.replace("accept-proxy", ""),
            ),
        };
        for (n, server) in servers.iter().enumerate() {
            let (n, address, options) = (n + 1, server.address(), of_servers.next().unwrap_or(""));
            let _ = match self {
                Self::Lb => writeln!(
                    text,
                    "[[backend.{name}-b.server]]\nname = \"s{n}\"\naddress = \"{address}\"\n{options}"
                ),
                Self::Haproxy => writeln!(text, "  server s{n} {address} {options}"),
            };
        }
        text
    }
}

const LB: &str = "[global]\nworkers = 1\nlog = [{ to = \"stdout\" }]\n\
    [defaults]\nvia = false\nretries = 1\nredispatch = false\n[defaults.timeout]\nconnect = \"500ms\"\nclient = \"700ms\"\nserver = \"600ms\"\nhttp_request = \"500ms\"\n\
    http_keep_alive = \"2s\"\nqueue = \"500ms\"\n";

const HAPROXY: &str = "global\n  nbthread 1\n  log stdout len 8192 format raw local0\n\
    defaults usual\n  mode http\n  log global\n  option httplog\n  balance roundrobin\n  retries 1\n  timeout connect 500ms\n  timeout client 700ms\n  \
    timeout server 600ms\n  timeout http-request 500ms\n  timeout http-keep-alive 2s\n  timeout queue 500ms\n\
    defaults abort from usual\n  option abortonclose\n";

impl Theatre {
    /// Plays a case and waits for its lines; none if it does not come to its end.
    async fn play(&mut self, at: usize, case: &Case) -> Vec<Line> {
        let stage = self.stages[at].take().unwrap();
        match tokio::spawn((case.play)(stage)).await {
            Ok(()) => self.lines(case).await,
            Err(_) => Vec::new(),
        }
    }

    async fn lines(&self, case: &Case) -> Vec<Line> {
        let frontend = format!("] {} ", case.name);
        until(&format!("{} lines of {}", case.lines, case.name), || {
            let log = self.proxy.log();
            let lines: Vec<_> = (log.lines().filter(|line| line.contains(&frontend)))
                .map(|line| {
                    Line::parse(line).unwrap_or_else(|| panic!("not a line of a request: {line}"))
                })
                .collect();
            (lines.len() >= case.lines).then_some(lines)
        })
        .await
    }
}

/// Plays the cases in front of both, and says which differ, and how.
async fn compare<'a>(cases: &[&'a Case]) -> Vec<(&'a Case, String)> {
    let mut ours = Peer::Lb.open(cases).await;
    let mut theirs = Peer::Haproxy.open(cases).await;
    let mut different = Vec::new();
    for (at, case) in cases.iter().copied().enumerate() {
        let (ours, theirs) = tokio::join!(ours.play(at, case), theirs.play(at, case));
        let mut text = String::new();
        if ours.len() != theirs.len() {
            let _ = write!(text, " {} lines, not {};", ours.len(), theirs.len());
        }
        for (ours, theirs) in ours.iter().zip(&theirs) {
            for (field, ours, theirs) in ours.differences(theirs) {
                if !case.differs.iter().any(|(name, _)| *name == field) {
                    let _ = write!(text, " {field} {ours}, not {theirs};");
                }
            }
        }
        if !text.is_empty() {
            different.push((case, text));
        }
    }
    different
}

#[tokio::test]
async fn every_line_is_haproxys() {
    let all: Vec<_> = cases::all().collect();
    let mut different = compare(&all).await;
    if !different.is_empty() {
        // What a busy machine did to it does not happen twice.
        let again: Vec<_> = different.iter().map(|(case, _)| *case).collect();
        different = compare(&again).await;
    }
    let different = different.iter().map(|(case, text)| (case.name, text));
    let different: Vec<_> = different
        .map(|(name, text)| format!("{name}:{text}"))
        .collect();
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}

/// HAProxy counts bytes of its own representation of a message; `lb` those that the client gets.
#[tokio::test]
async fn bytes_are_those_of_the_wire() {
    let by_itself: Vec<_> = cases::all()
        .filter(|case| ["normal", "chunked", "no-server", "cookie-none"].contains(&case.name))
        .collect();
    let mut theatre = Peer::Lb.open(&by_itself).await;
    for (at, case) in by_itself.iter().enumerate() {
        let stage = theatre.stages[at].take().unwrap();
        let mut client = stage.send(get("/", "Connection: close\r\n")).await;
        match case.name {
            "no-server" => {}
            name => {
                let (mut origin, _) = stage.request().await;
                origin
                    .send(match name {
                        "chunked" => cases::CHUNKED.to_owned(),
                        _ => stage::ok(),
                    })
                    .await;
            }
        }
        let received = client.rest().await.0.len();
        let line = theatre.lines(case).await.remove(0);
        assert_eq!(line.bytes, received.to_string(), "{}", case.name);
    }
}
