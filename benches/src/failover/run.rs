//! One run: a network is built, node a becomes master, the fault befalls it, and the client's view is read.
#![allow(
    clippy::disallowed_methods,
    reason = "real kernels and daemons run on the real clock"
)]

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rand::RngExt as _;

use super::{options::Implementation, scenario::Scenario};
use crate::rig::{Fault, Node, Outage, Program, Rig, RigError, Setup};

/// How long a node may take to become master at first; version 2 needs 3.4 s.
const START: Duration = Duration::from_secs(15);

/// Of node a and of node b.
pub(super) const PRIORITIES: [u8; 2] = [150, 100];

/// Lines of each daemon's log that are shown when a run fails.
const LAST_WORDS: usize = 10;

/// What one run has shown.
#[derive(Debug)]
pub(super) struct Run {
    pub outage: Outage,
    /// How long more than one node had the address, after the fault.
    pub overlap: Duration,
    /// Questions without an answer.
    pub lost: usize,
    /// Who has the address at the end.
    pub holders: Vec<Node>,
}

/// Runs `scenario` once.
pub(super) fn run(scenario: &Scenario, who: Implementation, lb: &Path) -> Result<Run, RigError> {
    let mut nodes = vec![
        (
            Node::A,
            setup(scenario, program(who, true, lb), PRIORITIES[0]),
        ),
        (
            Node::B,
            setup(scenario, program(who, false, lb), PRIORITIES[1]),
        ),
    ];
    if scenario.three {
        nodes.push((Node::C, setup(scenario, program(who, false, lb), 99)));
    }
    let mut rig = Rig::new(scenario.profile, &nodes)?;
    measure(scenario, &mut rig).inspect_err(|_| {
        for node in rig.nodes() {
            let log = rig.log(node);
            let from = log.lines().count().saturating_sub(LAST_WORDS);
            for line in log.lines().skip(from) {
                eprintln!("    {node}: {line}");
            }
        }
    })
}

fn measure(scenario: &Scenario, rig: &mut Rig) -> Result<Run, RigError> {
    let target = scenario.profile.target();
    // One after another: two that promote within the same few milliseconds may leave clients with the loser's
    // hardware address for seconds, which is another experiment.
    let preempt = scenario.fault == Fault::Preempt;
    let mut order: Vec<Node> = rig.nodes().filter(|n| !preempt || *n != Node::A).collect();
    let master = order.remove(0);
    rig.start(master)?;
    rig.until_held_by(&[master], START)?;
    order.into_iter().try_for_each(|node| rig.start(node))?;

    let probe = rig.probe(scenario.mode)?;
    probe.until_answered_by(master, START)?;
    // The fault comes at any moment between two advertisements, after all have settled.
    let phase = rand::rng().random_range(0.0..1.0);
    thread::sleep(Duration::from_secs_f64(2.0 + phase));
    let since = Instant::now();
    rig.apply(scenario.fault, Node::A)?;
    thread::sleep(watched(scenario));

    let record = probe.stop().since(since);
    let nothing = || RigError::Late {
        until: "anybody answers".to_owned(),
        patience: watched(scenario),
        instead: format!("{:?} has the address", rig.holders().of(target)),
    };
    Ok(Run {
        outage: record.outage().ok_or_else(nothing)?,
        overlap: rig.holders().overlap(target, since),
        lost: record.lost(),
        holders: rig.holders().of(target),
    })
}

/// Long enough for the slowest takeover and for what may follow it: of two backups that promote together, the one that
/// steps back may have told clients last, and Keepalived says it again after 5 s.
fn watched(scenario: &Scenario) -> Duration {
    let slow = scenario.profile.interval >= Duration::from_secs(1);
    if slow || scenario.three || matches!(scenario.fault, Fault::Preempt | Fault::Service) {
        Duration::from_millis(6500)
    } else {
        Duration::from_millis(2500)
    }
}

fn setup(scenario: &Scenario, program: Program, priority: u8) -> Setup {
    let setup = Setup::new(program, priority);
    if scenario.fault == Fault::Service {
        setup.track_service()
    } else {
        setup
    }
}

/// What node a runs, which fails, and what the others run.
pub(super) fn program(who: Implementation, fails: bool, lb: &Path) -> Program {
    let lb = |link| Program::Lb {
        path: lb.to_owned(),
        link,
    };
    match (who, fails) {
        (Implementation::Lb, _) => lb(false),
        (Implementation::LbLink, _) => lb(true),
        (Implementation::LbKeepalived | Implementation::Mixed, true)
        | (Implementation::KeepalivedLb, false) => lb(false),
        _ => Program::Keepalived,
    }
}
