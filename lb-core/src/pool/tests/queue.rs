use std::time::Duration;

use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready_err};

use super::{assert_idle, bound, granted, lease, pool, server, servers, waiter};
use crate::{
    policy::{Algorithm, Key, RoundRobin},
    pool::{Priority, Unavailable, Want},
};

#[tokio::test(start_paused = true)]
async fn first_come_first_served() {
    let pool = pool(&[1]);
    let held = lease(&pool, Want::default());
    let mut first = waiter(&pool, Want::default());
    let mut second = waiter(&pool, Want::default());
    assert_eq!(pool.queued(), 2);
    assert_eq!(
        (first.queues(), second.queues()),
        ((0, 0), (0, 1)),
        "how many were ahead"
    );

    drop(held);
    let held = granted(&mut first, "a");
    assert!(!second.is_woken());
    drop(held);
    drop(granted(&mut second, "a"));
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn the_lower_priority_goes_first() {
    let pool = pool(&[1]);
    let of = |priority| Want {
        priority: Priority(priority),
        ..Want::default()
    };
    let mut held = lease(&pool, of(0));
    let mut waiters = [5, 0, -3, 0].map(|priority| waiter(&pool, of(priority)));
    for next in [2, 1, 3, 0] {
        drop(held);
        held = granted(&mut waiters[next], "a");
    }
    drop(held);
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn a_slot_goes_to_the_better_head_of_both_queues() {
    let pool = pool(&[1]);
    let mut held = lease(&pool, Want::default());
    let mut bound_first = waiter(&pool, bound(&pool, "a"));
    let mut any = waiter(&pool, Want::default());
    let mut bound_last = waiter(&pool, bound(&pool, "a"));
    let mut urgent = waiter(
        &pool,
        Want {
            priority: Priority(-1),
            ..Want::default()
        },
    );
    assert_eq!((server(&pool, "a").queued(), pool.queued()), (2, 2));
    assert_eq!(bound_last.queues(), (1, 0), "only its own queue counts");
    for next in [&mut urgent, &mut bound_first, &mut any, &mut bound_last] {
        drop(held);
        held = granted(next, "a");
    }
    drop(held);
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_overtakes_nobody() {
    let pool = pool(&[1]);
    let held = lease(&pool, Want::default());
    let mut first = waiter(&pool, Want::default());
    drop(held);
    // The slot is the first one's already, though it has not looked yet.
    let _second = waiter(&pool, Want::default());
    drop(granted(&mut first, "a"));
}

#[tokio::test(start_paused = true)]
async fn a_client_waits_for_its_server_though_others_are_free() {
    let pool = pool(&[1, 1]);
    let held = lease(&pool, bound(&pool, "a"));
    let mut waits = waiter(&pool, bound(&pool, "a"));
    assert_eq!(server(&pool, "b").in_flight(), 0);
    drop(held);
    drop(granted(&mut waits, "a"));
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn a_full_server_queue_sends_its_client_elsewhere() {
    let pool = super::Pool::builder()
        .with(super::Server::new("a", ()).max_conn(1).max_queue(1))
        .with(super::Server::new("b", ()).max_conn(1))
        .build(RoundRobin::new())
        .unwrap();
    let _held = lease(&pool, bound(&pool, "a"));
    let _waits = waiter(&pool, bound(&pool, "a"));
    let elsewhere = lease(&pool, bound(&pool, "a"));
    assert_eq!(elsewhere.server().name(), "b");
    // Both full: the pool's queue has no limit.
    let _further = waiter(&pool, bound(&pool, "a"));
    assert_eq!((server(&pool, "a").queued(), pool.queued()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_hashed_request_waits_for_its_server_unless_that_queue_is_full() {
    let policy = Algorithm::parse("uri", Some("consistent"), None).unwrap();
    let pool = super::Pool::builder()
        .with(super::Server::new("a", ()).max_conn(1).max_queue(1))
        .with(super::Server::new("b", ()).max_conn(1).max_queue(1))
        .build(policy)
        .unwrap();
    let want = || Want {
        hash: pool.digest(Key::Bytes(b"/the/same")),
        ..Want::default()
    };
    let held = lease(&pool, want());
    let own = held.server().clone();
    let _waits = waiter(&pool, want());
    assert_eq!((own.queued(), pool.queued()), (1, 0));
    let other = lease(&pool, want());
    assert_ne!(other.server().name(), own.name());
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_at_the_time_out() {
    let pool = servers(&[1])
        .queue_timeout(Duration::from_secs(3))
        .build(RoundRobin::new())
        .unwrap();
    let held = lease(&pool, Want::default());
    let began = Instant::now();
    let any = tokio::spawn(pool.acquire(Want::default()));
    let own = tokio::spawn(pool.acquire(bound(&pool, "a")));
    for outcome in [any.await, own.await] {
        assert_eq!(
            outcome.unwrap().map(drop),
            Err(Unavailable::QueueTimeout),
            "the slot was never free"
        );
    }
    assert_eq!(began.elapsed().as_secs(), 3);
    let totals = server(&pool, "a").counters().totals();
    assert_eq!(totals.queue_timeouts, 1, "of those who waited for it alone");
    assert_eq!((server(&pool, "a").queued(), pool.queued()), (0, 0));
    drop(held);
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn a_slot_granted_at_the_time_out_is_not_lost() {
    let pool = pool(&[1]);
    let held = lease(&pool, Want::default());
    let mut late = waiter(&pool, Want::default());
    advance(Duration::from_secs(5)).await;
    drop(held);
    // Both are true now; either answer is right, but the slot must not leak.
    drop(late.poll());
    drop(late);
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_after_the_grant_hands_the_slot_on() {
    let pool = pool(&[1]);
    let held = lease(&pool, Want::default());
    let first = waiter(&pool, bound(&pool, "a"));
    let mut second = waiter(&pool, Want::default());
    drop(held);
    assert!(first.is_woken() && !second.is_woken());
    drop(first);
    drop(granted(&mut second, "a"));
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_in_line_leaves_it() {
    let pool = pool(&[1]);
    let held = lease(&pool, Want::default());
    let first = waiter(&pool, Want::default());
    let own = waiter(&pool, bound(&pool, "a"));
    let mut last = waiter(&pool, Want::default());
    drop((first, own));
    assert_eq!((server(&pool, "a").queued(), pool.queued()), (0, 1));
    drop(held);
    drop(granted(&mut last, "a"));
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn being_sent_elsewhere_does_not_prolong_the_wait() {
    let pool = pool(&[1, 1]);
    let _held = [lease(&pool, Want::default()), lease(&pool, Want::default())];
    let mut waits = waiter(&pool, bound(&pool, "a"));
    advance(Duration::from_secs(3)).await;
    pool.set_operational(&server(&pool, "a"), crate::server::Operational::Down);
    assert_pending!(waits.poll());
    assert_eq!((server(&pool, "a").queued(), pool.queued()), (0, 1));
    advance(Duration::from_millis(1999)).await;
    assert_pending!(waits.poll());
    advance(Duration::from_millis(1)).await;
    assert!(waits.is_woken());
    assert_eq!(
        assert_ready_err!(waits.poll()),
        Unavailable::QueueTimeout,
        "5 s after it came"
    );
}
