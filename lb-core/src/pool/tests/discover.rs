use std::{collections::BTreeSet, sync::Arc};

use futures_core::Stream;
use futures_util::stream;
use tokio::sync::mpsc;
use tokio_test::{assert_pending, task::spawn};
use tower::discover::Change;

use super::{assert_idle, granted, lease, pool, server, waiter};
use crate::{
    policy::{Choice, Policy, Query, RoundRobin},
    pool::{Pool, Want},
    server::{Operational, Server},
};

type Item = Result<Change<&'static str, u16>, &'static str>;

fn fed() -> (mpsc::UnboundedSender<Item>, impl Stream<Item = Item>) {
    let (feed, changes) = mpsc::unbounded_channel::<Item>();
    let items = stream::unfold(changes, |mut changes| async {
        changes.recv().await.map(|item| (item, changes))
    });
    (feed, items)
}

fn empty() -> Pool<u16, RoundRobin> {
    Pool::builder()
        .allow_empty()
        .build(RoundRobin::new())
        .unwrap()
}

fn members(pool: &Pool<u16, RoundRobin>) -> Vec<(String, u16, u32)> {
    let snapshot = pool.snapshot();
    let describe =
        |server: &Arc<Server<u16>>| (server.name().to_owned(), *server.target(), server.number());
    snapshot.all().iter().map(describe).collect()
}

#[tokio::test(start_paused = true)]
async fn a_pool_follows_a_stream() {
    let pool = empty();
    let (feed, changes) = fed();
    let mut driver = spawn(pool.drive(changes));
    for change in [
        Change::Insert("a", 1),
        Change::Insert("b", 2),
        Change::Insert("c", 3),
        Change::Remove("b"),
        Change::Remove("nobody"),
        Change::Insert("a", 10),
    ] {
        feed.send(Ok(change)).unwrap();
    }
    assert_pending!(driver.poll());
    assert_eq!(
        members(&pool),
        [("a".into(), 10, 1), ("c".into(), 3, 3)],
        "a server that is replaced keeps its place and its number"
    );
    assert!(pool.bound("c", false).is_ok(), "the name is its value");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_keeps_the_last_set() {
    let pool = empty();
    let changes = [
        Ok(Change::Insert("a", 1)),
        Err("the registry is gone"),
        Ok(Change::Remove("a")),
    ];
    let outcome = pool.drive(stream::iter(changes)).await;
    assert_eq!(outcome, Err("the registry is gone"));
    assert_eq!(members(&pool), [("a".into(), 1, 1)]);
    // A new stream goes on from there, and an end is no failure.
    let changes = [Ok::<_, &str>(Change::Insert("a", 2))];
    assert_eq!(pool.drive(stream::iter(changes)).await, Ok(()));
    assert_eq!(members(&pool), [("a".into(), 2, 1)]);
}

/// Counts the sets of servers in a row that were not empty.
struct Generations;

impl Policy for Generations {
    type Index = u32;

    fn index<T>(&self, _: &[Arc<Server<T>>], previous: Option<&u32>) -> u32 {
        previous.map_or(1, |count| count + 1)
    }

    fn pick<T>(&self, _: &u32, _: &[Arc<Server<T>>], _: &mut Query<'_>) -> Choice {
        Choice::Any(0)
    }
}

#[tokio::test(start_paused = true)]
async fn replacing_the_only_server_leaves_no_gap() {
    let pool = Pool::<u16, RoundRobin>::builder()
        .allow_empty()
        .build(Generations)
        .unwrap();
    let changes = [Change::Insert("a", 1), Change::Insert("a", 2)];
    let changes = changes.map(Ok::<_, std::convert::Infallible>);
    pool.drive(stream::iter(changes)).await.unwrap();
    let snapshot = pool.snapshot();
    assert_eq!(snapshot.all().len(), 1);
    assert_eq!(*snapshot.all()[0].target(), 2);
    assert_eq!(snapshot.index(), Some(&2), "no empty set in between");
}

#[tokio::test(start_paused = true)]
async fn a_discovered_server_serves_those_who_wait() {
    let pool = pool(&[1]);
    let held = lease(&pool, Want::default());
    let mut waits = waiter(&pool, Want::default());
    let changes = [Ok::<_, std::convert::Infallible>(Change::Insert("b", ()))];
    pool.drive(stream::iter(changes)).await.unwrap();
    drop((granted(&mut waits, "b"), held));
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn usable_servers_as_a_stream() {
    let pool = pool(&[0, 0]);
    let (a, b) = (server(&pool, "a"), server(&pool, "b"));
    let mut changes = spawn(pool.discover());
    let mut tell = || {
        let mut told = Vec::new();
        while let std::task::Poll::Ready(Some(Ok(change))) = changes.poll_next() {
            told.push(match change {
                Change::Insert(uid, server) => {
                    assert_eq!(uid, server.uid());
                    format!("+{}", server.name())
                }
                Change::Remove(uid) if uid == a.uid() => "-a".to_owned(),
                Change::Remove(uid) if uid == b.uid() => "-b".to_owned(),
                Change::Remove(uid) => format!("-{uid:?}"),
            });
        }
        (changes.is_woken(), told)
    };
    assert_eq!(tell().1, ["+a", "+b"]);
    pool.set_operational(&a, Operational::Down);
    pool.insert(Server::new("c", ())).unwrap();
    let (_, told) = tell();
    let told: BTreeSet<_> = told.into_iter().collect();
    assert_eq!(told, ["+c", "-a"].map(String::from).into());
    pool.set_operational(&a, Operational::Up);
    pool.remove(b.uid());
    let told: BTreeSet<_> = tell().1.into_iter().collect();
    assert_eq!(told, ["+a", "-b"].map(String::from).into());
    // Up and down between two looks is no change.
    pool.set_operational(&a, Operational::Down);
    pool.set_operational(&a, Operational::Up);
    assert_eq!(tell().1, Vec::<String>::new());
}
