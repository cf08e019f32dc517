use tokio_test::{assert_pending, assert_ready_err, task::spawn};

use super::{assert_idle, bound, granted, lease, pool, server, waiter};
use crate::{
    policy::{LeastConn, RoundRobin},
    pool::{BuildError, Pool, Unavailable, Want},
    server::{Administrative, Operational, Server},
};

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_down_sends_its_waiters_elsewhere() {
    let pool = pool(&[1, 1]);
    let _held = lease(&pool, bound(&pool, "a"));
    let mut waits = waiter(&pool, bound(&pool, "a"));
    pool.set_operational(&server(&pool, "a"), Operational::Down);
    assert_eq!(server(&pool, "a").queued(), 0);
    let _lease = granted(&mut waits, "b");
    assert_eq!(server(&pool, "a").counters().totals().downs, 1);
}

#[tokio::test(start_paused = true)]
async fn with_nowhere_else_to_go_they_are_told_at_once() {
    let pool = pool(&[1]);
    let held = lease(&pool, Want::default());
    let mut waits = waiter(&pool, bound(&pool, "a"));
    pool.set_operational(&server(&pool, "a"), Operational::Down);
    assert!(waits.is_woken());
    assert_eq!(assert_ready_err!(waits.poll()), Unavailable::NoServer);
    let newcomer = assert_ready_err!(spawn(pool.acquire(Want::default())).poll());
    assert_eq!(newcomer, Unavailable::NoServer);
    drop(held);
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn drain_ends_no_wait_maintenance_does() {
    let pool = pool(&[1, 1]);
    let held = lease(&pool, bound(&pool, "a"));
    let mut first = waiter(&pool, bound(&pool, "a"));
    let mut second = waiter(&pool, bound(&pool, "a"));
    pool.set_administrative(&server(&pool, "a"), Administrative::Drain);
    drop(held);
    let _first = granted(&mut first, "a");
    pool.set_administrative(&server(&pool, "a"), Administrative::Maint);
    let _second = granted(&mut second, "b");
}

#[tokio::test(start_paused = true)]
async fn who_wants_a_server_even_if_down_goes_on_waiting_for_it() {
    let pool = pool(&[1, 1]);
    let want = || Want {
        even_if_down: true,
        ..bound(&pool, "a")
    };
    let held = lease(&pool, want());
    let mut waits = waiter(&pool, want());
    pool.set_operational(&server(&pool, "a"), Operational::Down);
    assert_pending!(waits.poll());
    assert_eq!(server(&pool, "a").queued(), 1);
    drop(held);
    let held = granted(&mut waits, "a");
    // One that has left the pool, though, is not waited for.
    let mut waits = waiter(&pool, want());
    pool.remove(held.server().uid());
    let _lease = granted(&mut waits, "b");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_up_serves_the_queue() {
    let pool = pool(&[1, 2]);
    let b = server(&pool, "b");
    for leave in [
        |pool: &Pool<_, _>, b: &_| pool.set_operational(b, Operational::Down),
        |pool: &Pool<_, _>, b: &_| pool.set_administrative(b, Administrative::Maint),
        |pool: &Pool<_, RoundRobin>, b: &_| pool.set_weight(b, 0),
    ] {
        leave(&pool, &b);
        let _held = lease(&pool, Want::default());
        let mut waiters = [(); 3].map(|()| waiter(&pool, Want::default()));
        pool.set_operational(&b, Operational::Up);
        pool.set_administrative(&b, Administrative::Ready);
        pool.set_weight(&b, 1);
        let _leases = [granted(&mut waiters[0], "b"), granted(&mut waiters[1], "b")];
        assert!(!waiters[2].is_woken());
    }
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn a_higher_limit_serves_the_queue() {
    let pool = pool(&[1]);
    let a = server(&pool, "a");
    let _held = lease(&pool, Want::default());
    let mut any = waiter(&pool, Want::default());
    let mut own = waiter(&pool, bound(&pool, "a"));
    pool.set_max_conn(&a, 2);
    let _any = granted(&mut any, "a");
    // In drain, it still has clients of its own.
    pool.set_administrative(&a, Administrative::Drain);
    let mut drained = waiter(&pool, bound(&pool, "a"));
    pool.set_max_conn(&a, 4);
    let _leases = [granted(&mut own, "a"), granted(&mut drained, "a")];
}

#[tokio::test(start_paused = true)]
async fn a_lower_limit_lets_nobody_in_until_it_is_met() {
    let pool = pool(&[3]);
    let mut held: Vec<_> = (0..3).map(|_| lease(&pool, Want::default())).collect();
    let mut waits = waiter(&pool, Want::default());
    pool.set_max_conn(&server(&pool, "a"), 1);
    held.pop();
    held.pop();
    assert!(!waits.is_woken());
    held.pop();
    let _lease = granted(&mut waits, "a");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_added_serves_the_queue() {
    let pool = pool(&[1]);
    let held = lease(&pool, Want::default());
    let mut waits = waiter(&pool, Want::default());
    let added = pool.insert(Server::new("b", ()).max_conn(1)).unwrap();
    assert_eq!(added.number(), 2);
    drop((granted(&mut waits, "b"), held));
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_removed_ends_in_peace() {
    let pool = pool(&[1, 1]);
    let a = server(&pool, "a");
    let held = lease(&pool, bound(&pool, "a"));
    let mut waits = waiter(&pool, bound(&pool, "a"));
    pool.remove(a.uid());
    let moved = granted(&mut waits, "b");
    assert_eq!((a.in_flight(), pool.load().in_flight), (1, 2));
    drop((held, moved));
    assert_eq!((a.in_flight(), a.queued()), (0, 0));
    assert_idle(&pool);
    // Whoever remembers it is served elsewhere.
    let want = Want {
        server: Some(a),
        ..Want::default()
    };
    assert_eq!(lease(&pool, want).server().name(), "b");
}

#[tokio::test(start_paused = true)]
async fn edits_leave_counters_and_order_alone() {
    let pool = super::servers(&[0, 0, 0]).build(LeastConn::new()).unwrap();
    let b = server(&pool, "b");
    let held: Vec<_> = (0..5).map(|_| lease(&pool, bound(&pool, "b"))).collect();
    assert_eq!(b.counters().totals().selected, 0, "nobody chose");
    b.counters().downs();
    pool.remove(server(&pool, "a").uid());
    pool.insert(Server::new("d", ())).unwrap();
    assert_eq!(
        (b.in_flight(), b.counters().totals().downs),
        (5, 1),
        "of a server that stayed"
    );
    // The policy knows of its load, too: c and d come first.
    let others: Vec<_> = (0..4).map(|_| lease(&pool, Want::default())).collect();
    assert!(others.iter().all(|lease| lease.server().name() != "b"));
    drop((held, others));
    assert_idle(&pool);
}

#[tokio::test(start_paused = true)]
async fn names_and_numbers_are_unique() {
    let pool = pool(&[1, 1]);
    assert_eq!(
        pool.insert(Server::new("a", ())).map(drop),
        Err(BuildError::DuplicateName("a".into()))
    );
    assert_eq!(
        pool.insert(Server::new("c", ()).id(2)).map(drop),
        Err(BuildError::DuplicateId {
            id: 2,
            first: "b".into(),
            second: "c".into()
        })
    );
    pool.remove(server(&pool, "a").uid());
    assert_eq!(pool.insert(Server::new("c", ())).unwrap().number(), 1);
}
