//! The cost of a pick, for every algorithm among 3, 100 and 1,000 servers; and,
//! where the policy is told of the load, of a pick with the request's beginning
//! and end. The budget is 100 ns for a pick among 1,000.

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lb_core::{
    Policy, Server,
    hash::avalanche,
    policy::{Algorithm, Choice, PeakEwma, Query},
    server::PoolLoad,
};
use rand::{SeedableRng, rngs::SmallRng};

/// Name, `balance`, `hash_type`, `hash_balance_factor`.
type Kind = (
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<u32>,
);

const KINDS: &[Kind] = &[
    ("roundrobin", "roundrobin", None, None),
    ("static-rr", "static-rr", None, None),
    ("leastconn", "leastconn", None, None),
    ("first", "first", None, None),
    ("hash map-based", "uri", None, None),
    ("hash consistent", "uri", Some("consistent"), None),
    ("hash bounded", "uri", Some("consistent"), Some(150)),
    ("random", "random", None, None),
    ("p2c", "p2c", None, None),
    ("peak-ewma", "peak-ewma", None, None),
    ("maglev", "maglev src", None, None),
];

const SIZES: [u32; 3] = [3, 100, 1000];

struct Bench {
    policy: Algorithm,
    servers: Vec<Arc<Server<()>>>,
    index: <Algorithm as Policy>::Index,
    rng: SmallRng,
    load: PoolLoad,
    hash: u32,
}

impl Bench {
    /// Servers of weights 1 to 4, each with a limit and some requests in flight.
    fn new((_, balance, hash_type, factor): Kind, size: u32) -> Self {
        let policy =
            Algorithm::parse(balance, hash_type, factor).expect("the words of this file are right");
        let servers: Vec<_> = (1..=size)
            .map(|number| {
                let weight = (number % 4 + 1) as u16;
                let server = Server::new(format!("s{number}"), ());
                Arc::new(server.id(number).weight(weight).max_conn(50))
            })
            .collect();
        let mut load = PoolLoad::default();
        for (server, requests) in servers.iter().zip((0..7).cycle()) {
            let millis = Duration::from_millis(requests + 1);
            server
                .latency()
                .record(millis, 10 * millis, PeakEwma::DECAY);
            for _ in 0..requests {
                server.take_slot(load);
                load.in_flight += 1;
            }
        }
        let index = policy.index(&servers, None);
        Self {
            policy,
            servers,
            index,
            rng: SmallRng::seed_from_u64(1),
            load,
            hash: 0,
        }
    }

    fn pick(&mut self) -> Choice {
        self.hash = self.hash.wrapping_add(1);
        let mut query = Query {
            hash: Some(avalanche(self.hash)),
            avoid: None,
            load: self.load,
            rng: &mut self.rng,
        };
        self.policy.pick(&self.index, &self.servers, &mut query)
    }

    fn pick_take_and_return(&mut self) {
        if let Choice::Any(position) | Choice::Only(position) = self.pick() {
            let server = &self.servers[position];
            server.take_slot(self.load);
            self.policy
                .load_changed(&self.index, &self.servers, position);
            server.return_slot();
            self.policy
                .load_changed(&self.index, &self.servers, position);
        }
    }
}

fn pick(criterion: &mut Criterion) {
    for kind in KINDS {
        let mut group = criterion.benchmark_group(format!("pick/{}", kind.0));
        for size in SIZES {
            let mut bench = Bench::new(*kind, size);
            group.bench_function(BenchmarkId::from_parameter(size), |b| {
                b.iter(|| black_box(bench.pick()));
            });
        }
    }
}

fn pick_and_take(criterion: &mut Criterion) {
    for kind in KINDS
        .iter()
        .filter(|kind| matches!(kind.0, "leastconn" | "first"))
    {
        let mut group = criterion.benchmark_group(format!("pick and take/{}", kind.0));
        for size in SIZES {
            let mut bench = Bench::new(*kind, size);
            group.bench_function(BenchmarkId::from_parameter(size), |b| {
                b.iter(|| bench.pick_take_and_return());
            });
        }
    }
}

/// One free server among 1,000: what is left to find when the site is full.
fn nearly_full(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pick, 999 of 1000 full");
    for kind in KINDS {
        let mut bench = Bench::new(*kind, 1000);
        for server in &bench.servers[..999] {
            while server.take_slot(bench.load) {
                bench.load.in_flight += 1;
            }
        }
        bench.index = bench.policy.index(&bench.servers, None);
        group.bench_function(BenchmarkId::from_parameter(kind.0), |b| {
            b.iter(|| black_box(bench.pick()));
        });
    }
}

fn rebuild(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rebuild/1000");
    group.sample_size(10);
    for kind in KINDS {
        let bench = Bench::new(*kind, 1000);
        group.bench_function(BenchmarkId::from_parameter(kind.0), |b| {
            b.iter(|| black_box(bench.policy.index(&bench.servers, Some(&bench.index))));
        });
    }
}

criterion_group!(benches, pick, pick_and_take, nearly_full, rebuild);
criterion_main!(benches);
