//! `lb serve`: runs a configuration.

use clap::Args;

use super::{Failed, Files, output};
use crate::{
    config::Config,
    plan::Plan,
    run::{self, System},
};

/// Runs a configuration
///
/// SIGTERM stops gracefully: no new connections, idle ones are closed, requests
/// are finished, and cut after `hard_stop_after`. SIGINT stops at once.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    files: Files,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failed> {
        let plan = Plan::compile(Config::load_recoverable(&self.files.files))?;
        output::warn(&plan.warnings);
        Ok(run::run(plan, |system| output::say(&listening(system)))?)
    }
}

fn listening(system: &System) -> String {
    let mut lines = String::new();
    for frontend in system.frontends() {
        for address in frontend.listening() {
            let name = frontend.plan().name();
            lines.push_str(&format!("listening on {address} (frontend {name})\n"));
        }
    }
    lines
}
