//! What holds for every algorithm, and what each one promises beyond that.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use common::{Bench, limited, servers};
use lb_core::{
    Policy, Server,
    policy::{
        Algorithm, Choice, First, Hash, Key, LeastConn, Maglev, P2c, PeakEwma, Random, RoundRobin,
        StaticRoundRobin,
    },
    server::PoolLoad,
};
use proptest::prelude::*;

fn all() -> Vec<Algorithm> {
    vec![
        RoundRobin::new().into(),
        StaticRoundRobin::new().into(),
        LeastConn::new().into(),
        First::new().into(),
        Hash::map_based().into(),
        Hash::consistent().into(),
        Hash::consistent().balance_factor(125).into(),
        Random::new().into(),
        Random::new().draws(5).balance_factor(150).into(),
        P2c::new().into(),
        PeakEwma::new().into(),
        Maglev::new().into(),
    ]
}

fn weights() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(1u16..=256, 1..20)
}

/// How often each position is chosen for the keys `k0`, `k1`, … of a hash
/// policy, or in so many picks of another.
fn shares(bench: &Bench<Algorithm>, picks: u32) -> Vec<f64> {
    let mut counts = vec![0.0; bench.servers.len()];
    for key in keys(picks) {
        let hash = bench.policy.digest(Key::Bytes(key.as_bytes()));
        counts[bench.serve(hash).unwrap()] += 1.0;
    }
    counts
        .iter()
        .map(|count| count / f64::from(picks))
        .collect()
}

fn keys(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|key| format!("/path/{key}"))
}

/// The names that keys go to.
fn owners<P: Policy>(bench: &Bench<P>, count: u32) -> Vec<String> {
    keys(count)
        .map(|key| {
            let hash = bench.policy.digest(Key::Bytes(key.as_bytes()));
            bench.servers[bench.position(hash).unwrap()]
                .name()
                .to_owned()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any set, any load, any hash, anything to avoid: no panic, a position in
    /// range, and one that can take the request if the policy says so.
    #[test]
    fn a_choice_can_take_the_request(
        weights in weights(),
        limits in prop::collection::vec(0u32..4, 20),
        loads in prop::collection::vec(0u32..4, 20),
        hash in prop::option::of(any::<u32>()),
        avoid in prop::option::of(0usize..20),
        in_flight in 0u32..100,
    ) {
        for policy in all() {
            let servers = servers(&weights);
            for (server, limit) in servers.iter().zip(&limits) {
                server.set_max_conn(*limit);
            }
            let mut bench = Bench::new(policy, servers);
            bench.load = PoolLoad { in_flight, full_conn: 50 };
            bench.avoid = avoid.and_then(|at| bench.servers.get(at)).map(|server| server.uid());
            for (position, load) in loads.iter().enumerate().take(weights.len()) {
                for _ in 0..*load {
                    if bench.servers[position].has_room(bench.load) {
                        bench.take(position);
                    }
                }
            }
            let free: Vec<_> = bench.servers.iter().filter(|s| s.has_room(bench.load)).collect();
            let choice = bench.pick(hash);
            if let Choice::Any(at) | Choice::Only(at) = choice {
                let others = free.iter().any(|server| Some(server.uid()) != bench.avoid);
                let avoided = Some(bench.servers[at].uid()) == bench.avoid;
                prop_assert!(!(avoided && others), "{policy:?} took the one to avoid");
            }
            match choice {
                Choice::Any(at) => prop_assert!(bench.servers[at].has_room(bench.load)),
                Choice::Only(_) => prop_assert!(hash.is_some() || weights.len() == 1),
                Choice::Saturated => {
                    let draws = matches!(policy, Algorithm::Random(_));
                    prop_assert!(free.is_empty() || draws, "{policy:?} saw no room");
                }
            }
        }
    }

    /// Round robin gives each server exactly its weight in every period, in any
    /// stretch of one period after the first.
    #[test]
    fn rotations_keep_their_period(weights in prop::collection::vec(1u16..=24, 1..10)) {
        let gcd = weights.iter().fold(0, |a, b| gcd(a, *b));
        let period: usize = weights.iter().map(|w| usize::from(w / gcd)).sum();
        for policy in [Algorithm::from(RoundRobin::new()), StaticRoundRobin::new().into()] {
            let bench = Bench::new(policy, servers(&weights));
            let turns: Vec<_> = (0..3 * period).map(|_| bench.serve(None).unwrap()).collect();
            prop_assert_eq!(&turns[period..2 * period], &turns[2 * period..]);
            for (server, weight) in weights.iter().enumerate() {
                let count = turns[period..2 * period].iter().filter(|turn| **turn == server).count();
                prop_assert_eq!(count, usize::from(weight / gcd));
            }
        }
    }

    /// No server of a smooth rotation waits longer than about twice its share.
    #[test]
    fn round_robin_spreads_turns(weights in prop::collection::vec(1u16..=24, 2..10)) {
        let bench = Bench::new(RoundRobin::new(), servers(&weights));
        let gcd = weights.iter().fold(0, |a, b| gcd(a, *b));
        let period: usize = weights.iter().map(|w| usize::from(w / gcd)).sum();
        let turns: Vec<_> = (0..3 * period).map(|_| bench.serve(None).unwrap()).collect();
        for (server, weight) in weights.iter().enumerate() {
            let seen: Vec<_> = (0..turns.len()).filter(|turn| turns[*turn] == server).collect();
            let longest = seen.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
            prop_assert!(longest <= 2 * period.div_ceil(usize::from(weight / gcd)) + weights.len());
        }
    }

    /// Consistent hashing moves the keys of the server that goes, and no others;
    /// when it comes back, everything is as before.
    #[test]
    fn a_ring_moves_only_the_keys_of_the_server_that_goes(
        weights in prop::collection::vec(1u16..=8, 2..12),
        gone in any::<prop::sample::Index>(),
    ) {
        let mut bench = Bench::new(Hash::consistent(), servers(&weights));
        let all = bench.servers.clone();
        let before = owners(&bench, 500);
        let gone = all[gone.index(all.len())].clone();
        bench.change(without(&all, &gone));
        for (now, before) in owners(&bench, 500).iter().zip(&before) {
            prop_assert!(now == before || before == gone.name());
            prop_assert!(now != gone.name());
        }
        bench.change(all);
        prop_assert_eq!(owners(&bench, 500), before);
    }
}

fn gcd(a: u16, b: u16) -> u16 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn without(servers: &[Arc<Server<()>>], gone: &Arc<Server<()>>) -> Vec<Arc<Server<()>>> {
    let stay = servers.iter().filter(|server| server.uid() != gone.uid());
    stay.cloned().collect()
}

#[test]
fn maglev_moves_few_keys_of_servers_that_stay() {
    let mut bench = Bench::new(Maglev::new(), servers(&[1; 50]));
    let before = owners(&bench, 20_000);
    let gone = bench.servers[17].clone();
    bench.change(without(&bench.servers, &gone));
    let after = owners(&bench, 20_000);
    let moved = before
        .iter()
        .zip(&after)
        .filter(|(b, a)| b != a && *b != gone.name());
    let moved = moved.count();
    assert!(
        moved < 20_000 / 50,
        "{moved} keys of servers that stay moved"
    );
    assert!(!after.iter().any(|owner| owner == gone.name()));
}

#[test]
fn maglev_knows_servers_by_name_wherever_they_stand() {
    let forwards = Bench::new(Maglev::new(), servers(&[1; 7]));
    let mut reversed = forwards.servers.clone();
    reversed.reverse();
    let backwards = Bench::new(Maglev::new(), reversed);
    let (a, b) = (owners(&forwards, 2000), owners(&backwards, 2000));
    let same = a.iter().zip(&b).filter(|(a, b)| a == b).count();
    // Only slots that two servers wanted in the same round may differ.
    assert!(same > 1800, "{same} of 2000");
}

#[test]
fn load_follows_weights() {
    let weights = [1u16, 2, 5, 8];
    let total: f64 = weights.iter().map(|w| f64::from(*w)).sum();
    for policy in all() {
        let even = match policy {
            // By number, by idleness, or by load alone while nothing is in flight.
            Algorithm::First(_) | Algorithm::LeastConn(_) => continue,
            Algorithm::P2c(_) | Algorithm::PeakEwma(_) | Algorithm::Random(_) => continue,
            // Sixteen nodes for a weight of 1 are few.
            Algorithm::Hash(_) => 0.12,
            _ => 0.02,
        };
        let shares = shares(&Bench::new(policy, servers(&weights)), 48_000);
        for (share, weight) in shares.iter().zip(weights) {
            let fair = f64::from(weight) / total;
            assert!(
                (share - fair).abs() < even,
                "{policy:?}: {share} for {fair}"
            );
        }
    }
}

/// Requests that stay: policies that look at the load fill servers evenly for
/// their weights.
#[test]
fn standing_load_follows_weights() {
    let weights = [1u16, 2, 5, 8];
    let policies: [Algorithm; 4] = [
        LeastConn::new().into(),
        P2c::new().into(),
        PeakEwma::new().into(),
        Random::new().draws(4).into(),
    ];
    for policy in policies {
        let bench = Bench::new(policy, servers(&weights));
        for server in &bench.servers {
            server
                .latency()
                .record(Duration::from_millis(5), Duration::ZERO, PeakEwma::DECAY);
        }
        for _ in 0..1600 {
            bench.take(bench.position(None).unwrap());
        }
        for (server, weight) in bench.servers.iter().zip(weights) {
            let fair = f64::from(weight) * 100.0;
            let off = (f64::from(server.in_flight()) - fair).abs() / fair;
            assert!(off < 0.25, "{policy:?}: {} for {fair}", server.in_flight());
        }
    }
}

#[test]
fn round_robin_goes_on_where_it_was_when_a_server_goes() {
    let mut bench = Bench::new(RoundRobin::new(), servers(&[1; 4]));
    let name = |bench: &Bench<RoundRobin>| {
        let position = bench.serve(None).unwrap();
        bench.servers[position].name().to_owned()
    };
    assert_eq!([name(&bench), name(&bench)], ["s1", "s2"]);
    let first = bench.servers[0].clone();
    bench.change(without(&bench.servers, &first));
    assert_eq!(
        [name(&bench), name(&bench), name(&bench)],
        ["s3", "s4", "s2"]
    );
    let third = bench.servers[1].clone();
    bench.change(without(&bench.servers, &third));
    assert_eq!([name(&bench), name(&bench)], ["s4", "s2"]);
}

#[test]
fn rotation_survives_a_rebuild_of_the_same_set() {
    for weights in [vec![3u16, 2, 1], vec![5, 6, 3, 5], vec![1; 9]] {
        let plain = Bench::new(RoundRobin::new(), servers(&weights));
        let mut rebuilt = Bench::new(RoundRobin::new(), servers(&weights));
        for turn in 0..100 {
            assert_eq!(
                rebuilt.serve(None),
                plain.serve(None),
                "{weights:?}, turn {turn}"
            );
            rebuilt.change(rebuilt.servers.clone());
        }
    }
}

#[test]
fn full_servers_are_passed_over_and_the_others_share() {
    let bench = Bench::new(RoundRobin::new(), limited(&[1, 0, 0]));
    bench.take(0);
    let turns: Vec<_> = (0..4).map(|_| bench.serve(None).unwrap()).collect();
    assert_eq!(turns, [1, 2, 1, 2]);
    bench.give_back(0);
    let turns: HashSet<_> = (0..3).map(|_| bench.serve(None).unwrap()).collect();
    assert_eq!(turns.len(), 3);
}

#[test]
fn one_free_server_among_many_full_ones_is_found() {
    for policy in all() {
        let bench = Bench::new(policy, limited(&[1; 300]));
        for position in (0..300).filter(|position| *position != 277) {
            bench.take(position);
        }
        match policy {
            Algorithm::Random(_) => {}
            _ => assert_eq!(bench.pick(None), Choice::Any(277), "{policy:?}"),
        }
        bench.take(277);
        assert_eq!(bench.pick(None), Choice::Saturated, "{policy:?}");
        bench.give_back(5);
        match policy {
            Algorithm::Random(_) => {}
            _ => assert_eq!(bench.pick(None), Choice::Any(5), "{policy:?}"),
        }
    }
}

#[test]
fn first_fills_by_number_not_by_position() {
    let numbered = |number: u32| Arc::new(Server::new("", ()).id(number).max_conn(2));
    let bench = Bench::new(First::new(), vec![numbered(9), numbered(2), numbered(5)]);
    let filled: Vec<_> = (0..6)
        .map(|_| {
            let position = bench.position(None).unwrap();
            bench.take(position);
            position
        })
        .collect();
    assert_eq!(filled, [1, 1, 2, 2, 0, 0]);
    assert_eq!(bench.pick(None), Choice::Saturated);
}

#[test]
fn least_conn_prefers_the_least_loaded_for_its_weight() {
    let bench = Bench::new(LeastConn::new(), servers(&[1, 4]));
    bench.take(0);
    bench.take(1);
    // 2/1 against 2/4, 3/4, 4/4, 5/4, 6/4, 7/4: the heavy one until it has 7.
    for _ in 1..7 {
        assert_eq!(bench.pick(None), Choice::Any(1));
        bench.take(1);
    }
    // 2/1 against 8/4: equal, and the light one has not changed for longer.
    assert_eq!(bench.pick(None), Choice::Any(0));
}

#[test]
fn least_conn_goes_on_among_idle_servers_when_one_goes_or_comes() {
    let mut bench = Bench::new(LeastConn::new(), servers(&[1; 4]));
    let all = bench.servers.clone();
    let name = |bench: &Bench<LeastConn>| {
        let position = bench.serve(None).unwrap();
        bench.servers[position].name().to_owned()
    };
    assert_eq!([name(&bench), name(&bench)], ["s1", "s2"]);
    bench.change(without(&all, &all[3]));
    assert_eq!([name(&bench), name(&bench)], ["s3", "s1"]);
    bench.change(all);
    assert_eq!([name(&bench), name(&bench)], ["s2", "s3"]);
    assert_eq!([name(&bench), name(&bench)], ["s1", "s4"]);
}

#[test]
fn least_conn_heeds_dynamic_limits() {
    let server = |name: &str| {
        let server = Server::new(name, ()).max_conn(100).min_conn(1);
        Arc::new(server)
    };
    let heavy = Arc::new(Server::new("a", ()).weight(10).max_conn(100).min_conn(1));
    let mut bench = Bench::new(LeastConn::new(), vec![heavy, server("b")]);
    bench.load = PoolLoad {
        in_flight: 1,
        full_conn: 1000,
    };
    bench.take(0);
    assert_eq!(
        bench.pick(None),
        Choice::Any(1),
        "a has reached its minimum"
    );
    bench.take(1);
    assert_eq!(bench.pick(None), Choice::Saturated);
    bench.load.in_flight = 1000;
    assert_eq!(bench.pick(None), Choice::Any(0), "2/10 against 2/1");
}

#[test]
fn bounded_load_takes_no_more_than_its_part() {
    let mut bench = Bench::new(Hash::consistent().balance_factor(125), servers(&[1; 10]));
    let hash = bench.policy.digest(Key::Bytes(b"popular"));
    for in_flight in 0..1000u32 {
        bench.load.in_flight = in_flight;
        bench.take(bench.position(hash).unwrap());
        let most = ((in_flight + 1) * 125).div_ceil(100).div_ceil(10).max(1);
        assert!(
            bench
                .servers
                .iter()
                .all(|server| server.in_flight() <= most)
        );
    }
    let used = bench
        .servers
        .iter()
        .filter(|server| server.in_flight() > 0)
        .count();
    assert!(used >= 8, "one key spreads over {used} servers");
}

#[test]
fn requests_without_a_key_go_round() {
    for policy in [
        Algorithm::from(Hash::map_based()),
        Hash::consistent().into(),
        Maglev::new().into(),
    ] {
        let bench = Bench::new(policy, servers(&[1; 8]));
        let counts = (0..8_000).fold(HashMap::new(), |mut counts, _| {
            *counts.entry(bench.serve(None).unwrap()).or_insert(0) += 1;
            counts
        });
        assert_eq!(counts.len(), 8, "{policy:?}");
        assert!(
            counts.values().all(|count| (500..2000).contains(count)),
            "{policy:?}: {counts:?}"
        );
    }
}

#[test]
fn a_stalling_server_is_left_alone_and_gets_another_chance() {
    let bench = Bench::new(PeakEwma::new(), servers(&[1, 1]));
    let answer = |position: usize, millis, at| {
        bench.servers[position].latency().record(
            Duration::from_millis(millis),
            Duration::from_secs(at),
            PeakEwma::DECAY,
        );
    };
    let picks = |position| {
        (0..200)
            .filter(|_| bench.position(None) == Some(position))
            .count()
    };
    answer(0, 10, 1);
    assert_eq!(picks(1), 200, "the other one has not answered yet");
    bench.take(1);
    assert_eq!(picks(0), 200, "one request is enough to find out");
    bench.give_back(1);
    answer(1, 1000, 1);
    assert_eq!(picks(0), 200, "100 times slower");
    answer(0, 10, 61);
    assert_eq!(
        picks(1),
        200,
        "a minute without a response has forgotten the peak"
    );
}

#[test]
fn a_thousand_servers_of_odd_weights() {
    let weights: Vec<u16> = (0..1000).map(|server| server % 16 + 1).collect();
    for policy in all() {
        let bench = Bench::new(policy, servers(&weights));
        let chosen: HashSet<_> = keys(3000)
            .map(|key| {
                bench
                    .serve(policy.digest(Key::Bytes(key.as_bytes())))
                    .unwrap()
            })
            .collect();
        let few = matches!(policy, Algorithm::First(_));
        assert!(
            chosen.len() > if few { 0 } else { 400 },
            "{policy:?}: {}",
            chosen.len()
        );
    }
}
