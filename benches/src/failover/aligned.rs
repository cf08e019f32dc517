//! Two nodes that become master at the same moment: whose announcement comes last at clients, and for how long.
//!
//! Nobody has the address. The node with the lower priority, whose timer runs longer, starts first by just that
//! difference, so both promote within some milliseconds of each other. The loser gives way at once; a client that it told
//! last stays with its hardware address until the winner speaks again. The network is built once for all trials.
#![allow(
    clippy::disallowed_methods,
    reason = "real kernels and daemons run on the real clock"
)]

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::{
    options::Implementation,
    run::{PRIORITIES, program},
};
use crate::{
    rig::{Fault, Mode, Node, Profile, Record, Rig, RigError, Setup},
    stats::{maximum, median, minimum},
};

/// What both ends agree on.
const PROFILE: Profile = Profile::V3;
/// How long anything may take before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(15);
/// Questions in a row without loss that end a trial.
const CALM: usize = 40;
/// And how often so many are asked before it ends without them.
const ROUNDS: usize = 20;
/// An outage that is longer is worth a number of its own.
const LONG: Duration = Duration::from_millis(200);

/// One trial.
struct Trial {
    /// The longest hole after the first answer.
    outage: Duration,
    /// How long both had the address.
    overlap: Duration,
    /// Whether clients were served at the end.
    over: bool,
}

/// Runs `trials` by `who`: progress on standard error, the result as a line.
pub(super) fn run(trials: u32, who: Implementation, lb: &Path) -> Result<String, RigError> {
    let setup = |node: Node, first: bool| {
        let priority = PRIORITIES[usize::from(!first)];
        (node, Setup::new(program(who, first, lb), priority))
    };
    let nodes = [setup(Node::A, true), setup(Node::B, false)];
    let mut rig = Rig::new(PROFILE, &nodes)?;
    let mut done = Vec::new();
    for number in 1..=trials {
        let trial = trial(&mut rig)?;
        eprintln!(
            "aligned {who} {number}/{trials} {:4} ms, two for {} ms{}",
            trial.outage.as_millis(),
            trial.overlap.as_millis(),
            if trial.over { "" } else { ", not over" },
        );
        done.push(trial);
    }
    Ok(summary(who, &done))
}

fn trial(rig: &mut Rig) -> Result<Trial, RigError> {
    let probe = rig.probe(Mode::Udp)?;
    let since = Instant::now();
    rig.start(Node::B)?;
    thread::sleep(difference());
    rig.start(Node::A)?;
    probe.until_answered_by(Node::A, PATIENCE)?;
    let mut calm = false;
    for _ in 0..ROUNDS {
        calm = is_calm(&probe.more(CALM)?);
        if calm {
            break;
        }
    }
    let outage = probe.stop().outage();
    let overlap = rig.holders().overlap(PROFILE.target(), since);
    clear(rig)?;
    Ok(Trial {
        outage: outage.map_or(Duration::ZERO, |outage| outage.length),
        overlap,
        over: calm,
    })
}

/// The difference of both skew times (RFC 9568 section 6.1).
fn difference() -> Duration {
    let [high, low] = PRIORITIES.map(u32::from);
    PROFILE.interval * (high - low) / 256
}

/// The winner answers; the last questions may be on their way.
fn is_calm(record: &Record) -> bool {
    record.answered_by(Node::A) + 3 >= record.asked()
}

/// Back to where nobody has the address and nobody runs.
fn clear(rig: &mut Rig) -> Result<(), RigError> {
    for node in [Node::A, Node::B] {
        rig.apply(Fault::Kill9Daemon, node)?;
    }
    for node in rig.holders().of(PROFILE.target()) {
        let address = format!("{}/24", PROFILE.target());
        let remove = ["address", "del", &address, "dev", "eth0"];
        rig.on(node, || Command::new("ip").args(remove).output())?;
    }
    rig.until_held_by(&[], PATIENCE)
}

fn summary(who: Implementation, trials: &[Trial]) -> String {
    let outages = || {
        trials
            .iter()
            .map(|trial| trial.outage.as_secs_f64() * 1000.0)
    };
    let figure = |value: Option<f64>| value.map_or("-".to_owned(), |ms| format!("{ms:.0}"));
    let count = |of: fn(&Trial) -> bool| trials.iter().filter(|trial| of(trial)).count();
    format!(
        "aligned by {who}: n {}, min {}, median {}, max {} ms; over {} ms: {}; two masters: {}; not over: {}",
        trials.len(),
        figure(minimum(outages())),
        figure(median(outages())),
        figure(maximum(outages())),
        LONG.as_millis(),
        count(|trial| trial.outage > LONG),
        count(|trial| !trial.overlap.is_zero()),
        count(|trial| !trial.over),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_priority_starts_earlier_by_its_longer_skew_time() {
        assert_eq!(difference().as_micros(), 19_531);
    }

    #[test]
    fn long_outages_and_those_without_end_are_counted() {
        let trial = |ms, over| Trial {
            outage: Duration::from_millis(ms),
            overlap: Duration::from_millis(ms / 100),
            over,
        };
        let trials = [trial(0, true), trial(20, true), trial(4990, false)];
        let text = summary(Implementation::Lb, &trials);
        let figures =
            "n 3, min 0, median 20, max 4990 ms; over 200 ms: 1; two masters: 1; not over: 1";
        assert!(text.ends_with(figures), "{text}");
    }
}
