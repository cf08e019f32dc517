//! `lb check`: finds everything that is wrong with a configuration.

use clap::Args;

use super::{Failed, Files, output};
use crate::{config::Config, plan::Plan};

/// Says what is wrong with a configuration, all of it
///
/// Does what `serve` does before it binds its addresses: reads the files,
/// compiles the conditions, looks servers' names up.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    files: Files,

    /// Print the whole effective configuration, defaults included, as TOML
    #[arg(long)]
    print: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failed> {
        const VALID: &str = "configuration is valid\n";
        let config = Config::load_recoverable(&self.files.files);
        let effective = self.print.then(|| config.print());
        let plan = Plan::compile(config)?;
        output::warn(&plan.warnings);
        match effective {
            // Nothing but TOML where TOML is expected.
            Some(effective) => {
                output::say(VALID);
                output::print(&effective)
            }
            None => output::print(VALID),
        }
    }
}
