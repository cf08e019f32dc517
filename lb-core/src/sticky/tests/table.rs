use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proptest::prelude::*;
use tokio::time::Instant;

use crate::sticky::Table;

/// A table and a clock that only moves when told to.
struct World {
    table: Table<u32, char>,
    now: Instant,
}

impl World {
    fn new(size: usize, expire: Option<u64>) -> Self {
        let now = Instant::now();
        let expire = expire.map(Duration::from_secs);
        Self {
            table: Table::new(size, expire, now),
            now,
        }
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    fn find(&self, key: u32) -> Option<char> {
        self.table.find(self.now, &key)
    }

    fn learn(&self, key: u32, value: char) {
        self.table.learn(self.now, key, value);
    }

    fn known(&self) -> Vec<u32> {
        let mut known = Vec::new();
        self.table.visit(self.now, |key, _, _| known.push(*key));
        known.sort_unstable();
        known
    }
}

#[test]
fn what_was_learnt_is_found_until_something_else_is() {
    let world = World::new(10, None);
    assert_eq!(world.find(1), None);
    world.learn(1, 'a');
    world.learn(2, 'b');
    assert_eq!((world.find(1), world.find(2)), (Some('a'), Some('b')));
    world.learn(1, 'c');
    assert_eq!(world.find(1), Some('c'));
    assert_eq!(world.table.len(), 2);
    world.table.forget(&1);
    assert_eq!((world.find(1), world.find(2)), (None, Some('b')));
    world.learn(1, 'd');
    assert_eq!((world.find(1), world.table.len()), (Some('d'), 2));
}

#[test]
fn an_entry_expires_unless_it_is_asked_for() {
    let mut world = World::new(10, Some(60));
    world.learn(1, 'a');
    world.learn(2, 'b');
    assert_eq!(world.after(60).find(1), Some('a'), "not longer than 60 s");
    assert_eq!(world.after(1).find(2), None);
    assert_eq!(
        world.after(59).find(1),
        Some('a'),
        "60 s after the last use"
    );
    assert_eq!(world.after(61).find(1), None);
    assert_eq!(world.known(), []);
}

#[test]
fn expired_entries_make_room_for_new_ones() {
    let mut world = World::new(1_000, Some(60));
    for key in 0..500 {
        world.learn(key, 'a');
    }
    world.after(61);
    for key in 500..750 {
        world.learn(key, 'b');
    }
    assert_eq!(world.table.len(), 250, "the old ones are gone, not hidden");
}

#[test]
fn a_full_table_drops_who_has_been_away_longest() {
    let mut world = World::new(4, None);
    for key in 1..=4 {
        world.after(1).learn(key, 'a');
    }
    world.after(1).find(1);
    world.after(1).learn(5, 'b');
    assert_eq!(world.known(), [1, 3, 4, 5]);
    world.after(1).find(3);
    world.after(1).learn(6, 'b');
    assert_eq!(world.known(), [1, 3, 5, 6]);
}

#[test]
fn one_place_goes_to_the_newest() {
    let mut world = World::new(0, None);
    for key in 1..=3 {
        world.after(1).learn(key, 'a');
        assert_eq!(world.after(1).find(key), Some('a'));
    }
    assert_eq!(world.known(), [3]);
}

#[test]
fn what_is_shown_is_what_is_known() {
    let mut world = World::new(10, Some(60));
    world.learn(1, 'a');
    world.after(50).learn(2, 'b');
    let mut shown = BTreeMap::new();
    world.after(5);
    world.table.visit(world.now, |key, value, idle| {
        shown.insert(*key, (value, idle.as_secs()));
    });
    assert_eq!(shown, [(1, ('a', 55)), (2, ('b', 5))].into());
    assert_eq!(world.after(10).known(), [2], "1 has expired");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Find(u32),
    Learn(u32, char),
    Forget(u32),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..12u32;
    prop_oneof![
        key.clone().prop_map(Step::Find),
        (key.clone(), prop::char::range('a', 'c')).prop_map(|(key, value)| Step::Learn(key, value)),
        key.prop_map(Step::Forget),
        (0..40u64).prop_map(Step::Wait),
    ]
}

proptest! {
    /// With room for every key, a table is a map whose entries expire; without,
    /// what it finds is right all the same, and it keeps to its size.
    #[test]
    fn a_table_is_a_map_that_may_forget(
        size in 1..16usize,
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut world = World::new(size, Some(60));
        let mut model: BTreeMap<u32, (char, Instant)> = BTreeMap::new();
        for step in steps {
            let now = world.now;
            model.retain(|_, (_, used)| now - *used <= Duration::from_secs(60));
            match step {
                Step::Find(key) => {
                    let found = world.find(key);
                    let expected = model.get_mut(&key).map(|(value, used)| {
                        *used = now;
                        *value
                    });
                    if size >= 12 {
                        prop_assert_eq!(found, expected);
                    } else {
                        prop_assert!(found.is_none() || found == expected);
                    }
                }
                Step::Learn(key, value) => {
                    world.learn(key, value);
                    model.insert(key, (value, now));
                    prop_assert_eq!(world.find(key), Some(value));
                }
                Step::Forget(key) => {
                    world.table.forget(&key);
                    model.remove(&key);
                }
                Step::Wait(seconds) => {
                    world.after(seconds);
                }
            }
            prop_assert!(world.table.len() <= size);
        }
    }
}

#[test]
fn threads_agree_on_what_they_learnt() {
    let now = Instant::now();
    let table = Arc::new(Table::new(100, None, now));
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let table = Arc::clone(&table);
            scope.spawn(move || {
                for round in 0..5_000u32 {
                    let key = (round * 7 + thread) % 300;
                    if let Some(value) = table.find(now, &key) {
                        assert_eq!(value, key * 2);
                    } else {
                        table.learn(now, key, key * 2);
                    }
                }
            });
        }
    });
    let mut known = 0;
    table.visit(now, |key, value, _| {
        assert_eq!(value, key * 2);
        known += 1;
    });
    assert_eq!((known, table.len()), (100, 100));
}
