//! `lb completions SHELL` and `lb man`: texts for a shell and for `man`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Failed, output};

/// Prints what a shell needs to complete commands and options
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Whose
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the manual page
#[derive(Debug, Args)]
pub(super) struct Man {}

impl Completions {
    pub(super) fn run(&self) -> Result<(), Failed> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "lb", &mut text);
        print(text)
    }
}

impl Man {
    pub(super) fn run(&self) -> Result<(), Failed> {
        let mut text = Vec::new();
        let mut command = Cli::command();
        command.build();
        clap_mangen::Man::new(command.clone()).render(&mut text)?;
        // One page tells all: each command with its options follows.
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let mut section = Vec::new();
            let page = clap_mangen::Man::new(sub.clone());
            page.render_synopsis_section(&mut section)?;
            page.render_description_section(&mut section)?;
            if sub.get_arguments().any(|argument| !argument.is_hide_set()) {
                page.render_options_section(&mut section)?;
            }
            text.extend_from_slice(&section);
        }
        print(text)
    }
}

fn print(text: Vec<u8>) -> Result<(), Failed> {
    let text = String::from_utf8(text).map_err(|error| Failed::System(error.to_string()))?;
    output::print(&text)
}
