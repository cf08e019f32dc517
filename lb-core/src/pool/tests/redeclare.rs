use std::time::Duration;

use tokio_test::{assert_pending, assert_ready_err, task::spawn};

use super::{assert_idle, bound, granted, lease, pool, server, servers, waiter};
use crate::{
    policy::{Algorithm, RoundRobin},
    pool::{BuildError, Pool, Unavailable, Want},
    server::{Administrative, Operational, Server},
};

/// Every server of the same name is the same one.
fn same(_: &Server<()>, _: &Server<()>) -> bool {
    true
}

#[tokio::test(start_paused = true)]
async fn who_stays_keeps_identity_state_and_counters() {
    let pool = pool(&[1, 1]);
    let (a, b) = (server(&pool, "a"), server(&pool, "b"));
    pool.set_operational(&a, Operational::Down);
    pool.set_administrative(&b, Administrative::Drain);
    b.counters().selected();
    let held = lease(&pool, bound(&pool, "b"));
    pool.redeclare(servers(&[1, 1, 1]), RoundRobin::new(), same)
        .unwrap();
    let (again, other) = (server(&pool, "a"), server(&pool, "b"));
    assert_eq!((again.uid(), other.uid()), (a.uid(), b.uid()));
    assert_eq!(again.operational_state(), Operational::Down);
    assert_eq!(other.administrative_state(), Administrative::Drain);
    assert_eq!(other.counters().totals().selected, 1);
    assert_eq!(other.in_flight(), 1);
    drop(held);
    assert_eq!(other.in_flight(), 0);
    assert_eq!(lease(&pool, Want::default()).server().name(), "c");
}

#[tokio::test(start_paused = true)]
async fn a_slot_of_the_declaration_before_wakes_who_waits_after() {
    let pool = pool(&[1]);
    let held = lease(&pool, Want::default());
    let mut before = waiter(&pool, Want::default());
    pool.redeclare(servers(&[1]), RoundRobin::new(), same)
        .unwrap();
    let mut after = waiter(&pool, bound(&pool, "a"));
    drop(held);
    let first = granted(&mut before, "a");
    assert_pending!(after.poll());
    drop(first);
    drop(granted(&mut after, "a"));
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn a_higher_limit_and_a_new_server_serve_the_queue_at_once() {
    let pool = pool(&[1]);
    let _held = lease(&pool, Want::default());
    let mut waits = (
        waiter(&pool, Want::default()),
        waiter(&pool, Want::default()),
    );
    pool.redeclare(servers(&[2, 1]), RoundRobin::new(), same)
        .unwrap();
    let _leases = (granted(&mut waits.0, "a"), granted(&mut waits.1, "b"));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_sends_its_waiters_away_and_finishes_what_it_serves() {
    let pool = pool(&[1, 1]);
    let held = lease(&pool, bound(&pool, "b"));
    let gone = server(&pool, "b");
    let mut waits = waiter(&pool, bound(&pool, "b"));
    pool.redeclare(servers(&[1]), RoundRobin::new(), same)
        .unwrap();
    let _lease = granted(&mut waits, "a");
    assert_eq!((gone.in_flight(), gone.queued()), (1, 0));
    assert!(!gone.takes_bound_clients());
    drop(held);
    assert_eq!(gone.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn another_server_of_the_same_name_begins_anew() {
    let pool = pool(&[1]);
    let before = server(&pool, "a");
    pool.redeclare(servers(&[1]), RoundRobin::new(), |_, _| false)
        .unwrap();
    assert_ne!(server(&pool, "a").uid(), before.uid());
    assert_eq!(before.administrative_state(), Administrative::Maint);
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_at_run_time_stays_until_its_declaration_changes() {
    let declared =
        |weight, limit| Pool::builder().with(Server::new("a", ()).weight(weight).max_conn(limit));
    let pool = declared(10, 5).build(RoundRobin::new()).unwrap();
    pool.set_weight(&server(&pool, "a"), 3);
    pool.set_max_conn(&server(&pool, "a"), 7);
    pool.set_administrative(&server(&pool, "a"), Administrative::Maint);
    let limit = || server(&pool, "a").limit(pool.load());
    pool.redeclare(declared(10, 5), RoundRobin::new(), same)
        .unwrap();
    assert_eq!((server(&pool, "a").user_weight(), limit()), (3, Some(7)));
    assert_eq!(
        server(&pool, "a").administrative_state(),
        Administrative::Maint
    );
    pool.redeclare(declared(20, 6), RoundRobin::new(), same)
        .unwrap();
    assert_eq!((server(&pool, "a").user_weight(), limit()), (20, Some(6)));
}

#[tokio::test(start_paused = true)]
async fn policy_and_time_outs_change_with_it() {
    let build = |policy: &str| -> Algorithm { Algorithm::parse(policy, None, None).unwrap() };
    let pool = servers(&[0, 0, 0]).build(build("first")).unwrap();
    let held: Vec<_> = (0..3).map(|_| lease(&pool, Want::default())).collect();
    assert!(held.iter().all(|lease| lease.server().name() == "a"));
    let declared = servers(&[3, 1, 1]).queue_timeout(Duration::from_secs(1));
    pool.redeclare(declared, build("leastconn"), same).unwrap();
    let next: Vec<_> = (0..2).map(|_| lease(&pool, Want::default())).collect();
    let names: Vec<_> = next
        .iter()
        .map(|lease| lease.server().name().to_owned())
        .collect();
    assert_eq!(names, ["b", "c"]);
    let mut waits = waiter(&pool, Want::default());
    tokio::time::advance(Duration::from_millis(1001)).await;
    assert_eq!(assert_ready_err!(waits.poll()), Unavailable::QueueTimeout);
}

#[tokio::test(start_paused = true)]
async fn a_mistake_changes_nothing() {
    let pool = pool(&[1, 1]);
    let twice = servers(&[1]).with(Server::new("a", ()));
    let error = pool.redeclare(twice, RoundRobin::new(), same).unwrap_err();
    assert_eq!(error, BuildError::DuplicateName("a".to_owned()));
    assert_eq!(pool.snapshot().all().len(), 2);
    drop(lease(&pool, bound(&pool, "b")));
    drop(spawn(pool.acquire(Want::default())));
}
