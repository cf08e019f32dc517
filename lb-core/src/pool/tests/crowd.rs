use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::{task::JoinSet, time::sleep};

use super::{assert_idle, servers};
use crate::{
    policy::{Algorithm, LeastConn, Policy, RoundRobin},
    pool::{Pool, Unavailable, Want},
};

const CROWD: usize = 4_000;

/// Everyone comes at once and holds a slot for 10 ms: 20 of them every 10 ms.
async fn served_and_timed_out<P: Policy>(pool: Pool<(), P>) -> (usize, usize) {
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let pool = pool.clone();
        crowd.spawn(async move {
            let lease = pool.acquire(Want::default()).await?;
            assert!(lease.server().in_flight() <= 10);
            sleep(Duration::from_millis(10)).await;
            drop(lease);
            Ok(())
        });
    }
    let outcomes = crowd.join_all().await;
    assert_idle(&pool);
    let served = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let late = outcomes
        .iter()
        .filter(|outcome| **outcome == Err(Unavailable::QueueTimeout));
    (served, late.count())
}

#[tokio::test(start_paused = true)]
async fn with_patience_all_are_served() {
    for algorithm in ["roundrobin", "leastconn", "first", "p2c", "random"] {
        let policy = Algorithm::parse(algorithm, None, None).unwrap();
        let pool = servers(&[10, 10]).build(policy).unwrap();
        assert_eq!(
            served_and_timed_out(pool).await,
            (CROWD, 0),
            "2 s of work: {algorithm}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_it_as_many_as_there_is_time_for() {
    let servers = servers(&[10, 10]).queue_timeout(Duration::from_millis(1005));
    let pool = servers.build(RoundRobin::new()).unwrap();
    assert_eq!(
        served_and_timed_out(pool).await,
        (2020, CROWD - 2020),
        "20 at once, and 20 every 10 ms"
    );
}

/// Real threads: nothing is decided by luck of a schedule that never happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_several_threads_no_slot_is_lost_or_given_twice() {
    static INSIDE: AtomicU32 = AtomicU32::new(0);
    let patience = Duration::from_secs(60);
    let servers = servers(&[10, 10]).queue_timeout(patience);
    let pool = servers.build(LeastConn::new()).unwrap();
    let mut crowd = JoinSet::new();
    for id in 0..CROWD {
        let pool = pool.clone();
        crowd.spawn(async move {
            let mut acquire = pool.acquire(Want::default());
            if id % 7 == 0 {
                // These give up on the way.
                tokio::select! {
                    biased;
                    _ = &mut acquire => {}
                    () = tokio::task::yield_now() => {}
                }
                return true;
            }
            let Ok(_lease) = acquire.await else {
                return false;
            };
            let inside = INSIDE.fetch_add(1, Ordering::SeqCst);
            assert!(inside < 20, "more inside than there are slots");
            tokio::task::yield_now().await;
            INSIDE.fetch_sub(1, Ordering::SeqCst);
            true
        });
    }
    assert!(crowd.join_all().await.into_iter().all(|served| served));
    assert_idle(&pool);
}
