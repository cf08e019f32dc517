//! Service discovery, in and out.
//!
//! In: a stream of tower's `Change` feeds a pool. Here it is a channel; it could
//! be DNS, a registry, a file that is watched. Out: the servers that are usable
//! are such a stream themselves, so tower's own balancer, or anything else that
//! understands `Discover`, follows the health that the pool knows of.
//!
//! ```text
//! cargo run -p lb-examples --example discover
//! ```

use std::convert::Infallible;

use futures_util::TryStreamExt;
use lb_core::{Balancer, Pool, policy::RoundRobin, server::Operational};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tower::{
    Service, ServiceExt, balance::p2c::Balance, discover::Change, load::Constant,
    util::BoxCloneSyncService,
};

/// Answers every request with its name.
type Replica = BoxCloneSyncService<(), &'static str, Infallible>;

fn replica(name: &'static str) -> Replica {
    BoxCloneSyncService::new(tower::service_fn(move |()| async move { Ok(name) }))
}

/// Who answers `count` requests.
async fn ask<S>(service: &mut S, count: usize) -> Vec<&'static str>
where
    S: Service<(), Response = &'static str>,
{
    let mut names = Vec::new();
    for _ in 0..count {
        match service.ready().await {
            Ok(ready) => names.extend(ready.call(()).await),
            Err(_) => break,
        }
    }
    names.sort_unstable();
    names
}

/// A line for each thing that happens.
pub(crate) async fn story() -> Vec<String> {
    let mut lines = Vec::new();
    let pool: Pool<Replica, _> = Pool::builder()
        .allow_empty()
        .build(RoundRobin::new())
        .expect("it may be empty");
    let mut ours = Balancer::from_pool(pool.clone());
    let usable = pool.discover().map_ok(|change| match change {
        Change::Insert(server, it) => Change::Insert(server, Constant::new(it.target().clone(), 1)),
        Change::Remove(server) => Change::Remove(server),
    });
    let mut towers = Balance::new(Box::pin(usable));

    let (registry, changes) = mpsc::unbounded_channel::<Result<_, &str>>();
    let follower = pool.clone();
    let following =
        tokio::spawn(async move { follower.drive(UnboundedReceiverStream::new(changes)).await });

    for name in ["a", "b", "c"] {
        let _ = registry.send(Ok(Change::Insert(name, replica(name))));
    }
    wait_for(&pool, 3).await;
    lines.push(format!("a, b and c: {:?}", ask(&mut ours, 6).await));

    let _ = registry.send(Ok(Change::Remove("b")));
    wait_for(&pool, 2).await;
    lines.push(format!("b has left: {:?}", ask(&mut ours, 4).await));

    let snapshot = pool.snapshot();
    let a = snapshot.by_name("a").expect("it is registered");
    pool.set_operational(a, Operational::Down);
    lines.push(format!("a is DOWN: {:?}", ask(&mut ours, 2).await));
    lines.push(format!("so tower says: {:?}", ask(&mut towers, 2).await));

    let _ = registry.send(Err("connection lost"));
    let ended = following.await.expect("it does not panic");
    lines.push(format!("registry: {}", ended.expect_err("it failed")));
    lines.push(format!("c serves on: {:?}", ask(&mut ours, 2).await));
    lines
}

/// Waits until the pool has so many usable servers.
async fn wait_for(pool: &Pool<Replica, RoundRobin>, count: usize) {
    loop {
        let changed = pool.changed();
        if pool.snapshot().usable().len() == count {
            return;
        }
        changed.await;
    }
}

#[tokio::main]
async fn main() {
    for line in story().await {
        println!("{line}");
    }
}
