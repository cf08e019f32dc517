//! Every choice that was seen on a running HAProxy 2.6, made again.
//!
//! `balance.json` came with the specification of this project;
//! `haproxy-2.6.json` was recorded in the same way with weights that are prime,
//! odd, many or far apart, one thread, servers answering at once.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Bench, servers};
use lb_core::policy::{Algorithm, Key, Policy};
use serde_json::Value;

fn vectors() -> Vec<Value> {
    [
        include_str!("vectors/balance.json"),
        include_str!("vectors/haproxy-2.6.json"),
    ]
    .into_iter()
    .flat_map(|text| serde_json::from_str::<Vec<Value>>(text).unwrap())
    .collect()
}

fn bench(vector: &Value) -> Bench<Algorithm> {
    let weights = vector["weights"].as_array().unwrap();
    let weights: Vec<u16> = weights.iter().map(|w| w.as_u64().unwrap() as u16).collect();
    let text = |name| vector[name].as_str().unwrap();
    let hash_type = Some(text("hash_type"));
    let algorithm = Algorithm::parse(text("balance"), hash_type, None).unwrap();
    Bench::new(algorithm, servers(&weights))
}

/// The name, which is `s1` for the first, of the server that a key goes to.
fn choose(bench: &Bench<Algorithm>, key: Key<'_>) -> String {
    let position = bench.serve(bench.policy.digest(key)).unwrap();
    format!("s{}", position + 1)
}

#[test]
fn sequences() {
    let mut seen = 0;
    for vector in vectors() {
        let Some(expected) = vector["sequence"].as_array() else {
            continue;
        };
        let bench = bench(&vector);
        let chosen: Vec<_> = expected.iter().map(|_| choose(&bench, Key::None)).collect();
        assert_eq!(
            chosen, *expected,
            "{} with {}",
            vector["balance"], vector["weights"]
        );
        seen += 1;
    }
    assert_eq!(seen, 13 + 46);
}

#[test]
fn choices_by_key() {
    let mut seen = 0;
    for vector in vectors() {
        let Some(expected) = vector["choice"].as_object() else {
            continue;
        };
        let bench = bench(&vector);
        let balance = vector["balance"].as_str().unwrap();
        // Requests without a key went round; the file's order is not kept here.
        let mut keyless = Vec::new();
        for (request, server) in expected {
            let key = key(balance, request);
            let chosen = match &key {
                Some(Extracted::Text(text)) => choose(&bench, Key::Bytes(text.as_bytes())),
                Some(Extracted::Address(folded)) => choose(&bench, Key::Number(*folded)),
                None => {
                    keyless.push(server);
                    continue;
                }
            };
            assert_eq!(
                chosen, *server,
                "{request} by {balance}, {}, {}",
                vector["hash_type"], vector["weights"]
            );
        }
        keyless.sort_by_key(|server| server.to_string());
        let chosen: Vec<_> = keyless.iter().map(|_| choose(&bench, Key::None)).collect();
        assert!(chosen.iter().eq(keyless), "{balance} without a key");
        seen += 1;
    }
    assert_eq!(seen, 27 + 18);
}

enum Extracted {
    Text(String),
    Address(u32),
}

/// The key of a request as the vectors name it; the proxy has its own, complete
/// extraction.
fn key(balance: &str, request: &str) -> Option<Extracted> {
    let path = request.split('?').next().unwrap();
    let text = match balance {
        "source" => return Some(Extracted::Address(fold(request.parse().unwrap()))),
        "uri" | "uri path-only" => path.into(),
        "uri whole" | "hdr(host)" => request.into(),
        "uri depth 2" => path.split('/').take(3).collect::<Vec<_>>().join("/"),
        "hash path,lower" => path.to_ascii_lowercase(),
        "hdr(host) use_domain_only" => {
            let labels: Vec<_> = request.rsplitn(3, '.').collect();
            (*labels.get(1).unwrap_or(&labels[0])).into()
        }
        "url_param id" => {
            let (_, query) = request.split_once('?')?;
            let value = query.split('&').find_map(|pair| pair.strip_prefix("id="));
            value?.into()
        }
        other => panic!("no key for {other}"),
    };
    Some(Extracted::Text(text))
}

/// The words of an address, exclusive-or.
fn fold(address: std::net::IpAddr) -> u32 {
    match address {
        std::net::IpAddr::V4(v4) => v4.to_bits(),
        std::net::IpAddr::V6(v6) => {
            let words = v6.to_bits().to_be_bytes();
            let words = words.chunks(4).map(|word| word.try_into().unwrap());
            words.fold(0, |folded, word| folded ^ u32::from_be_bytes(word))
        }
    }
}
