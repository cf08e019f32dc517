//! `compare`: what a request costs lb, HAProxy and nginx, measured side by side.
//!
//! Absolute figures of a proxy say more about the machine than about the proxy, and on a shared machine they drift by the minute. So all proxies run in one
//! run, in alternating rounds, each alone on processor 0 with the load generator and two origins on processor 1, and what is compared is the processor time
//! of a request: it hardly depends on how busy the machine is otherwise. Ratios are taken within a round and their median is reported.
//!
//! `docs/performance.md` tells how to read the tables.

mod bench;
mod config;
mod daemon;
mod idle;
mod options;
mod probe;
mod report;
mod syslog;
mod tools;
mod usage;
mod verify;
mod wrk;

use std::{error::Error, iter};

use bench::Bench;
use report::Table;
use tools::Tools;

pub use daemon::StartError;
pub use options::{Case, Options, Proxy};
pub use tools::SetupError;

/// Why there is no report at all; what befalls a single proxy is in the report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The machine lacks something.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The origins do not serve.
    #[error("the origins cannot be started")]
    Origins(#[from] StartError),
}

/// Measures what `options` ask for: progress on standard error, tables on standard output. True if every row is sound.
pub async fn run(options: &Options) -> Result<bool, RunError> {
    let tools = Tools::find(options).await?;
    let machine = tools.describe().await;
    let bench = Bench::start(tools, options.seconds).await?;
    println!("{}", report::heading(&machine, options));
    let mut tables = Vec::new();
    for &case in &options.cases {
        let table = measure(&bench, options, case).await;
        println!("{}", table.render(options.markdown));
        tables.push(table);
    }
    println!("{}", report::summary(&tables, options.markdown));
    Ok(tables.iter().all(Table::is_sound))
}

/// An error with its causes, as one line.
pub fn chain(error: &dyn Error) -> String {
    let texts = iter::successors(Some(error), |error| (*error).source()).map(ToString::to_string);
    texts.collect::<Vec<_>>().join(": ")
}

async fn measure(bench: &Bench, options: &Options, case: Case) -> Table {
    let mut table = Table::new(case, &options.proxies());
    for round in 1..=options.rounds {
        for row in &mut table.rows {
            // One that could not be measured will not do better in the next round.
            if row.failure.is_some() {
                continue;
            }
            let place = format!("{case} {round}/{} {:<8}", options.rounds, row.proxy);
            match bench.sample(case, row.proxy).await {
                Ok(sample) => {
                    let errors = sample.errors.join(", ");
                    eprintln!("{place} {:8.2} {} {errors}", sample.cost, case.unit());
                    row.samples.push(sample);
                }
                Err(error) => {
                    let reason = chain(error.as_ref());
                    eprintln!("{place} failed: {reason}");
                    row.failure = Some(reason);
                }
            }
        }
    }
    table
}
