//! The `lb` command.
#![forbid(unsafe_code)]

use std::{path::PathBuf, process::ExitCode};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let files: Vec<PathBuf> = std::env::args_os().skip(2).map(Into::into).collect();
    let config = lb_cli::config::Config::load_recoverable(&files);
    let plan = match lb_cli::plan::Plan::compile(config) {
        Ok(plan) => plan,
        Err(d) => { eprint!("{d}"); return ExitCode::from(1); }
    };
    match lb_cli::run::run(plan, |_| {}) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => { eprintln!("error: {e}"); ExitCode::from(4) }
    }
}
