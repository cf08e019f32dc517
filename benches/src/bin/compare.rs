//! `compare`: lb, HAProxy and nginx under the same load in the same run; see [`lb_benches::compare`].

use std::process::ExitCode;

use clap::Parser;
use lb_benches::compare::{self, Options};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = runtime.map(|runtime| runtime.block_on(until_interrupted(&options)));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("compare: cannot start the runtime: {error}");
            ExitCode::from(4)
        }
    }
}

/// Dropping the run kills what it started and removes its directory, so an interrupt needs no clean-up of its own.
async fn until_interrupted(options: &Options) -> ExitCode {
    tokio::select! {
        result = compare::run(options) => match result {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(1),
            Err(error) => {
                eprintln!("compare: {}", compare::chain(&error));
                ExitCode::from(4)
            }
        },
        () = interrupted() => ExitCode::from(130),
    }
}

async fn interrupted() {
    let (Ok(mut int), Ok(mut term)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
}
