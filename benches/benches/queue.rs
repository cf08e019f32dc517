//! The cost of a slot: taken from one server, had of a pool, and waited for.

use std::{
    future::Future,
    hint::black_box,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lb_core::{
    Lease, Policy, Pool, Server,
    policy::{Algorithm, LeastConn, RoundRobin},
    pool::{Acquire, Want},
    server::PoolLoad,
};
use tokio::runtime::{Builder, Runtime};

const SIZES: [u32; 3] = [3, 100, 1000];

/// Servers of this limit each.
fn pool<P: Policy>(policy: P, size: u32, limit: u32) -> Pool<(), P> {
    (1..=size)
        .map(|number| Server::new(format!("s{number}"), ()).max_conn(limit))
        .fold(Pool::builder(), |pool, server| pool.with(server))
        .build(policy)
        .expect("distinct names")
}

fn poll<P: Policy>(acquire: &mut Acquire<(), P>) -> Option<Lease<(), P>> {
    match Pin::new(acquire).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(lease) => Some(lease.expect("every server is up")),
        Poll::Pending => None,
    }
}

fn lease<P: Policy>(pool: &Pool<(), P>) -> Lease<(), P> {
    poll(&mut pool.acquire(Want::default())).expect("there is a slot")
}

/// Whoever waits needs a timer.
fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().build().expect("no I/O to fail")
}

fn slot(criterion: &mut Criterion) {
    let server = Server::new("a", ()).max_conn(100);
    criterion.bench_function("slot/take and release", |b| {
        b.iter(|| {
            black_box(server.take_slot(PoolLoad::default()));
            server.return_slot();
        });
    });
}

fn acquire<P: Policy>(criterion: &mut Criterion, name: &str, policy: impl Fn() -> P) {
    let mut group = criterion.benchmark_group(format!("acquire and release/{name}"));
    for size in SIZES {
        let pool = pool(policy(), size, 50);
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| black_box(lease(&pool)));
        });
    }
}

fn acquires(criterion: &mut Criterion) {
    acquire(criterion, "roundrobin", RoundRobin::new);
    acquire(criterion, "leastconn", LeastConn::new);
    for word in ["roundrobin", "leastconn", "random"] {
        let parse = || Algorithm::parse(word, None, None).expect("a known word");
        acquire(criterion, &format!("algorithm {word}"), parse);
    }
}

/// One joins the queue of a pool without a free slot, one slot comes free, and
/// the first in line gets it.
fn join_and_grant(criterion: &mut Criterion) {
    let runtime = runtime();
    let _inside = runtime.enter();
    let mut group = criterion.benchmark_group("join and grant");
    for size in SIZES {
        let pool = pool(RoundRobin::new(), size, 1);
        let mut leases: Vec<_> = (0..size).map(|_| lease(&pool)).collect();
        let mut next = 0;
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| {
                let mut waits = pool.acquire(Want::default());
                assert!(poll(&mut waits).is_none());
                // The old lease goes first, or its slot would not be free.
                let held = leases.swap_remove(next % leases.len());
                drop(held);
                leases.push(poll(&mut waits).expect("it was granted"));
                next += 1;
            });
        });
    }
}

/// The same behind 4,000 others.
fn crowded(criterion: &mut Criterion) {
    let runtime = runtime();
    let _inside = runtime.enter();
    let pool = pool(RoundRobin::new(), 2, 10);
    let mut leases: Vec<_> = (0..20).map(|_| lease(&pool)).collect();
    let mut crowd = std::collections::VecDeque::new();
    for _ in 0..4_000 {
        let mut waits = pool.acquire(Want::default());
        assert!(poll(&mut waits).is_none());
        crowd.push_back(waits);
    }
    criterion.bench_function("join and grant/behind 4000", |b| {
        b.iter(|| {
            let mut waits = pool.acquire(Want::default());
            assert!(poll(&mut waits).is_none());
            crowd.push_back(waits);
            drop(leases.pop());
            let mut first = crowd.pop_front().expect("a crowd");
            leases.push(poll(&mut first).expect("it was granted"));
        });
    });
}

criterion_group!(benches, slot, acquires, join_and_grant, crowded);
criterion_main!(benches);
