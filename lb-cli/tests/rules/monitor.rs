//! `monitor_uri`, `monitor_fail`: those who watch get HAProxy's answers, and are not logged.

use super::*;

#[tokio::test]
async fn those_who_watch_get_haproxys_answers_and_are_not_logged() {
    let sends = [
        ("GET /alive", ""),
        ("HEAD /alive", ""),
        ("GET /alive", "Fail: 1\r\n"),
        ("GET /alive?x", ""),
        ("GET /Alive", ""),
        ("POST /alive", ""),
    ];
    let mut outcomes = Vec::new();
    for peer in [Peer::Lb, Peer::Haproxy] {
        let origin = Origin::start(echo).await;
        let (front, to) = (address::free(), origin.address());
        let proxy = match peer {
            Peer::Lb => {
                let text = format!(
                    "{LB}[frontend.f]\nbind = [\"{front}\"]\nmonitor_uri = \"/alive\"\n\
                     monitor_fail = \"if {{ hdr(fail) 1 }}\"\nhttp_request = [\"deny if {{ path /alive }}\"]\n\
                     default_backend = \"b\"\n[backend.b]\nserver = [{{ name = \"s\", address = \"{to}\" }}]\n"
                );
                Process::lb(&text, &[front]).await
            }
            Peer::Haproxy => {
                let text = format!(
                    "{HAPROXY}frontend f\n  bind {front}\n  monitor-uri /alive\n  \
                     monitor fail if {{ hdr(fail) 1 }}\n  http-request deny if {{ path /alive }}\n  \
                     default_backend b\nbackend b\n  server s {to}\n"
                );
                Process::haproxy(&text, &[front]).await
            }
        };
        let mut text = String::new();
        for (line, fields) in sends {
            let body = "";
            text += &exchange(front, &Send { line, fields, body }).await;
        }
        // Lines are written in the order of the requests: the last is there, so all are.
        let last = Send {
            line: "GET /last",
            fields: "",
            body: "",
        };
        exchange(front, &last).await;
        proxy
            .logged("the last request", |line| line.contains("GET /last"))
            .await;
        let log = proxy.log();
        let lines = log.lines().filter(|line| line.contains("HTTP/1.1\""));
        let logged = lines.map(|line| line.rsplit('"').nth(1).unwrap_or_default().to_owned());
        outcomes.push((text, logged.collect::<Vec<_>>()));
    }
    assert_eq!(outcomes[0].0, outcomes[1].0);
    let requests = [
        "GET /alive?x HTTP/1.1",
        "GET /Alive HTTP/1.1",
        "GET /last HTTP/1.1",
    ];
    assert_eq!(outcomes[0].1, requests);
    assert_eq!(outcomes[1].1, requests);
}

/// HAProxy counts them as intercepted, too; `monitor-net` it had up to 2.2.
#[tokio::test]
async fn those_who_watch_are_counted() {
    let keys = "monitor_uri = \"/alive\"\nmonitor_net = [\"127.0.0.2/32\"]\nstats = { uri = \"/stats\" }\n";
    let site = common::site::Config::new(keys, "").start().await;
    assert_eq!(site.get("/alive").await.status(), 200);
    let watcher = tokio::net::TcpSocket::new_v4().unwrap();
    watcher.bind(([127, 0, 0, 2], 0).into()).unwrap();
    let stream = watcher.connect(site.front).await.unwrap();
    let mut watcher = Wire::new(stream);
    watcher
        .send("GET /whatever HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let answer = watcher.response().await;
    assert_eq!(answer.body, site.get("/alive").await.body);
    let table = site.get("/stats;csv").await;
    let table = String::from_utf8_lossy(&table.body).into_owned();
    let mut lines = table.lines();
    let columns: Vec<_> = lines.next().unwrap().split(',').collect();
    let at = columns
        .iter()
        .position(|name| *name == "intercepted")
        .unwrap();
    let row = lines
        .find(|line| line.starts_with("http,FRONTEND"))
        .unwrap();
    // Three who watch, and the page itself.
    assert_eq!(row.split(',').nth(at), Some("4"));
    assert!(!site.lb.log().contains("whatever"));
}
