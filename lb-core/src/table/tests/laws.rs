//! What holds whatever is done.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::time::Duration;

use super::World;
use crate::table::DataType;

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
