//! Another host that claims the master's address.
#![allow(
    clippy::disallowed_methods,
    reason = "a quarrel on the real network lasts a real time"
)]

use std::fs;
use std::time::{Duration, Instant};

use lb_benches::rig::{Host, Mode, Node, Profile};

use super::{count, lb, logged, quick};
use crate::stage::{run, turn};

/// How long it claims.
const LONG: Duration = Duration::from_secs(2);

#[test]
fn claims_are_answered_at_once_and_then_ever_more_rarely() {
    let _turn = turn();
    let mut rig = quick(Profile::V3, &lb(), |setup| {
        setup.extra("garp = { schedule = [\"0s\"] }")
    });
    let probe = run(&mut rig, Mode::Udp);
    drop(probe);
    let capture = rig.capture().expect("dumpcap records");
    let notify = || fs::write("/proc/sys/net/ipv4/conf/eth0/arp_notify", "1");
    rig.within(Host::Client, notify).expect("a setting");
    rig.ip(Host::Client, "address add 10.77.0.100/24 dev eth0")
        .expect("ip");
    let begin = Instant::now();
    while begin.elapsed() < LONG {
        // A host whose hardware address changes announces all that it has.
        let lines = "link set eth0 address 02:00:00:00:00:01\n\
                     link set eth0 address 02:00:00:00:00:02";
        rig.ip(Host::Client, lines).expect("ip");
    }
    for claimant in ["02:00:00:00:00:01", "02:00:00:00:00:02"] {
        let text = format!("VI: {claimant} claims 10.77.0.100 while this node is master");
        logged(&mut rig, Node::A, &text, 1);
    }
    let packets = capture.stop().expect("the recording ends");

    let filter = "arp.src.proto_ipv4 == 10.77.0.100 and arp.dst.proto_ipv4 == 10.77.0.100";
    let lines = packets
        .fields(filter, &["frame.time_relative", "eth.src"])
        .expect("tshark");
    let (mut claims, mut answers) = (Vec::new(), Vec::new());
    for line in &lines {
        let (time, mac) = line.split_once('\t').expect("two fields");
        let time: f64 = time.parse().expect("seconds");
        if mac.starts_with("02:00:00:00:00:0") {
            claims.push(time);
        } else {
            answers.push(time);
        }
    }
    println!("{} claims, answers at {answers:.3?}", claims.len());
    // 20 ms, then twice as long each time: 8 in 2 s, and as many again for a machine that dawdles.
    assert!(claims.len() > 50, "{} claims", claims.len());
    assert!((2..=16).contains(&answers.len()), "{answers:?}");
    let first = answers[0] - claims[0];
    assert!(
        first < LONG.as_secs_f64() / 4.0,
        "at once, and not {first} s later"
    );
    let pauses: Vec<f64> = answers.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(
        pauses.last() > pauses.first(),
        "ever more rarely: {pauses:?}"
    );
    // Nobody was moved by it.
    assert_eq!(count(&rig, Node::A, "VI: BACKUP: "), 1);
    assert_eq!(
        count(&rig, Node::A, "claims 10.77.0.100"),
        2,
        "once for each claimant"
    );
}
