//! Rules of `lb` and of HAProxy side by side: the same words, the same requests, and what the client gets, what the
//! server is asked and how it is logged must be the same.
//!
//! `cases.rs` has the rules. Not compared are `date`, which `lb` adds to what it makes itself, and the order of
//! fields with different names; `connection`, since `lb` reads the rest of a small body where HAProxy closes.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod cases;
#[path = "../common/mod.rs"]
mod common;
mod connection;
mod monitor;
mod purpose;
mod waiting;

use std::{fmt::Write as _, net::SocketAddr};

use cases::{Case, Send};
use common::{
    address,
    message::{End, Message},
    origin::{Answer, Origin},
    process::Process,
    until,
    wire::Wire,
};

/// Which proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Peer {
    Lb,
    Haproxy,
}

const LB: &str = "[global]\nworkers = 1\nlog = [{ to = \"stdout\" }]\n[defaults]\nvia = false\n\
    [defaults.timeout]\nclient = \"10s\"\ntarpit = \"100ms\"\n";
const HAPROXY: &str = "global\n  nbthread 1\n  expose-experimental-directives\n  log stdout len 8192 format raw local0\ndefaults\n  mode http\n  \
    log global\n  option httplog\n  timeout connect 5s\n  timeout client 10s\n  timeout server 10s\n  timeout tarpit 100ms\n";

/// A file for rules that take one.
const FILES: [(&str, &str); 3] = [
    (
        "page.http",
        "HTTP/1.0 503 Busy\r\nContent-Type: text/x\r\nX-Page: 1\r\n\r\nbusy",
    ),
    ("plain.txt", "plain %[path]\n"),
    ("empty.http", ""),
];

impl Peer {
    fn section(self, case: &Case, front: SocketAddr, origin: SocketAddr) -> String {
        let name = case.name;
        let mut text = match self {
            Self::Lb => format!("[frontend.{name}]\nbind = [\"{front}\"]\n"),
            Self::Haproxy => format!("frontend {name}\n  bind {front}\n"),
        };
        self.rules(&mut text, "request", case.request);
        self.rules(&mut text, "response", case.response);
        self.rules(&mut text, "after-response", case.after);
        let _ = match self {
            Self::Lb => write!(
                text,
                "default_backend = \"{name}-b\"\n[backend.{name}-b]\nserver = [{{ name = \"s\", address = \"{origin}\" }}]\n"
            ),
            Self::Haproxy => write!(
                text,
                "  default_backend {name}-b\nbackend {name}-b\n  server s {origin}\n"
            ),
        };
        self.rules(&mut text, "request", case.behind);
        self.rules(&mut text, "after-response", case.after_behind);
        text
    }

    fn rules(self, text: &mut String, kind: &str, rules: &[&str]) {
        match self {
            // ASCII, of which both languages have the same escapes.
            Self::Lb if !rules.is_empty() => {
                let key = format!("http_{}", kind.replace('-', "_"));
                writeln!(text, "{key} = {:?}", in_place(rules)).unwrap();
            }
            Self::Lb => {}
            Self::Haproxy => {
                for rule in in_place(rules) {
                    writeln!(text, "  http-{kind} {rule}").unwrap();
                }
            }
        }
    }
}

/// Rules with the names of the files as they are on this machine.
fn in_place(rules: &[&str]) -> Vec<String> {
    let dir = env!("CARGO_TARGET_TMPDIR");
    let rule = |rule: &&str| {
        let mut rule = (*rule).to_owned();
        for (name, _) in FILES {
            rule = rule.replace(name, &format!("{dir}/rules-{name}"));
        }
        rule
    };
    rules.iter().map(rule).collect()
}

fn write_files() {
    for (name, content) in FILES {
        let path = format!("{}/rules-{name}", env!("CARGO_TARGET_TMPDIR"));
        std::fs::write(path, content).unwrap();
    }
}

/// Answers with the request as it came, and the status that it asks for.
fn echo(request: &Message) -> Answer {
    let mut body = request.start.join(" ") + "\n";
    let mut fields: Vec<_> = request.fields.0.clone();
    fields.retain(|(name, _)| name != "content-length");
    fields.sort();
    for (name, value) in fields {
        writeln!(body, "{name}: {value}").unwrap();
    }
    body += &String::from_utf8_lossy(&request.body);
    let status = request.get("x-status").unwrap_or("200");
    let head = format!(
        "HTTP/1.1 {status} Echo\r\nX-One: 1\r\nX-Two: 2\r\nVary: a, 1,b\r\nSet-Cookie: A=1\r\nSet-Cookie: B=2\r\n"
    );
    let length = if status == "304" || status == "204" {
        0
    } else {
        body.len()
    };
    let text = format!("{head}Content-Length: {length}\r\n\r\n{}", &body[..length]);
    Answer::Send(text.into_bytes())
}

/// What came back, as text.
fn told(message: &Message) -> String {
    let mut text = format!("  {}\n", message.start.join(" "));
    // Fields of one name keep their order, names do not.
    let mut fields = message.fields.0.clone();
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, value) in &fields {
        if !["date", "content-length", "connection"].contains(&name.as_str()) {
            writeln!(text, "  {name}: {value}").unwrap();
        }
    }
    writeln!(text, "  length {:?}", message.get("content-length")).unwrap();
    for line in String::from_utf8_lossy(&message.body).lines() {
        writeln!(text, "  | {line}").unwrap();
    }
    text
}

async fn exchange(front: SocketAddr, send: &Send) -> String {
    let Send { line, fields, body } = send;
    let length = match body.is_empty() {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", body.len()),
    };
    let request = format!("{line} HTTP/1.1\r\nHost: h.example\r\n{length}{fields}\r\n{body}");
    let mut client = Wire::send_to(front, request).await;
    let mut text = format!("{line} {fields:?} {body}\n");
    loop {
        let response = match line.starts_with("HEAD ") {
            true => Ok(client.head_response().await),
            false => common::within("a response", client.try_response()).await,
        };
        let Ok(response) = response else {
            let (_, end) = client.rest().await;
            let end = if end == End::Closed {
                "closed"
            } else {
                "reset"
            };
            return text + "  " + end + "\n";
        };
        text += &told(&response);
        if response.status() >= 200 {
            return text;
        }
    }
}

/// Server, status, termination state and request of every line of a frontend.
async fn logged(proxy: &Process, case: &Case) -> String {
    let lines = |log: &str| -> Vec<String> {
        let of_case = log.lines().filter(|line| {
            line.split_whitespace().nth(2) == Some(case.name) && line.contains(" HTTP/1.1\"")
        });
        let part = |line: &str, at| line.split_whitespace().nth(at).unwrap_or("?").to_owned();
        of_case
            .map(|line| {
                let (server, status, state) = (part(line, 3), part(line, 5), part(line, 9));
                let request = line.rsplit('"').nth(1).unwrap_or_default();
                format!("  logged {server} {status} {state} {request}\n")
            })
            .collect()
    };
    let count = case.sends.len();
    until(&format!("{count} lines of {}", case.name), || {
        let lines = lines(&proxy.log());
        (lines.len() >= count).then_some(lines)
    })
    .await
    .concat()
}

async fn play(peer: Peer) -> Vec<(&'static str, String)> {
    let origin = Origin::start(echo).await;
    let mut config = match peer {
        Peer::Lb => LB.to_owned(),
        Peer::Haproxy => HAPROXY.to_owned(),
    };
    let mut fronts = Vec::new();
    for case in cases::CASES {
        let front = address::free();
        config += &peer.section(case, front, origin.address());
        fronts.push(front);
    }
    let proxy = match peer {
        Peer::Lb => Process::lb(&config, &fronts).await,
        Peer::Haproxy => Process::haproxy(&config, &fronts).await,
    };
    let mut outcomes = Vec::new();
    for (case, front) in cases::CASES.iter().zip(fronts) {
        let mut text = String::new();
        for send in case.sends {
            text += &exchange(front, send).await;
        }
        text += &logged(&proxy, case).await;
        outcomes.push((case.name, text));
    }
    outcomes
}

#[tokio::test]
async fn rules_do_what_haproxys_do() {
    write_files();
    let (ours, theirs) = tokio::join!(play(Peer::Lb), play(Peer::Haproxy));
    let mut differences = String::new();
    for ((name, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        if ours != theirs {
            differences += &format!("=== {name}\n--- lb\n{ours}\n--- HAProxy\n{theirs}\n");
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}
