//! `failover`: how long a virtual address is away when its owner fails; see [`lb_benches::failover`].

use std::process::ExitCode;

use clap::Parser;
use lb_benches::{
    compare::chain,
    failover::{self, Options},
    rig,
};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let measured = tokio::task::spawn_blocking(move || failover::run(&options));
    tokio::select! {
        result = measured => match result {
            Ok(Ok(true)) => ExitCode::SUCCESS,
            Ok(Ok(false)) => ExitCode::from(1),
            Ok(Err(error)) => {
                eprintln!("failover: {}", chain(&error));
                ExitCode::from(4)
            }
            Err(error) => {
                eprintln!("failover: {error}");
                ExitCode::from(4)
            }
        },
        () = interrupted() => {
            // The run itself cannot be interrupted, so nothing of it is dropped.
            rig::abandon();
            std::process::exit(130)
        }
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
