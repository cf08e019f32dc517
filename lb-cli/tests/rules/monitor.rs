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
