//! Whatever comes in whatever order: no slot beyond the limit, none lost, and
//! nobody waits where there is one.

use std::{sync::Arc, task::Poll, time::Duration};

use proptest::prelude::*;
use tokio::runtime::{Builder as Runtime, Runtime as Tokio};
use tokio_test::task::spawn;

use super::{Waiter, assert_idle};
use crate::{
    policy::{Algorithm, Key},
    pool::{Lease, Pool, Priority, Want},
    server::{Administrative, Operational, Server},
};

#[derive(Clone, Copy, Debug)]
enum Step {
    Come { key: u8, priority: i16 },
    ComeBound { server: usize, even_if_down: bool },
    GiveUp(usize),
    Finish(usize),
    Operational(usize, Operational),
    Administrative(usize, Administrative),
    Weight(usize, u16),
    MaxConn(usize, u32),
    FullConn(u32),
    Insert,
    Remove(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let server = 0..4usize;
    prop_oneof![
        8 => (any::<u8>(), -1..=1i16).prop_map(|(key, priority)| Come { key, priority }),
        4 => (server.clone(), any::<bool>())
            .prop_map(|(server, even_if_down)| ComeBound { server, even_if_down }),
        2 => any::<usize>().prop_map(GiveUp),
        8 => any::<usize>().prop_map(Finish),
        2 => (server.clone(), prop_oneof![
            Just(self::Operational::Up),
            Just(self::Operational::Down),
            Just(self::Operational::Stopping),
        ]).prop_map(|(server, state)| Operational(server, state)),
        1 => (server.clone(), prop_oneof![
            Just(self::Administrative::Ready),
            Just(self::Administrative::Drain),
            Just(self::Administrative::Maint),
        ]).prop_map(|(server, state)| Administrative(server, state)),
        1 => (server.clone(), 0..3u16).prop_map(|(server, weight)| Weight(server, weight)),
        1 => (server.clone(), 0..4u32).prop_map(|(server, limit)| MaxConn(server, limit)),
        1 => (0..12u32).prop_map(FullConn),
        1 => Just(Insert),
        1 => server.prop_map(Remove),
        1 => (0..3000u64).prop_map(Wait),
    ]
}

/// A pool, everyone who waits for it and everyone it serves.
struct World {
    tokio: Tokio,
    pool: Pool<(), Algorithm>,
    waiters: Vec<Waiter<Algorithm>>,
    leases: Vec<Lease<(), Algorithm>>,
    removed: Vec<Arc<Server<()>>>,
    named: u32,
}

impl World {
    fn new(algorithm: &(&str, Option<&str>)) -> Self {
        let tokio = Runtime::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let policy = Algorithm::parse(algorithm.0, algorithm.1, None).unwrap();
        let _inside = tokio.enter();
        let pool = Pool::builder()
            .with(Server::new("a", ()).max_conn(2))
            .with(Server::new("b", ()).max_conn(3).min_conn(1).max_queue(2))
            .with(Server::new("c", ()).max_conn(1).backup())
            .full_conn(6)
            .build(policy)
            .unwrap();
        Self {
            pool,
            waiters: Vec::new(),
            leases: Vec::new(),
            removed: Vec::new(),
            named: 0,
            tokio,
        }
    }

    fn server(&self, at: usize) -> Option<Arc<Server<()>>> {
        self.pool.snapshot().all().get(at).cloned()
    }

    fn take(&mut self, step: Step) {
        let handle = self.tokio.handle().clone();
        let _inside = handle.enter();
        let pool = self.pool.clone();
        let on = |at: usize, change: &dyn Fn(&Arc<Server<()>>)| {
            self.server(at).iter().for_each(change);
        };
        match step {
            Step::Come { key, priority } => {
                let want = Want {
                    hash: pool.digest(Key::Bytes(&[key])),
                    priority: Priority(priority),
                    ..Want::default()
                };
                self.come(want);
            }
            Step::ComeBound {
                server,
                even_if_down,
            } => {
                let want = Want {
                    server: self.server(server),
                    even_if_down,
                    ..Want::default()
                };
                self.come(want);
            }
            Step::GiveUp(which) if !self.waiters.is_empty() => {
                let which = which % self.waiters.len();
                drop(self.waiters.remove(which));
            }
            Step::Finish(which) if !self.leases.is_empty() => {
                let which = which % self.leases.len();
                self.leases.swap_remove(which);
            }
            Step::GiveUp(_) | Step::Finish(_) => {}
            Step::Operational(at, state) => on(at, &|server| pool.set_operational(server, state)),
            Step::Administrative(at, state) => {
                on(at, &|server| pool.set_administrative(server, state));
            }
            Step::Weight(at, weight) => on(at, &|server| pool.set_weight(server, weight)),
            Step::MaxConn(at, limit) => on(at, &|server| pool.set_max_conn(server, limit)),
            Step::FullConn(load) => pool.set_full_conn(load),
            Step::Insert => {
                self.named += 1;
                let server = Server::new(format!("new{}", self.named), ());
                pool.insert(server.max_conn(1)).unwrap();
            }
            Step::Remove(at) => {
                if let Some(server) = self.server(at) {
                    self.removed.extend(pool.remove(server.uid()));
                }
            }
            Step::Wait(millis) => {
                let wait = tokio::time::advance(Duration::from_millis(millis));
                self.tokio.block_on(wait);
            }
        }
    }

    fn come(&mut self, want: Want<()>) {
        let mut acquire = spawn(self.pool.acquire(want));
        match acquire.poll() {
            Poll::Ready(Ok(lease)) => self.leases.push(lease),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.waiters.push(acquire),
        }
    }

    /// Runs those that were woken, and nobody else, until nobody is.
    fn settle(&mut self) {
        let handle = self.tokio.handle().clone();
        let _inside = handle.enter();
        while let Some(at) = self.waiters.iter().position(Spawned::is_woken) {
            let mut waiter = self.waiters.remove(at);
            match waiter.poll() {
                Poll::Ready(Ok(lease)) => self.leases.push(lease),
                Poll::Ready(Err(_)) => {}
                Poll::Pending => self.waiters.insert(at, waiter),
            }
        }
    }

    fn check(&self, before: &[(Arc<Server<()>>, u32)]) -> Result<(), TestCaseError> {
        let pool = &self.pool;
        let load = pool.load();
        let snapshot = pool.snapshot();
        let full = |server: &Server<()>| {
            let limit = server.limit(load);
            limit.is_some_and(|limit| server.in_flight() >= limit)
        };
        let mut queued = pool.queued();
        for server in snapshot.all().iter().chain(&self.removed) {
            let held = self.leases.iter();
            let held = held.filter(|lease| Arc::ptr_eq(lease.server(), server));
            prop_assert_eq!(server.in_flight() as usize, held.count(), "{:?}", server);
            let earlier = before.iter().find(|(other, _)| Arc::ptr_eq(other, server));
            if earlier.is_none_or(|(_, in_flight)| server.in_flight() > *in_flight) {
                // The limit may have been higher for a moment: at most this high.
                let most = server.limit(crate::server::PoolLoad {
                    in_flight: u32::MAX,
                    full_conn: 0,
                });
                prop_assert!(most.is_none_or(|most| server.in_flight() <= most));
            }
            prop_assert!(
                server.queued() == 0 || full(server),
                "slot free: {server:?}"
            );
            queued += server.queued();
        }
        if pool.queued() > 0 {
            for server in snapshot.usable() {
                prop_assert!(full(server), "slot free: {server:?}");
            }
        }
        prop_assert_eq!(queued as usize, self.waiters.len());
        let in_flight = self.leases.len() + self.waiters.len();
        prop_assert_eq!(load.in_flight as usize, in_flight);
        Ok(())
    }
}

type Spawned = Waiter<Algorithm>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_slot_is_lost_and_nobody_waits_where_there_is_one(
        algorithm in prop::sample::select(&[
            ("roundrobin", None),
            ("leastconn", None),
            ("first", None),
            ("p2c", None),
            ("uri", None),
            ("uri", Some("consistent")),
        ][..]),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new(&algorithm);
        for step in steps {
            let snapshot = world.pool.snapshot();
            let all = snapshot.all().iter().chain(&world.removed);
            let before: Vec<_> = all.map(|s| (Arc::clone(s), s.in_flight())).collect();
            world.take(step);
            world.settle();
            world.check(&before)?;
        }
        world.waiters.clear();
        world.leases.clear();
        assert_idle(&world.pool);
        for server in &world.removed {
            prop_assert_eq!((server.in_flight(), server.queued()), (0, 0));
        }
    }
}
