//! Choosing a server allocates nothing, whatever the algorithm, the key and the
//! load, and neither does being told of a change of the load, or a whole request
//! through a balancer.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use allocation_counter::measure;
use common::{Bench, limited};
use lb_core::{
    Balancer, Server,
    policy::{Algorithm, Key, LeastConn, Policy},
};
use tower::{Service, service_fn};

const KINDS: &[(&str, Option<&str>, Option<u32>)] = &[
    ("roundrobin", None, None),
    ("static-rr", None, None),
    ("leastconn", None, None),
    ("first", None, None),
    ("uri", None, None),
    ("uri", Some("map-based crc32 avalanche"), None),
    ("uri", Some("consistent"), None),
    ("uri", Some("consistent djb2"), Some(150)),
    ("random", None, None),
    ("random(4)", None, Some(150)),
    ("p2c", None, None),
    ("peak-ewma", None, None),
    ("maglev src", None, None),
];

#[test]
fn no_pick_allocates() {
    for (balance, hash_type, factor) in KINDS {
        let algorithm = Algorithm::parse(balance, *hash_type, *factor).unwrap();
        let mut bench = Bench::new(algorithm, limited(&[2; 200]));
        let picks = |bench: &Bench<Algorithm>| {
            for key in 0..300u32 {
                let hash = bench.policy.digest(Key::Bytes(&key.to_le_bytes()));
                bench.pick(hash);
                if let Some(position) = bench.position(None)
                    && bench.servers[position].has_room(bench.load)
                {
                    bench.take(position);
                }
            }
        };
        let count = |when: &str, bench: &Bench<Algorithm>| {
            let allocations = measure(|| picks(bench)).count_total;
            assert_eq!(allocations, 0, "{balance}, {when}");
        };
        count("idle", &bench);
        bench.avoid = Some(bench.servers[0].uid());
        count("one to avoid, others filling up", &bench);
        for server in &bench.servers {
            while server.take_slot(bench.load) {}
        }
        bench.change(bench.servers.clone());
        count("all full", &bench);
    }
}

#[test]
fn no_request_through_a_balancer_allocates() {
    fn serve(request: u32) -> Ready<Result<u32, Infallible>> {
        ready(Ok(request + 1))
    }
    let serve: fn(u32) -> _ = serve;
    let mut balancer = Balancer::builder(LeastConn::new())
        .server(Server::new("a", service_fn(serve)).max_conn(10))
        .server(Server::new("b", service_fn(serve)).max_conn(10))
        .key(|request: &u32| Key::Number(*request))
        .build()
        .unwrap();
    let mut send = |request| {
        let response = pin!(balancer.call(request));
        let polled = response.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(answer)) if answer == request + 1));
    };
    // The first has its thread make the random source.
    send(1);
    let allocations = measure(|| (0..100).for_each(&mut send)).count_total;
    assert_eq!(allocations, 0);
}

#[test]
fn the_counter_counts() {
    assert!(measure(|| drop(std::hint::black_box(Box::new(1)))).count_total > 0);
}
