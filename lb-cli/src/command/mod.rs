//! The command line: what is typed, and the exit code it ends with.
//!
//! A command is a struct of its arguments with a `run`. Standard output is for
//! what was asked for, and the log; everything else goes to standard error.

mod check;
mod completions;
mod ctl;
mod demo;
mod explain;
mod output;
mod serve;
mod top;

use std::{io, path::PathBuf, process::ExitCode};

use clap::{
    Args, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{config::Diagnostics, plan::with_sources, run::RunError};

const EXIT_CODES: &str = "\
Exit codes:
  0  fine
  1  the configuration has errors, or `lb ctl` was answered with one
  2  the command line has
  4  an address cannot be bound, or another error of the system

Start with `lb demo`.";

/// Commands of later versions.
const LATER: &[&str] = &["import"];

/// An HTTP load balancer in HAProxy's words: one process, one file.
#[derive(Debug, Parser)]
#[command(name = "lb", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Check(check::Check),
    Demo(demo::Demo),
    Explain(explain::Explain),
    Ctl(ctl::Ctl),
    Completions(completions::Completions),
    Man(completions::Man),
    Top(top::Top),
}

/// The configuration.
#[derive(Debug, Args)]
struct Files {
    /// A TOML file, or a directory whose `*.toml` are read in the order of their
    /// names; several make one configuration
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Why a command does not end with 0; the message is for standard error.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}")]
    Configuration(Diagnostics),
    #[error("{0}")]
    Refused(String),
    #[error("error: {0}\n\nFor more information, try '--help'.\n")]
    Usage(String),
    #[error("error: {0}\n")]
    System(String),
}

impl Failed {
    fn code(&self) -> u8 {
        match self {
            Self::Configuration(_) | Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::System(_) => 4,
        }
    }
}

impl From<Diagnostics> for Failed {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Configuration(diagnostics)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::System(error.to_string())
    }
}

impl From<RunError> for Failed {
    fn from(error: RunError) -> Self {
        Self::System(match &error {
            RunError::Log(why)
            | RunError::Worker(why)
            | RunError::PidFile(why)
            | RunError::Signals(why) => {
                format!("{error}: {why}")
            }
            RunError::Vrrp(why) => with_sources(why),
            RunError::Privileges(why) => with_sources(why),
            _ => error.to_string(),
        })
    }
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => return refuse(&error),
    };
    let done = match command {
        Command::Serve(serve) => serve.run(),
        Command::Check(check) => check.run(),
        Command::Demo(demo) => demo.run(),
        Command::Explain(explain) => explain.run(),
        Command::Ctl(ctl) => ctl.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
        Command::Top(top) => top.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            output::say(&failed.to_string());
            failed.code().into()
        }
    }
}

/// What clap makes of it, which may be the text of `--help`; but who knows a
/// later version, or its manual, is not told that there is no such command.
fn refuse(error: &clap::Error) -> ExitCode {
    if error.kind() == ErrorKind::InvalidSubcommand
        && let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand)
        && LATER.contains(&name.as_str())
    {
        let why = format!("`lb {name}` is not supported by this version of lb yet");
        let failed = Failed::Usage(why);
        output::say(&failed.to_string());
        return failed.code().into();
    }
    // A closed pipe loses the text and nothing else.
    let _ = error.print();
    u8::try_from(error.exit_code()).unwrap_or(2).into()
}
