//! `failover`: how long the virtual address is away, fault by fault, for lb and for Keepalived on the same rig.
//!
//! The figures are Keepalived's own kind: the longest time in which a client that asks every 10 ms has no answer.
//! Each run has a network of its own, and the fault comes at a random moment between two advertisements.

mod aligned;
mod options;
mod run;
mod scenario;
mod table;

use std::path::PathBuf;

pub use options::{Implementation, Options};
pub use scenario::{Scenario, ScenarioError};

use crate::{compare::chain, rig::RigError};
use table::Row;

/// Why there is no table at all; what befalls a single run is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FailoverError {
    /// There is nothing to measure.
    #[error("there is no lb binary at {}; build it with `cargo build --release -p lb-cli`, or name it with --lb", .0.display())]
    NoLb(PathBuf),
    /// A program is missing, or trials on one network cannot go on.
    #[error(transparent)]
    Rig(RigError),
}

/// Measures what `options` ask for: progress on standard error, the table on standard output. True if every run is sound.
///
/// # Errors
/// If a program is missing.
pub fn run(options: &Options) -> Result<bool, FailoverError> {
    let (lb, implementations) = (options.lb(), options.implementations());
    if implementations.iter().any(|one| one.has_lb()) && !lb.is_file() {
        return Err(FailoverError::NoLb(lb));
    }
    if let Some(trials) = options.aligned {
        for who in implementations {
            println!(
                "{}",
                aligned::run(trials, who, &lb).map_err(FailoverError::Rig)?
            );
        }
        return Ok(true);
    }
    let mut rows = Vec::new();
    for scenario in &options.scenario {
        for &who in &implementations {
            rows.push(measure(scenario, who, &lb, options.runs)?);
        }
    }
    println!("{}", table::render(&rows, options.markdown));
    Ok(rows.iter().all(Row::is_sound))
}

fn measure(
    scenario: &Scenario,
    who: Implementation,
    lb: &std::path::Path,
    runs: u32,
) -> Result<Row, FailoverError> {
    let mut row = Row {
        scenario: *scenario,
        who,
        runs: Vec::new(),
        failed: 0,
    };
    for number in 1..=runs {
        let name = scenario.to_string();
        let place = format!("{name:<20} {who:<16} {number}/{runs}");
        match run::run(scenario, who, lb) {
            Ok(run) => {
                eprintln!(
                    "{place} {:5} ms, {} to {}, {} lost, two for {} ms, then {:?}",
                    run.outage.length.as_millis(),
                    run.outage.from,
                    run.outage.to.as_deref().unwrap_or("nobody"),
                    run.lost,
                    run.overlap.as_millis(),
                    run.holders,
                );
                row.runs.push(run);
            }
            Err(error @ RigError::Missing { .. }) => return Err(FailoverError::Rig(error)),
            Err(error) => {
                eprintln!("{place} failed: {}", chain(&error));
                row.failed += 1;
            }
        }
    }
    Ok(row)
}
