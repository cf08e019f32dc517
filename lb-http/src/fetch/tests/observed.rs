//! Every pair of condition and request, and every key, that HAProxy 2.6.12 was asked about.

use crate::fetch::key::{Key, KeySource};

use super::{condition, head, request, view};

#[test]
fn conditions_come_to_what_haproxy_says() {
    let mut conditions = Vec::new();
    let (mut pairs, mut wrong) = (0, Vec::new());
    for line in include_str!("conditions.txt").lines() {
        if line.starts_with("## ") {
            conditions.clear();
        } else if let Some(text) = line.strip_prefix("? ") {
            conditions.push((text, condition(text)));
        } else if let Some(line) = line.strip_prefix("> ") {
            let (line, marks) = line.rsplit_once(" => ").expect("an outcome");
            assert_eq!(marks.len(), conditions.len(), "{line}");
            let request = request(line);
            for ((text, condition), mark) in conditions.iter().zip(marks.bytes()) {
                pairs += 1;
                if condition.eval(&view(&request)) != (mark == b'1') {
                    wrong.push(format!("{text} of {line}: HAProxy says {}", mark as char));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(pairs > 5000, "only {pairs} pairs were read");
}

/// What the file says of servers, said of keys: HAProxy's default function over the bytes.
fn server(key: Key<'_>) -> Option<u32> {
    let hash = match key {
        Key::None => return None,
        Key::Number(number) => number,
        Key::Bytes(bytes) => bytes.iter().fold(0u32, |hash, byte| {
            (hash << 6)
                .wrapping_add(hash << 16)
                .wrapping_sub(hash)
                .wrapping_add(u32::from(*byte))
        }),
    };
    Some(hash % 1021)
}

#[test]
fn keys_lead_to_the_servers_haproxy_chose() {
    let mut source = None;
    let (mut lines, mut wrong) = (0, Vec::new());
    for line in include_str!("keys.txt").lines() {
        if let Some(text) = line.strip_prefix("? ") {
            source = Some((text, KeySource::parse(text).unwrap().unwrap()));
        } else if let Some(line) = line.strip_prefix("> ") {
            let (line, expected) = line.rsplit_once(" => ").expect("an outcome");
            let request = request(line);
            let (text, source) = source.as_ref().expect("a balance before it");
            let (key, got) =
                source.with_key(&head(&request), |key| (format!("{key:?}"), server(key)));
            lines += 1;
            if got != expected.parse().ok() {
                wrong.push(format!("{text} of {line}: {key}, HAProxy took {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lines > 300, "only {lines} lines were read");
}
