//! What a syslog server gets from `lb` against what it gets from HAProxy: the same requests and the
//! same end of a server in front of both, and every datagram compared but for what is the other's name.

use std::{net::SocketAddr, path::PathBuf};

use tokio::net::{UdpSocket, UnixDatagram};

use crate::{
    Peer,
    common::{address, origin, process::Process, site::get, wire::Wire, within},
    line::Line,
    stage::ok,
};

/// A datagram, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Datagram {
    priority: String,
    /// Whether the time has the form and length of RFC 3164.
    time: bool,
    tag: String,
    /// Behind the tag, as far as it is the same for both; empty for a request, which is in `request`.
    message: String,
    ends: bool,
}

impl Datagram {
    fn parse(bytes: &[u8], pid: u32) -> (Self, String) {
        let text = std::str::from_utf8(bytes).unwrap();
        let (priority, rest) = text.split_once('>').unwrap();
        let (time, rest) = rest.split_at("Nov 20 13:14:54".len());
        let (tag, message) = rest.split_once(": ").unwrap();
        let like = |text: &str, form: &str| {
            text.len() == form.len()
                && text
                    .bytes()
                    .zip(form.bytes())
                    .all(|(byte, like)| match like {
                        b'A' => byte.is_ascii_uppercase(),
                        b'a' => byte.is_ascii_lowercase(),
                        b'0' => byte.is_ascii_digit(),
                        b'9' => byte.is_ascii_digit() || byte == b' ',
                        _ => byte == like,
                    })
        };
        let line = message.trim_end_matches('\n');
        let parsed = Self {
            priority: priority.to_owned(),
            time: like(time, "Aaa 90 00:00:00"),
            tag: tag.replace(&pid.to_string(), "PID"),
            message: match Line::parse(line) {
                Some(_) => String::new(),
                // How long it took is as the machine is.
                None => line.split(", check duration").next().unwrap().to_owned(),
            },
            ends: message.ends_with('\n') && !message.ends_with("\n\n"),
        };
        (parsed, line.to_owned())
    }
}

/// Everything that the server was sent by one proxy, up to the last of what happens.
async fn heard(peer: Peer, checks: bool) -> (Vec<Datagram>, Vec<String>) {
    let syslog = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = syslog.local_addr().unwrap();
    let (front, server) = (address::free(), origin::raw());
    let at = server.local_addr().unwrap();
    let proxy = start(peer, to, front, at, checks).await;
    let mut client = Wire::send_to(front, get("/one", "")).await;
    // Checks connect and say nothing; who sends a request is the proxy.
    let mut wire = loop {
        let mut wire = Wire::accept(&server).await;
        if let Ok(Some(_)) = within("a request or a check", wire.next_request()).await {
            break wire;
        }
    };
    wire.send(ok()).await;
    client.response().await;
    drop((wire, client, server));
    let (mut datagrams, mut lines) = (Vec::new(), Vec::new());
    let mut buffer = vec![0; 4096];
    loop {
        let length = within("a datagram", syslog.recv(&mut buffer))
            .await
            .unwrap();
        let (datagram, line) = Datagram::parse(&buffer[..length], proxy.id());
        datagrams.push(datagram);
        lines.push(line);
        // A request's line may wait for others a little; the last message goes to both targets.
        let last = lines.iter().filter(|line| line.ends_with("available!"));
        if last.count() == 2 && lines.iter().any(|line| Line::parse(line).is_some()) {
            return (datagrams, lines);
        }
    }
}

async fn start(
    peer: Peer,
    to: SocketAddr,
    front: SocketAddr,
    server: SocketAddr,
    checks: bool,
) -> Process {
    match peer {
        Peer::Lb => {
            let config = format!(
                "[global]\nworkers = 1\nlog = [{{ to = \"syslog://{to}\", facility = \"local2\", level = \"info\" }},\n\
                 {{ to = \"syslog://{to}\", facility = \"daemon\", level = \"notice\", tag = \"other\" }}]\n\
                 [frontend.web]\nbind = [\"{front}\"]\ndefault_backend = \"web-b\"\n\
                 [backend.web-b]\ncheck = {{ interval = \"500ms\", timeout = \"10s\", rise = 1, fall = 1 }}\n\
                 server = [{{ name = \"s1\", address = \"{server}\" }}]\nlog_health_checks = {checks}\n"
            );
            Process::lb(&config, &[front]).await
        }
        Peer::Haproxy => {
            let option = if checks {
                "option log-health-checks"
            } else {
                ""
            };
            let config = format!(
                "global\n  nbthread 1\n  log-tag lb\n  log {to} local2 info\n  log {to} daemon notice\n\
                 defaults\n  mode http\n  log global\n  option httplog\n  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\n  timeout check 10s\n\
                 frontend web\n  bind {front}\n  default_backend web-b\n\
                 backend web-b\n  {option}\n  server s1 {server} check inter 500ms rise 1 fall 1\n"
            );
            Process::haproxy(&config, &[front]).await
        }
    }
}

#[tokio::test]
async fn every_datagram_is_haproxys() {
    let ((ours, our_lines), (theirs, their_lines)) =
        tokio::join!(heard(Peer::Lb, false), heard(Peer::Haproxy, false));
    assert!(ours.iter().any(|datagram| datagram.tag == " other[PID]"));
    // HAProxy has one tag for all targets, and which of two is told first is left to chance.
    let comparable = |mut datagrams: Vec<Datagram>| {
        for datagram in &mut datagrams {
            datagram.tag = datagram.tag.replace(" other[", " lb[");
        }
        datagrams.sort_by_key(|datagram| (datagram.message.clone(), datagram.priority.clone()));
        datagrams
    };
    assert_eq!(comparable(ours), comparable(theirs));
    let request = |lines: Vec<String>| lines.iter().find_map(|line| Line::parse(line)).unwrap();
    // Its server is this test, which may be slow.
    let (ours, theirs) = (request(our_lines).untimed(), request(their_lines).untimed());
    assert_eq!(ours.differences(&theirs), []);
}

/// Every check that changes something is told, once, and the change itself without its reason then.
#[tokio::test]
async fn checks_are_told_in_haproxys_words() {
    let ((ours, _), (theirs, _)) = tokio::join!(heard(Peer::Lb, true), heard(Peer::Haproxy, true));
    let told = |datagrams: Vec<Datagram>| {
        let mut told: Vec<_> = (datagrams.into_iter())
            .filter(|datagram| !datagram.message.is_empty())
            // Of two targets.
            .map(|datagram| (datagram.message, datagram.priority))
            .collect();
        told.sort();
        told
    };
    let (ours, theirs) = (told(ours), told(theirs));
    assert!(
        ours.iter()
            .any(|(text, _)| text.starts_with("Health check for server web-b/s1 failed"))
    );
    assert_eq!(ours, theirs);
}

/// Nobody listens at first: requests are served all the same, and who comes later is told what it missed.
#[tokio::test]
async fn a_syslog_server_that_is_missing_costs_lines_and_no_request() {
    let front = address::free();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("syslog-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let config = format!(
        "[global]\nworkers = 1\nlog = [{{ to = \"unix://{}\", level = \"info\" }}, {{ to = \"stdout\" }}]\n\
         [frontend.web]\nbind = [\"{front}\"]\nstats = {{ uri = \"/st\" }}\n",
        path.display()
    );
    let proxy = Process::lb(&config, &[front]).await;
    let mut client = Wire::send_to(front, get("/st;csv", "")).await;
    assert_eq!(client.response().await.status(), 200);
    // What is wrong with one target is told to the others.
    let note = format!("log target unix://{} loses lines: ", path.display());
    proxy
        .logged("the loss", |line| line.starts_with(&note))
        .await;
    let server = UnixDatagram::bind(&path).unwrap();
    client.send(get("/st", "")).await;
    assert_eq!(client.response().await.status(), 200);
    let mut buffer = vec![0; 4096];
    let length = within("a line", server.recv(&mut buffer)).await.unwrap();
    let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
    assert!(line.starts_with("<134>"), "{line}");
    assert!(
        line.contains(" lb[") && line.ends_with("\"GET /st HTTP/1.1\"\n"),
        "{line}"
    );
    let length = within("the note", server.recv(&mut buffer)).await.unwrap();
    let note = String::from_utf8_lossy(&buffer[..length]).into_owned();
    assert!(note.starts_with("<132>"), "{note}");
    assert!(note.contains("1 log lines lost: "), "{note}");
    std::fs::remove_file(&path).unwrap();
}

/// A section that is frontend and backend at once is a proxy in HAProxy's words.
#[tokio::test]
async fn a_section_that_is_both_is_called_a_proxy() {
    let (front, server) = (address::free(), address::free());
    let ours = format!(
        "[global]\nworkers = 1\nlog = [{{ to = \"stdout\" }}]\n\
         [listen.web]\nbind = [\"{front}\"]\ncheck = {{ interval = \"100ms\", fall = 1 }}\n\
         server = [{{ name = \"s1\", address = \"{server}\" }}]\n"
    );
    let theirs = format!(
        "global\n  nbthread 1\n  log stdout format raw local0\n\
         defaults\n  mode http\n  log global\n  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\n\
         listen web\n  bind {front}\n  server s1 {server} check inter 100ms fall 1\n"
    );
    let is_last = |line: &str| line == "proxy web has no server available!";
    let haproxy = Process::haproxy(&theirs, &[front]).await;
    haproxy.logged("the last server's end", is_last).await;
    drop(haproxy);
    let lb = Process::lb(&ours, &[front]).await;
    lb.logged("the last server's end", is_last).await;
}
