//! `lb serve`: runs a configuration.

use std::path::PathBuf;

use clap::Args;

use super::{Failed, Files, output};
use crate::{
    config::Config,
    plan::Plan,
    run::{self, Launch, System},
};

/// Runs a configuration
///
/// SIGTERM stops gracefully: no new connections, idle ones are closed, requests
/// are finished, and cut after `hard_stop_after`. SIGINT stops at once. SIGHUP
/// reads the files anew; one that is wrong changes nothing.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    files: Files,
    /// Take the place of the process whose admin socket this is: its listening
    /// sockets, its counts, and what it knows of servers; it then drains and ends
    #[arg(long, value_name = "SOCKET")]
    takeover: Option<PathBuf>,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failed> {
        let plan = Plan::compile(Config::load_recoverable(&self.files.files))?;
        output::warn(&plan.warnings);
        let launch = Launch {
            files: self.files.files,
            takeover: self.takeover,
        };
        Ok(run::run(plan, launch, |system| {
            output::say(&listening(system));
        })?)
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
