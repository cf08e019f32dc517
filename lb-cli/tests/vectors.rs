//! Every choice of a server that was seen on a running HAProxy 2.6, made again by `lb` itself: a site
//! can move over without moving its users.
//!
//! `vectors/balance.json` of lb-core names what was asked for and where it went. Each entry gets a
//! frontend and a backend of one `lb`, so each starts afresh.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::{fmt::Write as _, net::IpAddr, net::SocketAddr};

use common::{address, origin::Origin, process::Process, wire::Wire};
use serde_json::Value;

/// The most servers that an entry has.
const SERVERS: usize = 5;

struct Vector {
    balance: String,
    hash_type: String,
    weights: Vec<u64>,
    /// Requests in order, and the server of each.
    expected: Vec<(String, String)>,
    front: SocketAddr,
}

impl Vector {
    fn read(entry: &Value) -> Self {
        let text = |name: &str| entry[name].as_str().unwrap().to_owned();
        let server = |name: &Value| name.as_str().unwrap().to_owned();
        let expected = match entry["sequence"].as_array() {
            Some(names) => names.iter().map(|s| ("/".into(), server(s))).collect(),
            None => {
                let choice = entry["choice"].as_object().unwrap();
                choice.iter().map(|(k, s)| (k.clone(), server(s))).collect()
            }
        };
        let mut vector = Self {
            balance: text("balance"),
            hash_type: text("hash_type"),
            weights: weights(entry),
            expected,
            front: address::free(),
        };
        // Those without a key went round, and the reader of JSON has lost their order.
        let mut keyless: Vec<_> = (vector.expected)
            .extract_if(.., |(request, _)| {
                vector.balance == "url_param id" && !has_id(request)
            })
            .collect();
        keyless.sort_by(|one, other| one.1.cmp(&other.1));
        vector.expected.extend(keyless);
        vector
    }

    fn config(&self, n: usize, origins: &[Origin]) -> String {
        let Self {
            balance,
            hash_type,
            weights,
            front,
            ..
        } = self;
        let accept_proxy = balance == "source";
        let mut text = format!(
            "[frontend.f{n}]\nbind = [{{ address = \"{front}\", accept_proxy = {accept_proxy} }}]\n\
             default_backend = \"b{n}\"\n\
             [backend.b{n}]\nbalance = \"{balance}\"\nhash_type = \"{hash_type}\"\n"
        );
        for (at, (weight, origin)) in weights.iter().zip(origins).enumerate() {
            let (name, address) = (at + 1, origin.address());
            let _ = write!(
                text,
                "[[backend.b{n}.server]]\nname = \"s{name}\"\naddress = \"{address}\"\nweight = {weight}\n"
            );
        }
        text
    }

    /// The server that answers, which says its name.
    async fn ask(&self, request: &str) -> String {
        let (target, host) = match self.balance.as_str() {
            "source" => ("/", "a.example"),
            balance if balance.starts_with("hdr(") => ("/", request),
            _ => (request, "a.example"),
        };
        let mut client = Wire::connect(self.front).await;
        if self.balance == "source" {
            client.send(proxy_header(request.parse().unwrap())).await;
        }
        client
            .send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await;
        String::from_utf8(client.response().await.body).unwrap()
    }
}

fn weights(entry: &Value) -> Vec<u64> {
    let weights = entry["weights"].as_array().unwrap();
    weights.iter().map(|w| w.as_u64().unwrap()).collect()
}

fn has_id(target: &str) -> bool {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| pair.starts_with("id="))
}

fn proxy_header(client: IpAddr) -> String {
    match client {
        IpAddr::V4(client) => format!("PROXY TCP4 {client} 192.0.2.1 1000 80\r\n"),
        IpAddr::V6(client) => format!("PROXY TCP6 {client} 2001:db8::80 1000 80\r\n"),
    }
}

#[tokio::test]
async fn every_choice_of_haproxy() {
    let entries: Vec<Value> =
        serde_json::from_str(include_str!("../../lb-core/tests/vectors/balance.json")).unwrap();
    let vectors: Vec<Vector> = entries.iter().map(Vector::read).collect();
    assert_eq!(vectors.len(), 40, "the file is whole");
    let mut origins = Vec::new();
    for n in 1..=SERVERS {
        origins.push(Origin::named(format!("s{n}")).await);
    }
    let mut config = "[global]\nworkers = 1\n".to_owned();
    for (n, vector) in vectors.iter().enumerate() {
        config.push_str(&vector.config(n, &origins));
    }
    let fronts: Vec<_> = vectors.iter().map(|vector| vector.front).collect();
    let _lb = Process::lb(&config, &fronts).await;
    let mut wrong = Vec::new();
    for vector in &vectors {
        for (request, expected) in &vector.expected {
            let chosen = vector.ask(request).await;
            if chosen != *expected {
                wrong.push(format!(
                    "{}, {}, {:?}: {request} went to {chosen}, not to {expected}",
                    vector.balance, vector.hash_type, vector.weights
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
