use super::{assert_idle, bound, granted, lease, server, waiter};
use crate::{
    policy::{LeastConn, Policy, RoundRobin},
    pool::{Pool, Want},
    server::Server,
};

/// One server, of limit 1 in an idle pool and 4 at a load of 8.
fn dynamic<P: Policy>(policy: P) -> Pool<(), P> {
    Pool::builder()
        .with(Server::new("a", ()).min_conn(1).max_conn(4))
        .full_conn(8)
        .build(policy)
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_limit_rises_with_those_who_wait() {
    fn check<P: Policy>(pool: &Pool<(), P>) {
        let mut held = vec![lease(pool, Want::default())];
        let mut waiting: Vec<_> = (2..=3).map(|_| waiter(pool, Want::default())).collect();
        // A load of 4 is half of 8: limit 2. The fourth lets the first in.
        waiting.push(waiter(pool, Want::default()));
        held.push(granted(&mut waiting[0], "a"));
        assert_eq!(server(pool, "a").in_flight(), 2);
        for load in 5..=8 {
            waiting.push(waiter(pool, Want::default()));
            let limit = load * 4 / 8;
            assert_eq!(server(pool, "a").in_flight(), limit, "at a load of {load}");
        }
        drop((held, waiting));
        assert_idle(pool);
    }
    check(&dynamic(RoundRobin::new()));
    check(&dynamic(LeastConn::new()));
}

#[tokio::test(start_paused = true)]
async fn lowering_fullconn_lets_waiters_in() {
    let pool = dynamic(RoundRobin::new());
    let _held = lease(&pool, Want::default());
    let mut any = waiter(&pool, Want::default());
    let mut own = waiter(&pool, bound(&pool, "a"));
    pool.set_full_conn(2);
    let _leases = [granted(&mut any, "a"), granted(&mut own, "a")];
}

#[tokio::test(start_paused = true)]
async fn no_limit_means_no_queue() {
    let pool = super::pool(&[0]);
    let leases: Vec<_> = (0..10_000).map(|_| lease(&pool, Want::default())).collect();
    assert_eq!(server(&pool, "a").in_flight(), 10_000);
    drop(leases);
    assert_idle(&pool);
}
