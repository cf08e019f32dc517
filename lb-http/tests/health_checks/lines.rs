//! A checker and HAProxy watch the same servers through the same troubles, and
//! must say the same about them.

use std::time::Duration;

use lb_core::{HealthChecker, Pool, Server, health::Event, policy::RoundRobin};
use lb_http::{Upstream, check::HttpCheck};
use tokio::{net::UdpSocket, sync::mpsc, time::timeout};

use crate::{
    haproxy::Haproxy,
    rig::{Backend, DEADLINE, nobody},
};

const WELL: &str = "HTTP/1.0 200 OK\r\n\r\n";

/// What both say about the servers.
struct Lines {
    theirs: UdpSocket,
    ours: mpsc::UnboundedReceiver<String>,
}

impl Lines {
    /// Reads what both say, until the line that has `end` in it, and compares.
    async fn agree_until(&mut self, end: &str) {
        let mut theirs = Vec::new();
        while !theirs
            .last()
            .is_some_and(|line: &String| line.contains(end))
        {
            let mut buffer = [0; 2048];
            let length = timeout(DEADLINE, self.theirs.recv(&mut buffer)).await;
            let length = length.unwrap_or_else(|_| panic!("HAProxy: {end}? {theirs:?}"));
            let line = str::from_utf8(&buffer[..length.unwrap()]).unwrap();
            let (_, message) = line.trim_end().split_once("]: ").unwrap();
            theirs.push(comparable(message));
        }
        let mut ours = Vec::new();
        while !ours.last().is_some_and(|line: &String| line.contains(end)) {
            let line = timeout(DEADLINE, self.ours.recv()).await;
            let line = line.unwrap_or_else(|_| panic!("lb: {end}? {ours:?}"));
            ours.push(comparable(&line.unwrap()));
        }
        assert_eq!(ours, theirs);
    }
}

/// How long a check took differs each time.
fn comparable(line: &str) -> String {
    let Some((before, rest)) = line.split_once("check duration: ") else {
        return line.to_owned();
    };
    let (_, after) = rest.split_once("ms").unwrap();
    format!("{before}check duration: Nms{after}")
}

#[tokio::test]
async fn both_tell_the_same_story() {
    let s1 = Backend::start(WELL).await;
    let s2 = Backend::start(WELL).await;
    let s3 = nobody();
    let syslog = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let global = format!("log {} local0", syslog.local_addr().unwrap());
    let haproxy = Haproxy::start(
        &global,
        &format!(
            "backend app\n  option httpchk GET /\n  option log-health-checks\n\
             \x20 http-check disable-on-404\n\
             \x20 default-server check inter 100ms rise 2 fall 3\n\
             \x20 server s1 {}\n\
             backend two\n  option httpchk GET /\n\
             \x20 default-server check inter 100ms rise 2 fall 3\n\
             \x20 server s2 {} backup\n\
             \x20 server s3 {}\n",
            s1.address, s2.address, s3.address
        ),
    );
    let mut lines = Lines {
        theirs: syslog,
        ours: run(&s1, &s2, s3.address),
    };
    // Two backends: in which order they begin is chance.
    lines.sort_beginning().await;

    s1.set("HTTP/1.0 404 Soon away\r\n\r\n");
    lines.agree_until("app has no server").await;
    s1.set(WELL);
    lines.agree_until("Server app/s1 is UP").await;
    s1.set("HTTP/1.0 500 Oops\r\n\r\n");
    lines.agree_until("app has no server").await;
    s1.set(WELL);
    lines.agree_until("Server app/s1 is UP").await;
    s2.set("GARBAGE\r\n\r\n");
    lines.agree_until("two has no server").await;
    s2.set(WELL);
    lines.agree_until("Backup Server two/s2 is UP").await;
    drop(haproxy);
}

impl Lines {
    async fn sort_beginning(&mut self) {
        let mut theirs = Vec::new();
        let mut ours = Vec::new();
        while theirs.len() < 2 || ours.len() < 2 {
            let mut buffer = [0; 2048];
            tokio::select! {
                length = self.theirs.recv(&mut buffer), if theirs.len() < 2 => {
                    let line = str::from_utf8(&buffer[..length.unwrap()]).unwrap();
                    let (_, message) = line.trim_end().split_once("]: ").unwrap();
                    theirs.push(comparable(message));
                }
                line = self.ours.recv(), if ours.len() < 2 => {
                    ours.push(comparable(&line.unwrap()));
                }
                () = tokio::time::sleep(DEADLINE) => panic!("{theirs:?} {ours:?}"),
            }
        }
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs);
    }
}

/// Our side of the same configuration; yields the lines.
fn run(s1: &Backend, s2: &Backend, s3: std::net::SocketAddr) -> mpsc::UnboundedReceiver<String> {
    let (tell, lines) = mpsc::unbounded_channel();
    let pool = |name: &str, servers: Vec<Server<Upstream>>| {
        servers
            .into_iter()
            .fold(Pool::builder().name(name), |pool, server| pool.with(server))
            .build(RoundRobin::new())
            .unwrap()
    };
    let checker = |check: HttpCheck, log_checks: bool| {
        let tell = tell.clone();
        HealthChecker::new(check)
            .interval(Duration::from_millis(100))
            .on_event(move |event| {
                let line = match event {
                    Event::Checked(_) if !log_checks => return,
                    Event::Changed(_) if log_checks => format!("{event:#}"),
                    event => event.to_string(),
                };
                let _ = tell.send(line);
            })
    };
    let app = pool("app", vec![Server::new("s1", s1.address.into())]);
    tokio::spawn(checker(HttpCheck::get("/").disable_on_404(), true).run(app));
    let two = pool(
        "two",
        vec![
            Server::new("s2", Upstream::from(s2.address)).backup(),
            Server::new("s3", Upstream::from(s3)),
        ],
    );
    tokio::spawn(checker(HttpCheck::get("/"), false).run(two));
    lines
}
