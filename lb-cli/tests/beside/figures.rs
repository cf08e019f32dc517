//! What both have counted of the same: every column of every row of the CSV, each in its place, `show info`, and the other forms of both.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{admin::Csv, common::within, site::Site};

/// Columns that differ, in rows of these kinds (`F`, `B`, `S`; `P`: the backend of the page), and why.
const DIFFER: &[(&str, &str, &str)] = &[
    (
        "bin bout",
        "FBS",
        "octets of the wire, not of an own representation",
    ),
    (
        "rate rate_max req_rate req_rate_max conn_rate conn_rate_max",
        "FBS",
        "of whole seconds, not of a sliding one",
    ),
    (
        "lastchg downtime lastsess check_duration qtime ctime rtime ttime qtime_max ctime_max rtime_max ttime_max",
        "FBS",
        "the clock",
    ),
    (
        "smax",
        "FBS",
        "each has its own moment at which one has ended",
    ),
    (
        "connect reuse idle_conn_cur safe_conn_cur used_conn_cur need_conn_est",
        "BS",
        "not kept",
    ),
    ("addr", "S", "each has its own servers"),
    (
        "cli_abrt",
        "P",
        "HAProxy takes whoever leaves its page for an abort",
    ),
];

/// Columns of HAProxy's modules, which have none here.
const MODULES: [&str; 3] = ["ssl_", "h1_", "h2_"];

/// All that differs though nothing says that it may.
pub(crate) async fn differences(ours: &Site, theirs: &Site) -> Vec<String> {
    let (our, their) = (settled(ours).await, settled(theirs).await);
    assert_eq!(our.header, their.header);
    let mut different = Vec::new();
    let rows = |csv: &Csv| -> Vec<String> {
        let rows = csv.rows.iter();
        rows.map(|row| format!("{}/{}", row[0], row[1])).collect()
    };
    assert_eq!(rows(&our), rows(&their));
    for (our_row, their_row) in our.rows.iter().zip(&their.rows) {
        let kind = match our_row[1].as_str() {
            "FRONTEND" => "F",
            "BACKEND" if our_row[0] == "admin_status" => "BP",
            "BACKEND" => "B",
            _ => "S",
        };
        for (at, column) in our.names().iter().enumerate() {
            let (ours, theirs) = (&our_row[at], &their_row[at]);
            let may = DIFFER.iter().any(|(names, kinds, _)| {
                names.split(' ').any(|name| name == *column)
                    && kinds.chars().any(|one| kind.contains(one))
            });
            let may = may || MODULES.iter().any(|module| column.starts_with(module));
            if ours != theirs && !may {
                let [proxy, name] = [&our_row[0], &our_row[1]];
                different.push(format!("{proxy}/{name} {column}: {ours}, not {theirs}"));
            }
        }
    }
    different.extend(infos(ours, theirs).await);
    different.extend(shapes(ours, theirs).await);
    different
}

/// Of `show info`, what is not the same.
const OWN: &[(&str, &str)] = &[
    ("Name Version Pid", "each is itself"),
    (
        "ConnRate SessRate Uptime Uptime_sec Start_time_sec",
        "the clock",
    ),
    (
        "CumConns CumReq TotalBytesOut Listeners",
        "without the admin socket and those who ask it",
    ),
];

/// The statistics while no check is under way, which HAProxy shows with a star.
async fn settled(site: &Site) -> Csv {
    within("the end of all checks", async {
        loop {
            let csv = site.csv().await;
            let at = csv.names().iter().position(|name| *name == "check_status");
            if !csv.rows.iter().any(|row| row[at.unwrap()].starts_with('*')) {
                return csv;
            }
        }
    })
    .await
}

/// Columns that may move from one look to the next.
const MOVES: &[&str] = &[
    "lastchg",
    "lastsess",
    "downtime",
    "check_duration",
    "rate",
    "req_rate",
    "conn_rate",
];

/// The answer to a command, by line: place, name and process, tags and type; and the value.
async fn typed(site: &Site, command: &str) -> BTreeMap<String, String> {
    let text = site.ask(command).await;
    let lines = text.lines().filter(|line| !line.is_empty()).map(|line| {
        let parts: Vec<_> = line.splitn(4, ':').collect();
        (parts[..3].join(":"), parts[3].to_owned())
    });
    lines.collect()
}

/// What `show stat typed` has in other places than HAProxy, and `show stat json` otherwise than itself in CSV.
async fn shapes(ours: &Site, theirs: &Site) -> Vec<String> {
    let (our, their) = (
        typed(ours, "show stat typed").await,
        typed(theirs, "show stat typed").await,
    );
    assert!(our.len() > 500, "{}", our.len());
    let strange = our.keys().filter(|place| !their.contains_key(*place));
    let mut different: Vec<_> = strange.map(|place| format!("stat {place}")).collect();
    let (json, csv) = (ours.ask("show stat json").await, ours.csv().await);
    let json: Value = serde_json::from_str(&json).unwrap();
    let (names, rows) = (csv.names(), json.as_array().unwrap());
    assert_eq!(rows.len(), csv.rows.len());
    for (row, fields) in csv.rows.iter().zip(rows) {
        for field in fields.as_array().unwrap() {
            let at = field["field"]["pos"].as_u64().unwrap();
            let at = usize::try_from(at).unwrap();
            let value = match &field["value"]["value"] {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            let moves = MOVES.contains(&names[at]);
            if field["field"]["name"] != names[at] || (row[at] != value && !moves) {
                different.push(format!("json {field}, not {}", row[at]));
            }
        }
    }
    different
}

async fn infos(ours: &Site, theirs: &Site) -> Vec<String> {
    let (ours, theirs) = (
        typed(ours, "show info typed").await,
        typed(theirs, "show info typed").await,
    );
    assert!(ours.len() > 15, "{ours:?}");
    let mut different = Vec::new();
    for (place, value) in &ours {
        let name = place.split('.').nth(1).unwrap();
        let is_own = OWN
            .iter()
            .any(|(names, _)| names.split(' ').any(|own| own == name));
        match theirs.get(place) {
            None => different.push(format!("info {place} is not HAProxy's")),
            Some(their) if their != value && !is_own => {
                different.push(format!("info {name}: {value}, not {their}"));
            }
            Some(_) => {}
        }
    }
    different
}
