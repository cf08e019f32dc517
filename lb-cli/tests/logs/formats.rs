//! Log-format strings, item by item, and HAProxy's Common Log Format: the same exchanges in front of `lb` and HAProxy,
//! and every item compared but the milliseconds of those that measure time.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::{
    Peer,
    common::{address, origin, process::Process, site::get, until, wire::Wire},
    stage::response,
};

/// What HAProxy 2.6 knows and `lb` has too.
const NAMES: &str = "CC CS H HM HP HPO HQ HU HV ST T Ta Tc Td Th Ti Tl Tq TR Tr Ts Tt Tu Tw ac b bc bi bp bq ci cp f fc fi fp ft \
    hr hrl hs hsl lc ms pid r rc rt s sc si sp sq sslc sslv t tr trg trl ts tsc";

const LB_CAPTURES: &str = r#"capture = { request = [{ header = "X-A", len = 40 }, { header = "X-B", len = 3 }], response = [{ header = "X-R", len = 40 }], cookie = { name = "SID=", len = 40 } }"#;
const HAPROXY_CAPTURES: &str = "capture request header X-A len 40\n  capture request header X-B len 3\n  \
    capture response header X-R len 40\n  capture cookie SID= len 40";
const LB_DENIES: &str = "http_request = [\"deny if { path /deny }\"]";
const HAPROXY_DENIES: &str = "http-request deny if { path /deny }";

/// One proxy, in front of one server.
struct Setting<'a> {
    front: SocketAddr,
    server: SocketAddr,
    /// Keys of the frontend of `lb`, and of HAProxy.
    keys: [&'a str; 2],
    accept_proxy: bool,
}

impl Setting<'_> {
    async fn open(&self, peer: Peer) -> Process {
        let (front, server, accept_proxy) = (self.front, self.server, self.accept_proxy);
        match peer {
            Peer::Lb => {
                let keys = &self.keys[0];
                let config = format!(
                    "[global]\nworkers = 1\nlog = [{{ to = \"stdout\", level = \"info\" }}]\n\
                     [frontend.web]\nbind = [{{ address = \"{front}\", accept_proxy = {accept_proxy} }}]\n\
                     default_backend = \"app\"\n{keys}\n[frontend.web.timeout]\nhttp_request = \"700ms\"\n\
                     [backend.app]\nvia = false\nserver = [{{ name = \"s1\", address = \"{server}\" }}]\n"
                );
                Process::lb(&config, &[front]).await
            }
            Peer::Haproxy => {
                let keys = &self.keys[1];
                let bind = if accept_proxy { "accept-proxy" } else { "" };
                let config = format!(
                    "global\n  nbthread 1\n  log stdout len 8192 format raw local0 info\n\
                     defaults\n  mode http\n  log global\n  timeout connect 1s\n  timeout client 700ms\n  timeout server 5s\n  timeout http-request 700ms\n\
                     frontend web\n  bind {front} {bind}\n  default_backend app\n  {keys}\nbackend app\n  server s1 {server}\n"
                );
                Process::haproxy(&config, &[front]).await
            }
        }
    }
}

/// An exchange with captures, one more on the same connection, one that is denied, and what is no request.
async fn exchanges(front: SocketAddr, server: &TcpListener) -> [SocketAddr; 4] {
    let first = "X-A: o\"e] {\r\nX-B: long\r\nCookie: a=1; SID=q\"x\r\n";
    let mut client = Wire::send_to(front, get("/a\"b]?q=\\x", first)).await;
    let mut origin = Wire::accept(server).await;
    origin.request().await;
    let answer = "X-R: r1\r\nSet-Cookie: SID=2; path=/\r\n";
    origin.send(response("200 OK", answer, "hello")).await;
    client.response().await;
    client.send(get("http://a.example/x?y", "")).await;
    origin.request().await;
    origin.send(response("404 Not Found", "", "hello")).await;
    client.response().await;
    let mut denied = Wire::send_to(front, get("/deny", "X-A: d\r\n")).await;
    denied.response().await;
    let mut bad = Wire::send_to(front, "BAD\r\n\r\n").await;
    bad.rest().await;
    [client.local(), denied.local(), bad.local(), origin.peer()]
}

/// The lines of these exchanges from one proxy, with names for what is its own.
async fn lines(peer: Peer, keys: [&str; 2]) -> Vec<String> {
    let server = origin::raw();
    let setting = Setting {
        front: address::free(),
        server: server.local_addr().unwrap(),
        keys,
        accept_proxy: false,
    };
    let proxy = setting.open(peer).await;
    let clients = exchanges(setting.front, &server).await;
    let lines = until("four lines", || {
        let log = proxy.log();
        let lines: Vec<_> = (log.lines().filter(|line| line.contains("web")))
            .filter(|line| !line.contains("listening on"))
            .map(str::to_owned)
            .collect();
        (lines.len() >= 4).then_some(lines)
    })
    .await;
    let mut known = vec![
        (u32::from(setting.front.port()), "FRONT"),
        (u32::from(setting.server.port()), "SERVER"),
        (proxy.id(), "PID"),
    ];
    let names = ["CLIENT", "CLIENT", "CLIENT", "SOURCE"];
    let ports = clients.map(|client| u32::from(client.port()));
    known.extend(ports.into_iter().zip(names));
    let own = [setting.front.ip(), setting.server.ip()];
    let named = |line: String| {
        let line = known.iter().fold(line, |line, (number, name)| {
            line.replace(&number.to_string(), name)
                .replace(&format!("{number:04X}"), name)
        });
        own.iter().fold(line, |line, ip| {
            let line = line.replace(&ip.to_string(), "127.0.0.1");
            match ip {
                std::net::IpAddr::V4(ip) => {
                    line.replace(&format!("{:08X}", u32::from(*ip)), "7F000001")
                }
                std::net::IpAddr::V6(_) => line,
            }
        })
    };
    lines.into_iter().map(named).collect()
}

/// An item with what measures time or names a moment made the same.
fn comparable(name: &str, value: &str) -> String {
    match name {
        "t" | "tr" | "T" | "Tl" | "trg" | "trl" | "Ts" => {
            let kind = |c: char| if c.is_ascii_alphanumeric() { '0' } else { c };
            value.chars().map(kind).collect()
        }
        // Hexadecimal ones have as many digits as they need.
        "ms" => value.len().min(2).to_string(),
        // A phase that was, or never ended; nothing in these exchanges takes long.
        _ if name.starts_with('T') => match value.parse::<i64>() {
            Ok(-1) => "never".to_owned(),
            Ok(0..=10_000) => "short".to_owned(),
            _ => value.to_owned(),
        },
        _ => value.to_owned(),
    }
}

async fn every_item(flags: &str) {
    let items: Vec<String> = (NAMES.split_whitespace())
        .map(|name| format!("{name}=%{flags}{name}"))
        .collect();
    // HAProxy writes a line that asks for no bytes before the end.
    let format = format!("web;{};B=%B", items.join(";"));
    let of_lb = format!("log_format = '''{format}'''\n{LB_DENIES}\n{LB_CAPTURES}");
    let of_haproxy = format!("log-format '{format}'\n  {HAPROXY_DENIES}\n  {HAPROXY_CAPTURES}");
    let keys = [of_lb.as_str(), of_haproxy.as_str()];
    let (ours, theirs) = tokio::join!(lines(Peer::Lb, keys), lines(Peer::Haproxy, keys));
    assert_eq!(ours.len(), theirs.len(), "{ours:#?}\n{theirs:#?}");
    let mut different = Vec::new();
    for (our_line, their_line) in ours.iter().zip(&theirs) {
        let items = |line: &str| -> Vec<(String, String)> {
            let items = line.split(';').filter_map(|item| {
                let (name, value) = item.split_once('=')?;
                Some((name.to_owned(), comparable(name, value)))
            });
            items.filter(|(name, _)| name != "B").collect()
        };
        let (ours, theirs) = (items(our_line), items(their_line));
        assert_eq!(ours.len(), NAMES.split_whitespace().count());
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            if ours != theirs {
                different.push(format!("{flags}{}: {}, not {}", ours.0, ours.1, theirs.1));
            }
        }
    }
    assert!(
        different.is_empty(),
        "{}\n{ours:#?}\n{theirs:#?}",
        different.join("\n")
    );
}

#[tokio::test]
async fn every_item_is_haproxys() {
    for flags in ["", "{+Q}", "{+X}", "{+E}", "{-M}", "{+Q,+X,+E}"] {
        every_item(flags).await;
    }
}

#[tokio::test]
async fn the_common_log_format_is_haproxys() {
    let of_lb = format!("log_format = \"combined\"\n{LB_DENIES}\n{LB_CAPTURES}");
    let of_haproxy = format!("option httplog clf\n  {HAPROXY_DENIES}\n  {HAPROXY_CAPTURES}");
    let keys = [of_lb.as_str(), of_haproxy.as_str()];
    let (ours, theirs) = tokio::join!(lines(Peer::Lb, keys), lines(Peer::Haproxy, keys));
    let fields = |line: &String| -> Vec<String> {
        // client - - [date zone] "request" status bytes "" "" port ms …
        let (head, rest) = line.split_once('[').unwrap();
        let (date, rest) = rest.split_once("] \"").unwrap();
        let (request, rest) = rest.split_once("\" ").unwrap();
        let mut fields = vec![head.to_owned(), comparable("trg", date), request.to_owned()];
        fields.extend(rest.split(' ').enumerate().map(|(at, field)| match at {
            1 => "bytes".to_owned(),
            5 => "ms".to_owned(),
            9..=13 => comparable("Ta", field),
            _ => field.to_owned(),
        }));
        fields
    };
    let all = |lines: &[String]| lines.iter().map(fields).collect::<Vec<_>>();
    assert_eq!(all(&ours), all(&theirs));
    assert_eq!(ours.len(), 4);
}

/// HAProxy 2.6 refuses such a format; here the text is taken while the request is there.
#[tokio::test]
async fn samples_of_a_request_are_written_at_its_end() {
    let of_lb = "log_format = 'web;%[hdr(x-a)];%{+Q}[path,lower];%[src];%[hdr(none)];%ST'\n\
        http_request = [\"deny if { path /deny }\", \"set-header X-A rule if { path /x }\"]";
    let lines = lines(Peer::Lb, [of_lb, ""]).await;
    assert_eq!(
        lines,
        [
            "web;o\"e] {;\"/a\"b]\";127.0.0.1;-;200",
            "web;rule;\"/x\";127.0.0.1;-;404",
            "web;d;\"/deny\";127.0.0.1;-;403",
            "web;-;\"\";-;-;400",
        ]
    );
}

#[tokio::test]
async fn an_object_has_every_field() {
    let of_lb = format!("log_format = \"json\"\n{LB_DENIES}\n{LB_CAPTURES}");
    let lines = lines(Peer::Lb, [&of_lb, ""]).await;
    let read = |line: &String| -> serde_json::Value {
        // Ports were given names.
        let line = line.replace("CLIENT", "1").replace("FRONT", "2");
        serde_json::from_str(&line).unwrap()
    };
    let mut first = read(&lines[0]);
    for name in ["time", "local"] {
        assert!(first[name].take().is_string(), "{first}");
    }
    for name in [
        "request_ms",
        "queue_ms",
        "connect_ms",
        "response_ms",
        "total_ms",
        "bytes",
        "bytes_received",
    ] {
        assert!(first[name].take().is_u64(), "{name} of {first}");
    }
    let null = serde_json::Value::Null;
    assert_eq!(
        first,
        serde_json::json!({
            "time": null, "level": "info", "client": "127.0.0.1", "client_port": 1, "local": null, "local_port": 2,
            "frontend": "web", "backend": "app", "server": "s1", "request_ms": null, "queue_ms": null,
            "connect_ms": null, "response_ms": null, "total_ms": null, "status": 200, "bytes": null,
            "bytes_received": null, "complete": true, "termination": "----", "process_connections": 1,
            "frontend_connections": 1, "backend_connections": 0, "server_connections": 0, "retries": 0,
            "redispatched": false, "server_queue": 0, "backend_queue": 0, "request_cookie": "SID=q\"x",
            "response_cookie": "SID=2", "request_captures": ["o\"e] {", "lon"], "response_captures": ["r1"],
            "method": "GET", "uri": "/a\"b]?q=\\x", "version": "HTTP/1.1",
        })
    );
    let second = read(&lines[1]);
    assert_eq!(second["request_captures"], serde_json::json!([null, null]));
    let bad = read(&lines[3]);
    for name in [
        "request_ms",
        "queue_ms",
        "connect_ms",
        "response_ms",
        "method",
        "uri",
        "version",
        "request_cookie",
    ] {
        assert_eq!(bad[name], null, "{name}");
    }
    assert_eq!(
        (&bad["status"], &bad["termination"]),
        (&400.into(), &"PR--".into())
    );
}

/// Lines of clients that have to begin with a header of the PROXY protocol, and do not.
async fn unheard(peer: Peer, keys: [&str; 2]) -> Vec<String> {
    let server = origin::raw();
    let setting = Setting {
        front: address::free(),
        server: server.local_addr().unwrap(),
        keys,
        accept_proxy: true,
    };
    let proxy = setting.open(peer).await;
    let mut ports = Vec::new();
    for (bytes, waits) in [
        ("", false),
        ("", true),
        ("GET / HTTP/1.0\r\n\r\n", true),
        ("PROXY TCP4 nonsense\r\n", true),
        ("PROXY TCP4 ", true),
    ] {
        let mut client = Wire::send_to(setting.front, bytes).await;
        ports.push(client.local().port().to_string());
        if waits {
            client.rest().await;
        }
    }
    let lines = until("five lines", || {
        let log = proxy.log();
        let lines: Vec<_> = (log.lines().filter(|line| line.contains("PROXY protocol")))
            .map(str::to_owned)
            .collect();
        (lines.len() >= 5).then_some(lines)
    })
    .await;
    let strip = |line: String| {
        let line = ports
            .iter()
            .fold(line, |line, port| line.replace(port, "PORT"));
        match (line.split_once('['), line.split_once(']')) {
            (Some((head, _)), Some((_, tail))) => format!("{head}[]{tail}"),
            _ => line,
        }
    };
    let mut lines: Vec<_> = lines.into_iter().map(strip).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn connections_without_a_request_have_haproxys_line() {
    let keys = ["", "option httplog"];
    let (ours, theirs) = tokio::join!(unheard(Peer::Lb, keys), unheard(Peer::Haproxy, keys));
    assert_eq!(ours, theirs);
    let format = "%ci:%cp [%tr] %ft %b/%s %ST %B %ts %{+Q}r %bc/%sc/%rc PROXY protocol";
    let of_lb = format!("error_log_format = '{format}'");
    let of_haproxy = format!("error-log-format '{format}'");
    let keys = [of_lb.as_str(), of_haproxy.as_str()];
    let (ours, theirs) = tokio::join!(unheard(Peer::Lb, keys), unheard(Peer::Haproxy, keys));
    assert_eq!(ours, theirs);
}
