//! The metrics of a real `lb`: their format, beside HAProxy's exporter, and the dashboard that shows them.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../common/mod.rs"]
mod common;
mod format;

use std::{collections::BTreeSet, net::SocketAddr};

use common::{
    address, message::Message, origin::Origin, process::Process, site::get, wire::Wire, within,
};
use format::Exposition;

/// `lb` or HAProxy with a frontend `web` and a backend `app` of four servers.
struct Scene {
    _proxy: Process,
    web: SocketAddr,
    metrics: SocketAddr,
    _origin: Origin,
}

impl Scene {
    async fn new(lb: bool) -> Self {
        let [web, metrics, nobody] = [address::free(), address::free(), address::free()];
        let origin = Origin::named("s1").await;
        let one = origin.address();
        let proxy = if lb {
            let config = format!(
                "[global]\nworkers = 2\nmetrics = \"{metrics}\"\n\
                 [frontend.web]\nbind = [\"{web}\"]\nmaxconn = 100\ndefault_backend = \"app\"\n\
                 use_backend = [\"none if {{ path /none }}\"]\n\
                 [backend.app]\nserver = [\n\
                 {{ name = \"s1\", address = \"{one}\", maxconn = 20, maxqueue = 7, weight = 3, check = {{ interval = \"100ms\" }} }},\n\
                 {{ name = \"b1\", address = \"{one}\", backup = true }},\n\
                 {{ name = \"down\", address = \"{nobody}\", init_state = \"down\", check = {{ interval = \"100ms\", fall = 1 }} }},\n\
                 {{ name = \"off\", address = \"{one}\", disabled = true }}]\n\
                 [backend.none]\nserver = []\n"
            );
            Process::lb(&config, &[web]).await
        } else {
            let config = format!(
                "defaults\n  mode http\n  timeout connect 500ms\n  timeout client 5s\n  timeout server 5s\n\
                 frontend metrics\n  bind {metrics}\n  http-request use-service prometheus-exporter if {{ path /metrics }}\n\
                 frontend web\n  bind {web}\n  maxconn 100\n  use_backend none if {{ path /none }}\n  default_backend app\n\
                 backend app\n  server s1 {one} maxconn 20 maxqueue 7 weight 3 check inter 100ms\n  server b1 {one} backup\n\
                 \x20 server down {nobody} check inter 100ms fall 1\n  server off {one} disabled\n\
                 backend none\n"
            );
            Process::haproxy(&config, &[web, metrics]).await
        };
        let scene = Self {
            _proxy: proxy,
            web,
            metrics,
            _origin: origin,
        };
        within("both checks", async { while !scene.is_checked().await {} }).await;
        scene
    }

    async fn is_checked(&self) -> bool {
        let text = self.text("/metrics", "").await;
        let has = |line: &str| text.lines().any(|each| each == line);
        has("haproxy_server_status{proxy=\"app\",server=\"down\",state=\"DOWN\"} 1")
            && has("haproxy_server_check_status{proxy=\"app\",server=\"s1\",state=\"L4OK\"} 1")
    }

    async fn ask(&self, request: String) -> Message {
        Wire::send_to(self.metrics, request).await.response().await
    }

    async fn text(&self, target: &str, fields: &str) -> String {
        let answer = self.ask(get(target, fields)).await;
        assert_eq!(answer.status(), 200, "{}", answer.show());
        String::from_utf8(answer.body).unwrap()
    }

    async fn metrics(&self) -> Exposition {
        Exposition::parse(&self.text("/metrics", "").await, false)
    }

    /// Those of `lb` with so many requests that a server has answered: one is counted as a whole when its end has been sent.
    async fn counted(&self, requests: f64) -> Exposition {
        within("the times", async {
            loop {
                let all = self.metrics().await;
                if all.value("lb_frontend_total_seconds_count", &[("proxy", "web")]) == requests {
                    return all;
                }
            }
        })
        .await
    }
}

const OPEN: &str = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";

#[tokio::test]
async fn both_formats_are_what_they_say() {
    let scene = Scene::new(true).await;
    for (fields, kind) in [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        (
            OPEN,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ] {
        let answer = scene.ask(get("/metrics", fields)).await;
        assert_eq!(answer.get("content-type"), Some(kind));
        let text = String::from_utf8(answer.body).unwrap();
        let all = Exposition::parse(&text, !fields.is_empty());
        assert_eq!(all.value("haproxy_process_nbthread", &[]), 2.0);
        assert!(all.families.len() > 100, "{}", all.families.len());
    }
}

#[tokio::test]
async fn requests_are_counted_and_timed() {
    let scene = Scene::new(true).await;
    for target in ["/", "/", "/none"] {
        let mut client = Wire::send_to(scene.web, get(target, "Connection: close\r\n")).await;
        client.response().await;
        client.rest().await;
    }
    let all = scene.counted(2.0).await;
    let (web, app, s1) = (("proxy", "web"), ("proxy", "app"), ("server", "s1"));
    for (name, labels, value) in [
        ("haproxy_frontend_http_requests_total", &[web][..], 3.0),
        (
            "haproxy_frontend_http_responses_total",
            &[web, ("code", "2xx")],
            2.0,
        ),
        (
            "haproxy_frontend_http_responses_total",
            &[web, ("code", "5xx")],
            1.0,
        ),
        ("haproxy_backend_http_requests_total", &[app], 2.0),
        ("haproxy_server_sessions_total", &[app, s1], 2.0),
        ("haproxy_server_status", &[app, s1, ("state", "UP")], 1.0),
        (
            "haproxy_server_status",
            &[app, ("server", "off"), ("state", "MAINT")],
            1.0,
        ),
        (
            "haproxy_backend_agg_server_status",
            &[app, ("state", "UP")],
            2.0,
        ),
        ("haproxy_server_limit_sessions", &[app, s1], 20.0),
        ("haproxy_process_requests_total", &[], 3.0),
    ] {
        assert_eq!(all.value(name, labels), value, "{name} {labels:?}");
    }
    for phase in ["queue", "connect", "response", "total"] {
        for (kind, labels) in [("backend", &[app][..]), ("server", &[app, s1])] {
            let name = format!("lb_{kind}_{phase}_seconds_count");
            assert_eq!(all.value(&name, labels), 2.0, "{name}");
        }
    }
    let total = all.value("lb_server_total_seconds_sum", &[app, s1]);
    let response = all.value("lb_server_response_seconds_sum", &[app, s1]);
    assert!(total >= response && response > 0.0, "{total} {response}");
}

/// The names, kinds and labels, and what does not depend on the moment, of HAProxy's own exporter.
#[tokio::test]
async fn dashboards_of_haproxy_carry_over() {
    let (ours, theirs) = tokio::join!(Scene::new(true), Scene::new(false));
    for scene in [&ours, &theirs] {
        for target in ["/none", "/", "/a"] {
            let mut client = Wire::send_to(scene.web, get(target, "Connection: close\r\n")).await;
            client.response().await;
            client.rest().await;
        }
    }
    let (ours, theirs) = tokio::join!(ours.counted(2.0), text_of_haproxy(&theirs));
    let shape = |family: &format::Family| {
        let labels = family.samples.iter().filter(|sample| {
            // HAProxy's own frontend for this, and what has no value there.
            let proxy = sample.labels.get("proxy");
            proxy.is_none_or(|proxy| proxy != "metrics" && proxy != "none")
        });
        let labels = labels.map(|sample| format!("{:?}", sample.labels));
        (family.kind.clone(), labels.collect::<BTreeSet<_>>())
    };
    let mut different = Vec::new();
    for (name, family) in ours
        .families
        .iter()
        .filter(|(name, _)| name.starts_with("haproxy_") && !name.ends_with("build_info"))
    {
        let Some(their) = theirs.families.get(name) else {
            different.push(format!("{name} is not HAProxy's"));
            continue;
        };
        let (our, their) = (shape(family), shape(their));
        // What is not known has no sample here, and NaN or nothing there.
        if our.0 != their.0 || !our.1.is_subset(&their.1) {
            different.push(format!("{name}: {our:?}, not {their:?}"));
        }
    }
    for name in theirs.families.keys() {
        let absent = NOT_KEPT.iter().any(|part| name.contains(part));
        if absent == ours.families.contains_key(name) {
            different.push(format!("{name} of HAProxy's: absent {absent}"));
        }
    }
    let mut compared = 0;
    for (name, family) in &ours.families {
        let Some(their) = theirs.families.get(name) else {
            continue;
        };
        if MOVING.iter().any(|part| name.contains(part)) {
            continue;
        }
        for sample in &family.samples {
            let same = |their: &&format::Sample| their.labels == sample.labels;
            let Some(their) = their.samples.iter().find(same) else {
                continue;
            };
            compared += 1;
            if sample.value != their.value {
                let (labels, our, their) = (&sample.labels, sample.value, their.value);
                different.push(format!("{name} {labels:?}: {our}, not {their}"));
            }
        }
    }
    assert!(compared > 150, "{compared}");
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}

/// Parts of the names of what depends on the moment, on the machine, or on who asks.
const MOVING: &[&str] = &[
    "_seconds",
    "_bytes_",
    "_rate",
    "haproxy_process_",
    // Each has its own moment at which a connection has ended.
    "current_sessions",
    "max_sessions",
    // One that is idle is taken by the first request of a client, too, if that may be sent again.
    "idle_connections",
    // Here the server begins DOWN.
    "check_failures",
];

/// Parts of the names of what HAProxy exports and `lb` does not: see `docs/metrics.md`.
const NOT_KEPT: &[&str] = &[
    "_ssl_",
    "_pool_",
    "pipes",
    "zlib",
    "_limit_connection_rate",
    "_max_connection_rate",
    "process_limit_session_rate",
    "process_max_session_rate",
    "process_http_comp",
    "process_limit_http_comp",
    "relative_process_id",
    "max_sockets",
    "current_tasks",
    "run_queue",
    "idle_time",
    "jobs",
    "peers",
    "recv_logs",
    "busy_polling",
    "failed_resolutions",
    "spliced",
    "bytes_out_rate",
    "max_memory",
    "connection_attempts",
    "connection_reuses",
    "idle_connections_limit",
    "unsafe_idle",
    "safe_idle",
    "used_connections",
    "need_connections",
    "current_throttle",
    "check_code",
];

/// Without what the strict reader rightly refuses in it: a counter without `_total`, one that is no number.
async fn text_of_haproxy(scene: &Scene) -> Exposition {
    let text = scene.text("/metrics", "").await;
    let lines = text
        .lines()
        .filter(|line| !line.contains("process_failed_resolutions"));
    let lines: String = lines
        .map(|line| format!("{}\n", line.replace(" NaN", " 0")))
        .collect();
    Exposition::parse(&lines, false)
}

#[tokio::test]
async fn nothing_but_metrics_is_served() {
    let scene = Scene::new(true).await;
    let status = async |request: &str| scene.ask(request.to_owned()).await.status();
    assert_eq!(status(&get("/", "")).await, 404);
    assert_eq!(status(&get("/metrics/x", "")).await, 404);
    assert_eq!(status(&get("/metrics?scope=nothing", "")).await, 400);
    let refused = scene
        .ask("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".to_owned())
        .await;
    assert_eq!(
        (refused.status(), refused.get("allow")),
        (405, Some("GET, HEAD"))
    );
    let mut client =
        Wire::send_to(scene.metrics, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.head_response().await.status(), 200);
    let narrow = scene.text("/metrics?scope=server&no-maint", "").await;
    assert!(narrow.contains("server=\"s1\"") && !narrow.contains("server=\"off\""));
    assert!(!narrow.contains("haproxy_frontend_") && !narrow.contains("haproxy_process_"));
    // What is no request harms nobody.
    let mut client = Wire::send_to(scene.metrics, "no request\r\n\r\n").await;
    client.rest().await;
    assert_eq!(status(&get("/metrics", "")).await, 200);
}

/// More of them than are taken at a time: they are cut off, and others have their turn.
#[tokio::test]
async fn those_who_only_hold_a_connection_make_way() {
    let scene = Scene::new(true).await;
    let mut idle = Vec::new();
    for nth in 0..40 {
        let begun = if nth % 2 == 0 { "" } else { "GET /metrics HT" };
        idle.push(Wire::send_to(scene.metrics, begun).await);
    }
    let answer = within("its turn", scene.ask(get("/metrics", ""))).await;
    assert_eq!(answer.status(), 200);
    // The data path has known nothing of it.
    let mut client = Wire::send_to(scene.web, get("/", "")).await;
    assert_eq!(client.response().await.status(), 200);
}

/// Words of a query that are none of ours.
const FUNCTIONS: &[&str] = &["label_values", "histogram_quantile"];

#[tokio::test]
async fn the_dashboard_names_only_what_is_there() {
    let scene = Scene::new(true).await;
    let all = scene.metrics().await;
    let names: BTreeSet<_> = all
        .families
        .values()
        .flat_map(|family| family.samples.iter().map(|sample| sample.name.as_str()))
        .collect();
    let text = include_str!("../../../examples/grafana/lb.json");
    let dashboard: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut queries = Vec::new();
    collect(&dashboard, &mut queries);
    assert!(queries.len() > 15, "{}", queries.len());
    let mut asked = 0;
    for query in queries {
        let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for word in words.filter(|word| word.contains('_') && !FUNCTIONS.contains(word)) {
            // Grafana's own variables.
            if word.starts_with("__") {
                continue;
            }
            assert!(names.contains(word), "`{word}` in {query}");
            asked += 1;
        }
    }
    assert!(asked > 15, "{asked}");
}

/// The queries, wherever they stand.
fn collect(value: &serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    serde_json::Value::String(text) if name == "expr" || name == "query" => {
                        // The kind of the source, too, is called a query.
                        if text != "prometheus" {
                            out.push(text.clone());
                        }
                    }
                    value => collect(value, out),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, out)),
        _ => {}
    }
}
