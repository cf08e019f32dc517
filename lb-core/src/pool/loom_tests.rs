//! Slots and the queue under every schedule that loom can think of:
//! `RUSTFLAGS="--cfg loom" cargo test -p lb-core --release --lib loom`.
//!
//! A wake-up that is lost blocks a thread for ever, which loom reports; a slot
//! that is lost or given twice shows in the counters.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{future::poll_fn, sync::Arc};

use loom::{future::block_on, model::Builder, thread};

use super::{
    Lease, Picked, Pool, Want,
    queue::{Ticket, Verdict},
};
use crate::{
    policy::RoundRobin,
    server::{Administrative, Operational, Server},
};

type TestPool = Pool<(), RoundRobin>;

fn model(test: impl Fn() + Send + Sync + 'static) {
    let mut model = Builder::new();
    // All schedules with up to so many preemptions: bugs need one or two.
    model.preemption_bound = Some(3);
    model.check(test);
}

fn pool(limits: &[u32]) -> TestPool {
    let server = |(name, limit): (char, &u32)| Server::new(name, ()).max_conn(*limit);
    let servers = ('a'..).zip(limits).map(server);
    let pool = servers.fold(Pool::builder(), super::Builder::with);
    pool.build(RoundRobin::new()).unwrap()
}

fn bound(pool: &TestPool) -> Want<()> {
    Want {
        server: Some(Arc::clone(&pool.snapshot().all()[0])),
        ..Want::default()
    }
}

fn lease(pool: &TestPool) -> Lease<(), RoundRobin> {
    match pool.pick(&Want::default()) {
        Picked::Lease(lease) => lease,
        _ => panic!("the pool is idle"),
    }
}

/// [`Acquire`](super::Acquire) without its timer, which loom cannot drive.
fn acquire(pool: &TestPool, mut want: Want<()>) -> Option<Lease<(), RoundRobin>> {
    loop {
        match pool.pick(&want) {
            Picked::Lease(lease) => return Some(lease),
            Picked::NoServer => return None,
            Picked::Wait(ticket) => match wait(&ticket) {
                Verdict::Granted(server) => return Some(Lease::new(pool.clone(), server)),
                Verdict::PickAgain => want.server = None,
            },
        }
    }
}

fn wait(ticket: &Ticket<()>) -> Verdict<()> {
    block_on(poll_fn(|cx| ticket.poll(cx)))
}

fn assert_idle(pool: &TestPool) {
    assert_eq!((pool.load().in_flight, pool.queued()), (0, 0));
    for server in pool.snapshot().all() {
        assert_eq!((server.in_flight(), server.queued()), (0, 0));
    }
}

#[test]
fn loom_a_release_meets_one_who_joins() {
    for bound_to_it in [false, true] {
        model(move || {
            let pool = pool(&[1]);
            let held = lease(&pool);
            let releaser = thread::spawn(move || drop(held));
            let want = if bound_to_it {
                bound(&pool)
            } else {
                Want::default()
            };
            let served = acquire(&pool, want).expect("it is up");
            assert_eq!(served.server().in_flight(), 1);
            drop(served);
            releaser.join().unwrap();
            assert_idle(&pool);
        });
    }
}

#[test]
fn loom_of_three_who_come_each_is_served_alone() {
    model(|| {
        let pool = pool(&[1]);
        let others = [(); 2].map(|()| {
            let pool = pool.clone();
            thread::spawn(move || {
                let served = acquire(&pool, Want::default()).expect("it is up");
                assert_eq!(served.server().in_flight(), 1, "over the limit");
            })
        });
        for other in others {
            other.join().unwrap();
        }
        assert_idle(&pool);
    });
}

#[test]
fn loom_a_slot_granted_to_one_who_gives_up_goes_on() {
    model(|| {
        let pool = pool(&[1]);
        let held = lease(&pool);
        let Picked::Wait(gives_up) = pool.pick(&Want::default()) else {
            panic!("it is full");
        };
        let Picked::Wait(waits) = pool.pick(&bound(&pool)) else {
            panic!("it is full");
        };
        let releaser = thread::spawn(move || drop(held));
        let leaver = thread::spawn({
            let pool = pool.clone();
            move || pool.shared.leave(&gives_up)
        });
        let Verdict::Granted(server) = wait(&waits) else {
            panic!("it is up");
        };
        assert_eq!(server.in_flight(), 1);
        drop(Lease::new(pool.clone(), server));
        releaser.join().unwrap();
        leaver.join().unwrap();
        assert_idle(&pool);
    });
}

#[test]
fn loom_nobody_waits_for_a_server_that_went_down() {
    model(|| {
        let pool = pool(&[1]);
        let server = Arc::clone(&pool.snapshot().all()[0]);
        let held = lease(&pool);
        let edit = thread::spawn({
            let pool = pool.clone();
            move || pool.set_operational(&server, Operational::Down)
        });
        // Its slot stays taken: only being sent away ends the wait.
        assert!(acquire(&pool, bound(&pool)).is_none());
        edit.join().unwrap();
        drop(held);
        assert_idle(&pool);
    });
}

#[test]
fn loom_a_release_meets_a_change_of_the_set() {
    model(|| {
        let pool = pool(&[1, 1]);
        let first = Arc::clone(&pool.snapshot().all()[0]);
        // The second moves up to the first's position while its slot is freed.
        let held = [lease(&pool), lease(&pool)];
        let Picked::Wait(ticket) = pool.pick(&Want::default()) else {
            panic!("both are full");
        };
        let edit = thread::spawn({
            let pool = pool.clone();
            move || pool.set_administrative(&first, Administrative::Maint)
        });
        let [of_first, of_second] = held;
        assert_eq!(of_second.server().name(), "b");
        drop(of_second);
        let Verdict::Granted(server) = wait(&ticket) else {
            panic!("it waits for any");
        };
        assert_eq!(server.name(), "b");
        edit.join().unwrap();
        drop((of_first, Lease::new(pool.clone(), server)));
        assert_idle(&pool);
    });
}
