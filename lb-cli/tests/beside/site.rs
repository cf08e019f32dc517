//! The site of `tests/site.toml`, run by one of the two.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    admin::{self, Csv},
    common::{
        address,
        message::Message,
        origin::{Answer, Origin},
        process::Process,
        rsyslog::Rsyslog,
        until,
        wire::Wire,
        within,
    },
};

const LB: &str = include_str!("../site.toml");
const HAPROXY: &str = include_str!("site.cfg");

/// The servers, in the order of their ports in the files, from 9001.
const SERVERS: [&str; 6] = ["web1", "web2", "blog1", "blog2", "bbs1", "bbs2"];

/// Which proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Lb,
    Haproxy,
}

/// A running site.
pub(crate) struct Site {
    peer: Peer,
    _proxy: Process,
    pub(crate) front: SocketAddr,
    pub(crate) monitor: SocketAddr,
    pub(crate) stats: SocketAddr,
    socket: PathBuf,
    rsyslog: Rsyslog,
    servers: Vec<(&'static str, Origin, Arc<AtomicUsize>)>,
}

impl Site {
    pub(crate) async fn new(peer: Peer) -> Self {
        let (text, name) = match peer {
            Peer::Lb => (LB, "lb"),
            Peer::Haproxy => (HAPROXY, "haproxy"),
        };
        let mut servers = Vec::new();
        for name in SERVERS {
            let checks = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&checks);
            let origin = Origin::start(move |request| {
                if request.target() == "/index.html" {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
                answer(request)
            });
            servers.push((name, origin.await, checks));
        }
        let [front, monitor, stats, udp, tcp] = [0; 5].map(|_| address::free());
        let rsyslog = Rsyslog::start(name, udp, tcp).await;
        let socket = admin::socket(name);
        let mut config = text.replace("/run/lb-site.sock", socket.to_str().unwrap());
        let places = (9001..).zip(servers.iter().map(|(_, origin, _)| origin.address()));
        let fixed = [(8080, front), (1081, monitor), (65532, stats), (514, udp)];
        for (port, address) in places.chain(fixed) {
            let fixture = format!("127.0.0.1:{port}");
            assert!(config.contains(&fixture), "{fixture}");
            config = config.replace(&fixture, &address.to_string());
        }
        // A server that answers late on a busy machine is not down.
        for (short, long) in [
            ("check = \"2s\"", "check = \"15s\""),
            ("check 2s", "check 15s"),
        ] {
            config = config.replace(short, long);
        }
        assert!(config.contains("15s"), "{config}");
        let fronts = [front, monitor, stats];
        // lb says where it listens in its log, which goes to rsyslog here.
        let proxy = match peer {
            Peer::Lb => Process::quiet_lb(&config, &fronts).await,
            Peer::Haproxy => Process::haproxy(&config, &fronts).await,
        };
        Self {
            peer,
            _proxy: proxy,
            front,
            monitor,
            stats,
            socket,
            rsyslog,
            servers,
        }
    }

    /// A client that has sent this.
    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) -> Wire {
        Wire::send_to(self.front, bytes).await
    }

    /// The server of this name.
    pub(crate) fn server(&self, name: &str) -> &Origin {
        let found = self.servers.iter().find(|(known, ..)| *known == name);
        &found.unwrap().1
    }

    /// Kills a server just after a check, so that it is taken for healthy for as long as can be.
    pub(crate) async fn kill(&self, name: &str) {
        let found = self.servers.iter().find(|(known, ..)| *known == name);
        let (_, origin, checks) = found.unwrap();
        let before = checks.load(Ordering::SeqCst);
        until("a check", || {
            (checks.load(Ordering::SeqCst) > before).then_some(())
        })
        .await;
        origin.kill().await;
    }

    /// What is answered to a line on the admin socket.
    pub(crate) async fn ask(&self, line: &str) -> String {
        admin::ask(&self.socket, line).await
    }

    /// The statistics.
    pub(crate) async fn csv(&self) -> Csv {
        Csv::of(&self.socket).await
    }

    /// Waits until a figure says so.
    pub(crate) async fn reaches(&self, place: [&str; 3], value: &str) {
        within(&format!("{place:?} to be {value}"), async {
            while self.csv().await.get(place) != value {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// Waits until no client is connected any more.
    pub(crate) async fn settle(&self) {
        for frontend in ["http_80_in", "site_status", "admin_status"] {
            self.reaches([frontend, "FRONTEND", "scur"], "0").await;
        }
    }

    /// All that rsyslog has understood: facility and level, and the text.
    pub(crate) fn told(&self) -> Vec<(String, String)> {
        let program = match self.peer {
            Peer::Lb => "lb:",
            Peer::Haproxy => "haproxy:",
        };
        let lines = self.rsyslog.lines().into_iter().map(|line| {
            let mut words = line.splitn(4, ' ');
            assert_eq!(words.next(), Some("imudp"), "{line}");
            let level = words.next().unwrap().to_owned();
            assert_eq!(words.next(), Some(program), "{line}");
            (level, words.next().unwrap_or_default().to_owned())
        });
        lines.collect()
    }

    /// Lines of no request.
    pub(crate) fn messages(&self) -> Vec<(String, String)> {
        let told = self.told().into_iter();
        told.filter(|(_, text)| crate::Line::parse(text).is_none())
            .collect()
    }

    /// Lines of requests.
    pub(crate) fn requests(&self) -> Vec<(String, String)> {
        let told = self.told().into_iter();
        told.filter(|(_, text)| crate::Line::parse(text).is_some())
            .collect()
    }
}

/// What every server does, by what it is asked for.
fn answer(request: &Message) -> Answer {
    let reply = |status: &str, fields: &str, body: &[u8]| {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nDate: Fri, 20 Nov 2026 11:00:00 GMT\r\nServer: Apache/2.2\r\n{fields}Content-Length: {length}\r\n\r\n"
        );
        let body = if request.method() == "HEAD" {
            &[][..]
        } else {
            body
        };
        [head.as_bytes(), body].concat()
    };
    match request.target() {
        "/hang" => Answer::Hang,
        "/close" => Answer::Close,
        "/cut" => {
            let mut part = reply("200 OK", "", b"hello, this is cut");
            part.truncate(part.len() - 4);
            Answer::Cut(part)
        }
        "/cut-head" => Answer::Cut(b"HTTP/1.1 200 OK\r\nServ".to_vec()),
        "/none" => Answer::Send(reply("404 Not Found", "", b"none")),
        "/wrong" => Answer::Send(reply("500 Internal Server Error", "", b"wrong")),
        "/304" => Answer::Send(
            b"HTTP/1.1 304 Not Modified\r\nDate: Fri, 20 Nov 2026 11:00:00 GMT\r\nServer: Apache/2.2\r\nETag: \"1\"\r\n\r\n".to_vec(),
        ),
        "/large" => Answer::Send(reply("200 OK", "Cache-Control: max-age=3600\r\n", &vec![b'x'; 1 << 20])),
        _ => Answer::Send(reply("200 OK", "", b"hello")),
    }
}
