//! `;json` and `;typed` beside a real HAProxy's of the same configuration.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{USER, fetch, haproxy::Scene, text};

/// What HAProxy 2.6.12 also has: figures of its modules, and what is not kept (`docs/statistics.md`).
const NOT_KEPT: &[&str] = &[
    "connect",
    "reuse",
    "src_ilim",
    "hanafail",
    "idle_conn_cur",
    "safe_conn_cur",
    "used_conn_cur",
    "need_conn_est",
];

/// Each field but for what it counts: kind, section, server, place, name, tags, type.
fn fields(page: &Value) -> BTreeMap<String, Vec<String>> {
    let rows = page.as_array().unwrap();
    let row = |row: &Value| {
        let fields = row.as_array().unwrap();
        let of = |name: &str| {
            let field = fields.iter().find(|field| field["field"]["name"] == name);
            field.unwrap()["value"]["value"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let name = format!("{}/{}", of("pxname"), of("svname"));
        let shapes = fields.iter().map(|field| {
            let value = &field["value"];
            let is_text = value["value"].is_string();
            assert_eq!(is_text, value["type"] == "str", "{field}");
            let rest =
                ["objType", "id", "field", "processNum", "tags"].map(|key| field[key].to_string());
            format!("{} {}", rest.join(" "), value["type"])
        });
        (name, shapes.collect())
    };
    rows.iter().map(row).collect()
}

async fn page(scene: &Scene) -> (Value, Vec<String>) {
    let json = fetch(scene.stats, "/st;json", USER).await;
    assert_eq!(json.get("content-type"), Some("application/json"));
    let typed = text(fetch(scene.stats, "/st;typed", USER).await);
    // Without the value.
    let typed = typed.lines().map(|line| {
        let shape: Vec<_> = line.splitn(4, ':').take(3).collect();
        shape.join(":")
    });
    (serde_json::from_slice(&json.body).unwrap(), typed.collect())
}

#[tokio::test]
async fn json_and_typed_lines_have_haproxys_shape() {
    let (ours, theirs) = tokio::join!(Scene::new(true), Scene::new(false));
    for scene in [&ours, &theirs] {
        scene.checked().await;
    }
    let ((our_json, our_typed), (their_json, their_typed)) =
        (page(&ours).await, page(&theirs).await);
    let (ours, theirs) = (fields(&our_json), fields(&their_json));
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        theirs.keys().collect::<Vec<_>>()
    );
    let kept = |shape: &String, name: &dyn Fn(&str) -> String| {
        let modules = ["ssl_", "h1_", "h2_"];
        !NOT_KEPT.iter().any(|each| shape.contains(&name(each)))
            && !modules
                .iter()
                .any(|each| shape.contains(name(each).trim_end_matches('"')))
    };
    for (row, theirs) in &theirs {
        let theirs: Vec<_> = theirs
            .iter()
            .filter(|shape| kept(shape, &|each| format!("\"name\":\"{each}\"")))
            .collect();
        assert_eq!(ours[row].iter().collect::<Vec<_>>(), theirs, "{row}");
    }
    // HAProxy counts sections from 2 where it has a socket of its own, which this one has not.
    let shape = |lines: Vec<String>, from: u32| {
        let shape = |line: &String| {
            let mut words: Vec<_> = line.splitn(3, '.').collect();
            let id = (words[1].parse::<u32>().unwrap() - from).to_string();
            words[1] = &id;
            words.join(".")
        };
        let kept = lines
            .iter()
            .filter(|line| kept(line, &|each| format!(".{each}")));
        kept.map(shape).collect::<Vec<_>>()
    };
    let first = their_typed[0].split('.').nth(1).unwrap().parse().unwrap();
    assert_eq!(shape(our_typed, 2), shape(their_typed, first));
}
