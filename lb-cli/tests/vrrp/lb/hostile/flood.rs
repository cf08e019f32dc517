//! Floods of forged advertisements.
#![allow(
    clippy::disallowed_methods,
    reason = "a flood on the real network lasts a real time"
)]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use lb_benches::rig::{Fault, Mode, Node, Profile, Rig, VIRTUAL_ROUTER_ID, VIRTUAL_V4};

use super::forgery::{Forger, summed, v2, v3};
use super::{count, lb, quick, show, shown, until};
use crate::stage::{PATIENCE, answered_by, rig, run, turn};

const PASSWORD: [u8; 8] = *b"s3cret88";
/// One that is wrong in one way.
struct Forged {
    /// As it is counted and told.
    why: &'static str,
    ttl: u32,
    message: Vec<u8>,
}

/// What is no fault of anybody: other virtual routers share the network.
const OTHER: &str = "it is for another virtual router";

/// Each claims the highest priority.
fn forgeries() -> Vec<Forged> {
    let of = |kind, password| v2(VIRTUAL_ROUTER_ID, 255, kind, password, VIRTUAL_V4);
    let right = || of(1, PASSWORD);
    let with = |at: usize, octet: u8| {
        let mut message = right();
        message[at] = octet;
        summed(message)
    };
    let broken = || {
        let mut message = right();
        message[6] ^= 0xff;
        message
    };
    let near = |why, message| Forged {
        why,
        ttl: 255,
        message,
    };
    let afar = Forged {
        ttl: 254,
        ..near("its TTL or hop limit", right())
    };
    vec![
        afar,
        near(OTHER, with(1, 87)),
        near("its password or signature is wrong", of(1, *b"s3cret87")),
        near("it is not authenticated in the way", of(0, [0; 8])),
        near("its type of authentication is not known", of(2, [0; 8])),
        near("its checksum is wrong", broken()),
        near(
            "it is of another version",
            v3(VIRTUAL_ROUTER_ID, 255, 100, VIRTUAL_V4),
        ),
        near("it is no advertisement", with(0, 0x22)),
        near("its length is not", with(3, 2)),
        near("it lists no address", with(3, 0)),
        near("its advertisement interval is 0", with(5, 0)),
    ]
}

/// What `vrrp show` counts for a reason.
fn refused(shown: &str, why: &str) -> u64 {
    if why == OTHER {
        let words = shown.split("of other virtual routers ").nth(1);
        let number = words.and_then(|text| text.lines().next());
        return number.map_or(0, |number| number.parse().expect("a number"));
    }
    let line = shown.lines().find(|line| line.contains(why));
    let number = line.and_then(|line| line.trim().strip_prefix("refused ")?.split(':').next());
    number.map_or(0, |number| number.parse().expect("a number"))
}

/// The time the process's VRRP thread has used, and the memory of the process.
fn cost(rig: &mut Rig, node: Node) -> (Duration, u64) {
    let process = format!("/proc/{}", rig.daemon(node).expect("it runs").id());
    let read = |path: &Path| fs::read_to_string(path).expect("it runs");
    let tasks = fs::read_dir(format!("{process}/task")).expect("it runs");
    let mut tasks = tasks.map(|entry| entry.expect("an entry").path());
    let thread = tasks.find(|task| read(&task.join("comm")).trim() == "vrrp");
    let stat = read(&thread.expect("a thread of its own").join("stat"));
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // utime and stime, in hundredths of a second.
    let ticks = |field: usize| fields[field].parse::<u64>().expect("a number");
    let used = Duration::from_millis(10 * (ticks(11) + ticks(12)));
    let status = read(Path::new(&format!("{process}/status")));
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    (used, kib.expect("in KiB"))
}

/// Nothing has moved since both were started.
fn unmoved(rig: &Rig) {
    for (node, state, times) in [
        (Node::A, "BACKUP", 1),
        (Node::A, "MASTER", 1),
        (Node::B, "BACKUP", 1),
        (Node::B, "MASTER", 0),
    ] {
        let text = format!("VI: {state}: ");
        assert_eq!(count(rig, node, &text), times, "{node}: {text}");
    }
}

#[test]
fn forged_advertisements_move_nothing() {
    const NODES: [Node; 2] = [Node::A, Node::B];
    const EACH: u64 = 20;
    const LONG: Duration = Duration::from_secs(2);
    let _turn = turn();
    let mut rig = quick(Profile::V2, &lb(), |setup| setup);
    let probe = run(&mut rig, Mode::Udp);
    let (near, afar) = (Forger::new(&rig, 255), Forger::new(&rig, 254));
    let forgeries = forgeries();
    let send = |forged: &Forged| match forged.ttl {
        255 => near.send(&forged.message),
        _ => afar.send(&forged.message),
    };
    for _ in 0..EACH {
        forgeries.iter().for_each(send);
        // So few at a time that none is lost.
        show(&rig, Node::A, "VI");
    }
    for node in NODES {
        for Forged { why, .. } in &forgeries {
            shown(&rig, node, "VI", |text| refused(text, why) == EACH);
        }
    }
    unmoved(&rig);

    let before = NODES.map(|node| cost(&mut rig, node));
    let (begin, mut sent) = (Instant::now(), 0);
    while begin.elapsed() < LONG {
        forgeries.iter().for_each(send);
        sent += forgeries.len();
    }
    let elapsed = begin.elapsed();
    let after = NODES.map(|node| cost(&mut rig, node));
    for ((node, before), after) in NODES.into_iter().zip(before).zip(after) {
        let share = (after.0 - before.0).as_secs_f64() / elapsed.as_secs_f64();
        let grown = after.1.saturating_sub(before.1);
        println!("{node}: {sent} packets in {elapsed:.1?}: {share:.2} of a core, {grown} KiB more");
        // A twentieth in a release build.
        assert!(share < 0.75, "{share} of a core");
        assert!(grown < 4096, "{grown} KiB more");
    }
    answered_by(&probe, Node::A);
    unmoved(&rig);
    for node in NODES {
        for Forged { why, .. } in &forgeries {
            // Of other virtual routers nobody wants to hear.
            let expected = usize::from(*why != OTHER);
            assert_eq!(count(&rig, node, why), expected, "{node}: {why}");
        }
    }
}

/// More than is read, so that most of the master's advertisements are lost among it.
#[test]
fn garbage_neither_deposes_the_living_nor_keeps_the_dead() {
    const LONG: Duration = Duration::from_secs(2);
    let _turn = turn();
    let mut rig = rig(Profile::V3, [lb(), lb()]);
    let probe = run(&mut rig, Mode::Udp);
    let forger = Forger::new(&rig, 255);
    let mut garbage = v3(VIRTUAL_ROUTER_ID, 255, 10, VIRTUAL_V4);
    garbage[6] ^= 0xff;
    let begin = Instant::now();
    let (long, over) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) && begin.elapsed() < LONG + PATIENCE {
                (0..100).for_each(|_| forger.send(&garbage));
                long.store(begin.elapsed() > LONG, Relaxed);
            }
        });
        until("it has lasted", || long.load(Relaxed));
        unmoved(&rig);
        rig.apply(Fault::Kill9, Node::A).expect("a is killed");
        answered_by(&probe, Node::B);
        over.store(true, Relaxed);
    });
}

/// Each is answered, so that whoever is misled learns better, but not each by itself.
#[test]
fn lower_priorities_are_answered_at_a_bounded_rate() {
    let _turn = turn();
    let mut rig = quick(Profile::V3_SECOND, &lb(), |setup| setup);
    let probe = run(&mut rig, Mode::Udp);
    let capture = rig.capture().expect("dumpcap records");
    let forger = Forger::new(&rig, 255);
    let (begin, mut sent) = (Instant::now(), 0);
    while begin.elapsed() < Duration::from_secs(2) {
        for priority in [1, 50, 99, 149] {
            forger.send(&v3(VIRTUAL_ROUTER_ID, priority, 100, VIRTUAL_V4));
            sent += 1;
        }
        // It answers while it is flooded, which makes some hundreds a second of it.
        assert!(show(&rig, Node::A, "VI").starts_with("VI MASTER"));
    }
    let elapsed = begin.elapsed().as_secs_f64();
    let packets = capture.stop().expect("the recording ends");
    let heard = packets
        .count("vrrp and ip.src == 10.77.0.254")
        .expect("tshark");
    let answers = packets
        .count("vrrp and ip.src == 10.77.0.1")
        .expect("tshark");
    let announced = packets
        .count("arp.src.proto_ipv4 == 10.77.0.100 and arp.dst.proto_ipv4 == 10.77.0.100")
        .expect("tshark");
    println!(
        "{sent} sent, {heard} recorded in {elapsed:.1} s, {answers} answers, {announced} announcements"
    );
    assert!(heard > 200, "{heard} make no flood");
    // At most one in 50 ms; and announcements begin at most every 100 ms, three each time.
    let (answers, announced) = (answers as f64, announced as f64);
    assert!(
        answers > 5.0 && answers <= 20.0 * (elapsed + 1.0),
        "{answers}"
    );
    assert!(
        announced > 5.0 && announced <= 40.0 * (elapsed + 1.0),
        "{announced}"
    );
    assert_eq!(count(&rig, Node::A, "VI: BACKUP: "), 1);
    assert_eq!(count(&rig, Node::B, "VI: MASTER: "), 0);
    assert!(
        count(&rig, Node::A, "two masters: ") <= 4,
        "once for each priority"
    );
    answered_by(&probe, Node::A);
}
