//! Tables, on a clock that only moves when told to.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod keys;
mod laws;
mod rates;
mod stored;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Comparison, DataType, Event, Filter, Key, KeyType, Refused, Table, builder::Builder, general,
};
use crate::condition::Sample;

/// A table of numbers and its time.
struct World {
    table: Arc<Table>,
    now: Instant,
}

impl World {
    fn new(store: &[&str], declare: impl FnOnce(Builder) -> Builder) -> Self {
        let now = Instant::now();
        let mut builder = Table::builder("t", KeyType::Integer);
        for stored in store {
            builder = builder.store(stored.parse().unwrap());
        }
        Self {
            table: Arc::new(declare(builder).build(now)),
            now,
        }
    }

    fn after(&mut self, millis: u64) -> &mut Self {
        self.now += Duration::from_millis(millis);
        self
    }

    fn key(&self, number: i64) -> Key {
        self.table.key(&Sample::Int(number)).unwrap()
    }

    /// One request, which is over at once; false if it could not be tracked.
    fn request(&self, number: i64) -> bool {
        // Not `track`, whose end would read the real clock.
        let entry = self.table.entry(self.now, &self.key(number));
        if let Some(entry) = &entry {
            entry.count(Event::Request, self.now);
        }
        entry.is_some()
    }

    fn find(&self, number: i64) -> Option<Arc<super::Entry>> {
        self.table.find(self.now, &self.key(number))
    }

    fn value(&self, number: i64, data: DataType) -> Option<u64> {
        self.find(number)?.value(data, 0, self.now)
    }

    fn lines(&self, filters: &[Filter]) -> Vec<String> {
        let mut lines = Vec::new();
        self.table
            .list(self.now, filters, |listed| lines.push(listed.to_string()));
        lines.sort();
        lines
    }
}

const ONE: &[&str] = &["http_req_cnt", "conn_cur"];

#[test]
fn an_entry_expires_unless_it_is_tracked_again() {
    let mut world = World::new(ONE, |table| table.expire(Duration::from_secs(10)));
    world.request(1);
    world.request(2);
    world.after(9_000).request(1);
    assert_eq!(world.value(2, DataType::HttpReqCnt), Some(1));
    // A look-up is no use of it.
    world.after(2_000);
    assert_eq!(world.value(2, DataType::HttpReqCnt), None);
    assert_eq!(world.value(1, DataType::HttpReqCnt), Some(2));
    world.request(2);
    assert_eq!(world.value(2, DataType::HttpReqCnt), Some(1), "begun anew");
}

#[test]
fn an_entry_at_work_neither_expires_nor_makes_room() {
    let mut world = World::new(ONE, |table| table.size(2).expire(Duration::from_secs(10)));
    let tracked = world.table.track(world.now, &world.key(1)).unwrap();
    world.after(60_000);
    assert_eq!(world.value(1, DataType::ConnCur), Some(1));
    for other in 2..20 {
        assert!(world.request(other));
    }
    assert_eq!(world.value(1, DataType::ConnCur), Some(1));
    assert_eq!(world.table.len(), 2);
    assert_eq!(
        world.table.clear_key(world.now, &world.key(1)),
        Err(Refused::InUse)
    );
    assert_eq!(world.table.clear(world.now, &[]), 1, "the other one");
    let looks_on = tracked.look_on();
    drop(tracked);
    assert_eq!(world.value(1, DataType::ConnCur), Some(0));
    assert_eq!(world.find(1).unwrap().trackers(), 0);
    drop(looks_on);
    // Nobody holds it any more, and its time has passed.
    assert!(world.find(1).is_none());

    let tracked = world.table.track(world.now, &world.key(1)).unwrap();
    world.after(60_000);
    tracked.touch(world.now);
    drop(tracked);
    world.after(9_000);
    assert_eq!(
        world.value(1, DataType::ConnCur),
        Some(0),
        "its end was a use"
    );
}

#[test]
fn a_full_table_whose_entries_are_at_work_takes_nobody() {
    let world = World::new(ONE, |table| table.size(1));
    let tracked = world.table.track(world.now, &world.key(1)).unwrap();
    assert!(world.table.track(world.now, &world.key(2)).is_none());
    drop(tracked);
    assert!(world.table.track(world.now, &world.key(2)).is_some());
}

#[test]
fn nopurge_refuses_newcomers_until_somebody_expires() {
    let mut world = World::new(ONE, |table| {
        table.size(2).expire(Duration::from_secs(10)).no_purge()
    });
    assert!(world.request(1) && world.request(2));
    assert!(!world.request(3));
    world.after(5_000).request(1);
    assert!(!world.request(3));
    world.after(6_000);
    assert!(world.request(3), "2 has expired");
    assert_eq!(world.value(1, DataType::HttpReqCnt), Some(2));
    // What is cleared makes room at once.
    assert!(!world.request(4));
    assert_eq!(world.table.clear_key(world.now, &world.key(1)), Ok(()));
    assert!(world.request(4));
}

#[test]
fn entries_are_shown_as_haproxy_shows_them() {
    let store = ["http_req_cnt", "gpc0", "server_id", "http_req_rate(10s)"];
    let mut world = World::new(&store, |table| table.expire(Duration::from_secs(30)));
    world.request(7);
    world.after(16).request(7);
    world.request(8);
    world.table.bind(world.now, &world.key(8), 3);
    world.after(4);
    assert_eq!(
        world.lines(&[]),
        [
            "key=7 use=0 exp=29996 server_id=0 gpc0=0 http_req_cnt=2 http_req_rate(10000)=2",
            "key=8 use=0 exp=29996 server_id=3 gpc0=0 http_req_cnt=1 http_req_rate(10000)=1",
        ]
    );
    let often = Filter::new(DataType::HttpReqRate, Comparison::Greater, 1);
    assert_eq!(world.lines(&[often]).len(), 1);
    let never = Filter::new(DataType::BytesInCnt, Comparison::GreaterOrEqual, 0);
    assert_eq!(world.lines(&[never]), [""; 0], "it is not stored");
    assert_eq!(world.table.clear(world.now, &[often]), 1);
    assert_eq!(world.value(7, DataType::HttpReqCnt), None);
    let line = world.table.listed(world.now, &world.key(8)).unwrap();
    assert!(line.to_string().starts_with("key=8 "));
}

#[test]
fn arrays_are_shown_by_number() {
    let world = World::new(&["gpc(2)", "gpc_rate(2,10s)", "gpt(1)"], |table| table);
    world.request(7);
    // Observed: `gpc0=0 gpc1=0 gpc0_rate(10000)=0 gpc1_rate(10000)=0`.
    let values = "gpt0=0 gpc0=0 gpc1=0 gpc0_rate(10000)=0 gpc1_rate(10000)=0";
    assert_eq!(world.lines(&[]), [format!("key=7 use=0 exp=0 {values}")]);
}

#[test]
fn what_an_operator_sets_is_counted_on_from() {
    let world = World::new(&["gpc0", "gpc0_rate(1s)", "gpt0"], |table| table.size(1));
    let key = world.key(1);
    let values = [(DataType::Gpc0, 12), (DataType::Gpt0, 7)];
    assert_eq!(world.table.set(world.now, &key, &values), Ok(()));
    assert_eq!(world.find(1).unwrap().count_general(0, world.now), 13);
    assert_eq!(world.value(1, DataType::Gpc0Rate), Some(1));
    assert_eq!(world.value(1, DataType::Gpt0), Some(7));
    let values = [(DataType::Gpc0, 1), (DataType::ConnCnt, 1)];
    assert_eq!(
        world.table.set(world.now, &key, &values),
        Err(Refused::NotStored(DataType::ConnCnt))
    );
    assert_eq!(world.value(1, DataType::Gpc0), Some(13), "all or nothing");
    let entry = world.find(1).unwrap();
    assert_eq!(entry.clear(DataType::Gpc0, 0, world.now), Some(13));
    assert_eq!(entry.clear(DataType::Gpc0Rate, 0, world.now), Some(1));
    assert_eq!(world.value(1, DataType::Gpc0Rate), Some(0));
}

#[test]
fn the_first_of_an_array_has_two_names() {
    let world = World::new(&["gpc(3)", "gpc_rate(2,1s)", "gpt(2)"], |table| table);
    world.request(1);
    let entry = world.find(1).unwrap();
    for (index, times) in [(0, 1), (1, 2), (2, 3)] {
        for _ in 0..times {
            entry.count(Event::General(index), world.now);
        }
    }
    let read = |data, index| entry.value(data, index, world.now);
    assert_eq!(read(DataType::Gpc0, 0), Some(1));
    assert_eq!(read(DataType::Gpc1, 0), Some(2));
    assert_eq!(read(DataType::Gpc, 2), Some(3));
    assert_eq!(read(DataType::Gpc, 3), None);
    assert_eq!(read(DataType::Gpc1Rate, 0), Some(2));
    assert_eq!(read(DataType::GpcRate, 2), None);
    assert_eq!(general(2)[0], (DataType::Gpc, 2));
}

#[test]
fn a_client_stays_on_the_server_of_a_number() {
    let now = Instant::now();
    let table = Table::builder("t", KeyType::String(4))
        .store_server()
        .build(now);
    let key = |text: &str| table.key(&Sample::Str(text.as_bytes())).unwrap();
    assert_eq!(table.server(now, &key("anna")), None);
    assert!(table.bind(now, &key("anna"), 2));
    assert_eq!(table.server(now, &key("anna")), Some(2));
    assert_eq!(table.server(now, &key("annabel")), Some(2), "4 bytes count");
    table.bind(now, &key("anna"), 1);
    assert_eq!(table.server(now, &key("anna")), Some(1));
}
