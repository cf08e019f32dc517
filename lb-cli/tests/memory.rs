//! The process under load: what a request or a connection leaves behind shows in its memory.
//!
//! `LB_MEMORY_ROUNDS=1000 cargo test -p lb-cli --release --test memory -- --nocapture` looks for longer.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::{fs, net::SocketAddr};

use common::{
    address,
    origin::{Answer, Origin},
    process::Process,
    until,
    wire::Wire,
};
use tokio::task::JoinSet;

/// Connections of a round, and requests on each.
const CLIENTS: usize = 100;
const REQUESTS: usize = 10;
/// Rounds until pools, tables, buffers and the allocator have what they want.
const WARM_UP: usize = 6;
/// Rounds after that, unless `LB_MEMORY_ROUNDS` says otherwise.
const ROUNDS: usize = 24;
/// What may come on top: memory grows by huge pages of 2 MiB, and the last one need not have been full. Two hundred
/// bytes that each request leaves behind are more.
const SLACK: u64 = 3 << 20;

/// What makes records, entries and captures for every request; the tables are full after the warm-up.
fn config(front: SocketAddr, server: SocketAddr) -> String {
    format!(
        r#"[global]
workers = 1
log = [{{ to = "file:///dev/null", format = "haproxy" }}]
[table.rate]
type = "string 32"
size = 500
store = ["http_req_rate(10s)", "conn_cur", "gpc0"]
[table.clients]
type = "string 32"
size = 500
[frontend.web]
bind = ["{front}"]
forwardfor = true
default_backend = "app"
capture = {{ request = [{{ header = "user-agent", len = 64 }}], response = [{{ header = "server", len = 20 }}], cookie = {{ name = "SRV", len = 32 }} }}
compression = {{ algorithms = ["gzip"], types = ["text/plain"] }}
http_request = [
  "track-sc0 hdr(x-user) table rate",
  "set-var(txn.user) hdr(x-user)",
  "deny deny_status 429 if {{ path /denied }}",
]
http_response = ["set-header x-user %[var(txn.user)]"]
[backend.app]
cookie = {{ name = "SRV", mode = "insert", indirect = true }}
stick = {{ on = "hdr(x-user)", table = "clients" }}
server = [{{ name = "s1", address = "{server}", cookie = "s1" }}]
"#
    )
}

/// The `number`th client: pages, a compressed one, one that is denied, and an end in the middle of a request.
async fn client(front: SocketAddr, number: usize) {
    let mut wire = Wire::connect(front).await;
    for request in 0..REQUESTS {
        let path = ["/", "/denied", "/gzip"][request % 3];
        let coding = if path == "/gzip" { "gzip" } else { "identity" };
        wire.send(format!(
            "GET {path} HTTP/1.1\r\nHost: a.example\r\nUser-Agent: memory\r\nCookie: SRV=s1; theme=dark\r\n\
             X-User: {number}-{request}\r\nAccept-Encoding: {coding}\r\n\r\n"
        ))
        .await;
        let wanted = if path == "/denied" { 429 } else { 200 };
        assert_eq!(wire.response().await.status(), wanted);
    }
    match number % 3 {
        0 => wire.send("GET / HTTP/1.1\r\nHost: a.ex").await,
        // Nobody reads the answer.
        1 => wire.send("GET /gzip HTTP/1.1\r\nHost: a\r\n\r\n").await,
        _ => wire.send("no request\r\n\r\n").await,
    }
}

async fn round(front: SocketAddr, round: usize) {
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(client(front, round * CLIENTS + number));
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
}

/// Its resident memory that is no file's, in bytes, once no client is connected any more.
async fn memory(lb: &Process, idle: usize) -> u64 {
    until("all clients to be gone", || {
        (lb.open_files() <= idle).then_some(())
    })
    .await;
    let status = fs::read_to_string(format!("/proc/{}/status", lb.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    1024 * kib.unwrap().parse::<u64>().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_not_grow_with_the_requests_it_has_served() {
    let rounds = std::env::var("LB_MEMORY_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let page = "a line, and again\n".repeat(100);
    let fields = "Content-Type: text/plain\r\nServer: origin";
    let length = page.len();
    let answer = format!("HTTP/1.1 200 OK\r\n{fields}\r\nContent-Length: {length}\r\n\r\n{page}");
    let origin = Origin::start(move |_| Answer::Send(answer.clone().into())).await;
    let front = address::free();
    let lb = Process::lb(&config(front, origin.address()), &[front]).await;
    // Connections to the server stay open.
    let idle = lb.open_files() + CLIENTS;
    for at in 0..WARM_UP {
        round(front, at).await;
    }
    let before = memory(&lb, idle).await;
    for at in 0..rounds {
        round(front, WARM_UP + at).await;
        println!("round {at}: {} KiB", memory(&lb, idle).await / 1024);
    }
    let after = memory(&lb, idle).await;
    assert!(
        after <= before + SLACK,
        "{before} bytes before, {after} bytes after {} requests",
        rounds * CLIENTS * REQUESTS
    );
}
