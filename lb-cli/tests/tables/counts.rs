//! Every counter after the same requests, of `lb` and of HAProxy.
//!
//! HAProxy tells by `show table` on its socket; `lb` by a frontend that asks the table and does not count. Each case is
//! a key of its own, so that one process does for all.

use std::{collections::BTreeMap, fmt::Write as _, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    time::{Instant, sleep},
};

use super::common::{
    PATIENCE, address,
    message::Message,
    origin::{Answer, Origin, ok},
    process::Process,
    until,
    wire::Wire,
    within,
};

/// What is compared, with the converter that asks for it.
const DATA: &[(&str, &str)] = &[
    ("gpt0", "gpt0"),
    ("gpc0", "gpc0"),
    ("gpc0_rate", "gpc0_rate"),
    ("gpc1", "gpc1"),
    ("conn_cnt", "conn_cnt"),
    ("conn_rate", "conn_rate"),
    ("conn_cur", "conn_cur"),
    ("sess_cnt", "sess_cnt"),
    ("sess_rate", "sess_rate"),
    ("http_req_cnt", "http_req_cnt"),
    ("http_req_rate", "http_req_rate"),
    ("http_err_cnt", "http_err_cnt"),
    ("http_err_rate", "http_err_rate"),
    ("http_fail_cnt", "http_fail_cnt"),
    ("http_fail_rate", "http_fail_rate"),
    ("bytes_in_rate", "bytes_in_rate"),
    ("bytes_out_rate", "bytes_out_rate"),
];

/// What a client asks for; the path is the key.
const CASES: &[&str] = &[
    "/200",
    "/304",
    "/400",
    "/401",
    "/404",
    "/499",
    "/500",
    "/501",
    "/502",
    "/503",
    "/505",
    "/deny",
    "/deny503",
    "/tarpit",
    "/refused",
    "/close",
    "/junk",
    "/late",
    "/count",
    "/response",
    // Chosen by the rules on responses.
    "/r-200",
    "/r-404",
    "/r-500",
];

/// Rules that both understand.
const RULES: &[&str] = &[
    "set-var(txn.path) path",
    "track-sc0 path table t unless { path_beg /r- }",
    "track-sc1 path table t unless { path_beg /404 /r- }",
    "deny if { path /deny }",
    "deny deny_status 503 if { path /deny503 }",
    "tarpit if { path /tarpit }",
    "sc-inc-gpc0(0) if { path /count }",
    "sc-inc-gpc1(0) if { path /count }",
    "sc-set-gpt0(0) 7 if { path /count }",
];

/// Rules on responses.
const RESPONSE_RULES: &[&str] = &[
    "track-sc0 var(txn.path) table t if { var(txn.path) -m beg /r- }",
    "sc-inc-gpc0(0)",
];

fn stored() -> String {
    let stored = DATA.iter().map(|(data, _)| match data.ends_with("_rate") {
        true => format!("{data}(1h)"),
        false => (*data).to_owned(),
    });
    stored.collect::<Vec<_>>().join(",")
}

async fn origin() -> Origin {
    Origin::start(|request: &Message| {
        let path = request.target().replace("r-", "");
        match &*path {
            "/close" => Answer::Close,
            "/junk" => Answer::Send(b"no HTTP\r\n\r\n".to_vec()),
            "/late" => Answer::Hang,
            _ => match path[1..].parse::<u16>() {
                Ok(status) if status != 200 => Answer::Send(
                    format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n").into(),
                ),
                // The probe: what the proxy has written into the request comes back.
                _ => Answer::Send(ok(request.get("x-counts").unwrap_or("body"))),
            },
        }
    })
    .await
}

/// Sends a request; gives its bytes and those of its response.
async fn ask(front: SocketAddr, path: &str) -> (u64, u64) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let mut wire = Wire::send_to(front, &request).await;
    let mut bytes = Vec::new();
    let read = wire.stream.read_to_end(&mut bytes);
    within("the end of the response", read).await.unwrap();
    (request.len() as u64, bytes.len() as u64)
}

type Counts = BTreeMap<String, BTreeMap<String, u64>>;

#[tokio::test]
async fn every_counter_is_haproxys() {
    let origin = origin().await;
    let haproxy = of_haproxy(&origin).await;
    let (lb, sizes) = of_lb(&origin).await;
    let mut differences = String::new();
    for case in CASES {
        for (data, _) in DATA {
            let (ours, theirs) = (lb[*case][*data], haproxy[*case][*data]);
            // Every slot counts, even in one entry; observed.
            let one = *case == "/404" || case.starts_with("/r-");
            let slots = if one { 1 } else { 2 };
            // HAProxy counts bytes of messages in its own form, which is shorter; `lb` those on the wire.
            let expected = match *data {
                "bytes_in_rate" => slots * sizes[*case].0,
                "bytes_out_rate" => slots * sizes[*case].1,
                _ => theirs,
            };
            if ours != expected || (data.starts_with("bytes") && theirs >= ours) {
                let _ = writeln!(
                    differences,
                    "{case} {data}: {ours}, not {expected}; haproxy {theirs}"
                );
            }
        }
    }
    assert_eq!(differences, "");
}

type Sizes = BTreeMap<&'static str, (u64, u64)>;

async fn ask_all(front: SocketAddr) -> Sizes {
    let mut sizes = Sizes::new();
    for case in CASES {
        // Twice, so that what counts once is told from what counts each time.
        let (first, second) = (ask(front, case).await, ask(front, case).await);
        sizes.insert(*case, (first.0 + second.0, first.1 + second.1));
    }
    sizes
}

async fn of_haproxy(origin: &Origin) -> Counts {
    let (front, refused) = (address::free(), address::free());
    let socket = format!(
        "{}/tables-{}.sock",
        env!("CARGO_TARGET_TMPDIR"),
        std::process::id()
    );
    let rules = |kind: &str, rules: &[&str]| {
        let lines = rules.iter().map(|rule| format!("  http-{kind} {rule}\n"));
        lines.collect::<String>()
    };
    let config = format!(
        "global\n  stats socket {socket} level admin\n\
         defaults\n  mode http\n  timeout connect 1s\n  timeout client 20s\n  timeout server 500ms\n  timeout tarpit 100ms\n  retries 0\n\
         frontend web\n  bind {front}\n{}{}  use_backend refused if {{ path /refused }}\n  default_backend app\n\
         backend app\n  server s1 {}\n\
         backend refused\n  server s1 {refused}\n\
         backend t\n  stick-table type string len 32 size 1000 expire 1h store {}\n",
        rules("request", RULES),
        rules("response", RESPONSE_RULES),
        origin.address(),
        stored(),
    );
    let _haproxy = Process::haproxy(&config, &[front]).await;
    ask_all(front).await;
    let mut counts = Counts::new();
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        stream.write_all(b"show table t\n").await.unwrap();
        let mut text = String::new();
        within("the table", stream.read_to_string(&mut text))
            .await
            .unwrap();
        counts = text.lines().filter_map(line).collect();
        // Requests end a little after their responses.
        if counts.values().all(|counts| counts["conn_cur"] == 0) {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    let _ = std::fs::remove_file(&socket);
    counts
}

/// `0x…: key=/404 use=0 exp=… http_req_cnt=1 http_req_rate(10000)=1`.
fn line(text: &str) -> Option<(String, BTreeMap<String, u64>)> {
    let mut words = text.split(' ').filter_map(|word| word.split_once('='));
    let (_, key) = words.find(|(name, _)| *name == "key")?;
    let counts = words.filter_map(|(name, value)| {
        let name = name.split('(').next()?;
        Some((name.to_owned(), value.parse().ok()?))
    });
    Some((key.to_owned(), counts.collect()))
}

async fn of_lb(origin: &Origin) -> (Counts, Sizes) {
    let (front, probe, refused) = (address::free(), address::free(), address::free());
    let quoted = |rules: &[&str]| {
        let rules = rules.iter().map(|rule| format!("\"{rule}\""));
        rules.collect::<Vec<_>>().join(", ")
    };
    let asked = DATA
        .iter()
        .map(|(_, converter)| format!("%[hdr(x-key),table_{converter}(t)]"));
    let asked = asked.collect::<Vec<_>>().join("/");
    let stored = stored();
    let stored: Vec<&str> = stored.split(',').collect();
    let config = format!(
        "[global]\nlog = [{{ to = \"stdout\" }}]\nworkers = 1\n\
         [defaults]\nretries = 0\ntimeout = {{ connect = \"1s\", server = \"500ms\", tarpit = \"100ms\" }}\n\
         [table.t]\ntype = \"string 32\"\nsize = 1000\nexpire = \"1h\"\nstore = [{}]\n\
         [frontend.web]\nbind = [\"{front}\"]\nhttp_request = [{}]\nhttp_response = [{}]\n\
         use_backend = [\"refused if {{ path /refused }}\"]\ndefault_backend = \"app\"\n\
         [frontend.probe]\nbind = [\"{probe}\"]\nhttp_request = [\"set-header x-counts {asked}\"]\ndefault_backend = \"app\"\n\
         [backend.app]\nserver = [{{ name = \"s1\", address = \"{}\" }}]\n\
         [backend.refused]\nserver = [{{ name = \"s1\", address = \"{refused}\" }}]\n",
        quoted(&stored),
        quoted(RULES),
        quoted(RESPONSE_RULES),
        origin.address(),
    );
    let lb = Process::lb(&config, &[front, probe]).await;
    let sizes = ask_all(front).await;
    // A request has ended when its line is there.
    until("all lines", || {
        let ended = lb
            .log()
            .lines()
            .filter(|line| line.contains(" web "))
            .count();
        (ended >= 2 * CASES.len()).then_some(())
    })
    .await;
    let mut counts = Counts::new();
    for case in CASES {
        let request = format!("GET /probe HTTP/1.1\r\nHost: a\r\nX-Key: {case}\r\n\r\n");
        let response = Wire::send_to(probe, request).await.response().await;
        let values = String::from_utf8(response.body.clone()).unwrap();
        let values = values
            .split('/')
            .map(|value| value.parse().unwrap_or(u64::MAX));
        let names = DATA.iter().map(|(data, _)| (*data).to_owned());
        counts.insert((*case).to_owned(), names.zip(values).collect());
    }
    (counts, sizes)
}
