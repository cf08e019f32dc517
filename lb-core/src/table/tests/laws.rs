//! What holds whatever is done.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::time::Duration;

use super::World;
use crate::{
    condition::Sample,
    table::{DataType, Event},
};

proptest! {
    #[test]
    fn the_size_is_never_passed_and_no_entry_outlives_its_time(
        size in 1_usize..6,
        keeps in any::<bool>(),
        steps in prop::collection::vec((0_i64..10, 0_u64..4_000), 1..200),
    ) {
        let expire = Duration::from_secs(10);
        let mut world = World::new(&["http_req_cnt"], |table| {
            let table = table.size(size).expire(expire);
            if keeps { table.no_purge() } else { table }
        });
        let mut last = BTreeMap::new();
        for (key, pause) in steps {
            world.after(pause);
            let known = world.find(key).is_some();
            let before = world.value(key, DataType::HttpReqCnt).unwrap_or(0);
            let taken = world.request(key);
            if taken {
                last.insert(key, world.now);
                prop_assert_eq!(world.value(key, DataType::HttpReqCnt), Some(before + 1));
            } else {
                prop_assert!(keeps && !known, "only nopurge refuses, and only newcomers");
            }
            let lines = world.lines(&[]);
            prop_assert!(lines.len() <= size && world.table.len() <= size);
            for key in 0..10 {
                if let Some(entry) = world.find(key) {
                    prop_assert!(world.now - last[&key] <= expire);
                    prop_assert_eq!(entry.trackers(), 0);
                } else if keeps && let Some(used) = last.get(&key) {
                    prop_assert!(world.now - *used > expire, "nopurge forgets nobody early");
                }
            }
        }
    }
}

#[test]
fn threads_that_count_at_once_lose_nothing() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 2_000;
    let world = World::new(
        &["http_req_cnt", "http_req_rate(1h)", "conn_cur"],
        |table| table.size(50),
    );
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let world = &world;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    // One key that all hold, and newcomers that crowd the table.
                    let tracked = world.table.track(world.now, &world.key(-1)).unwrap();
                    tracked.entry().count(Event::Request, world.now);
                    let other = 1 + (round * THREADS + thread) % 500;
                    world.request(i64::try_from(other).unwrap());
                }
            });
        }
        let held = world.table.track(world.now, &world.key(-1)).unwrap();
        assert!(held.entry().trackers() >= 1);
        std::mem::forget(held);
    });
    assert_eq!(
        world.value(-1, DataType::HttpReqCnt),
        Some(THREADS * ROUNDS)
    );
    assert_eq!(
        world.value(-1, DataType::HttpReqRate),
        Some(THREADS * ROUNDS)
    );
    assert_eq!(world.value(-1, DataType::ConnCur), Some(1));
    assert_eq!((world.table.len(), world.lines(&[]).len()), (50, 50));
}

#[test]
fn a_known_key_is_tracked_and_counted_without_an_allocation() {
    let world = World::new(&["http_req_rate(1s)", "bytes_out_cnt"], |table| {
        table.size(50)
    });
    world.request(1);
    let sample = Sample::Int(1);
    let cost = allocation_counter::measure(|| {
        let key = world.table.key(&sample).unwrap();
        let tracked = world.table.track(world.now, &key).unwrap();
        tracked.entry().count(Event::Request, world.now);
        assert_eq!(
            tracked.entry().value(DataType::HttpReqRate, 0, world.now),
            Some(2)
        );
    });
    assert_eq!(cost.count_total, 0, "{cost:?}");
}

/// The figure that `docs/tables.md` names.
#[test]
fn a_key_takes_no_more_memory_than_is_documented() {
    const KEYS: i64 = 10_000;
    let world = World::new(&["http_req_rate(1s)", "conn_cur"], |table| {
        table.size(10_000)
    });
    let cost = allocation_counter::measure(|| {
        for key in 0..KEYS {
            world.request(key);
        }
    });
    let each = cost.bytes_current / KEYS;
    assert!((100..=300).contains(&each), "{each} bytes");
}
