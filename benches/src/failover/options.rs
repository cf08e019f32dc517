//! The command line.

use std::{env, fmt, path::PathBuf};

use clap::{Parser, ValueEnum};

use super::scenario::{Scenario, USUAL};

/// Measures how long a virtual address is away when its owner fails: lb and Keepalived in network namespaces.
#[derive(Debug, Clone, Parser)]
#[command(name = "failover", version, after_help = EXIT_CODES)]
pub struct Options {
    /// What to measure: PROFILE-FAULT, with -3 for three nodes, then @tcp or @http if the client does not ask by UDP
    #[arg(long, value_delimiter = ',', default_values = USUAL)]
    pub scenario: Vec<Scenario>,

    /// Who runs it
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Implementation::Keepalived, Implementation::Lb])]
    pub implementation: Vec<Implementation>,

    /// Runs of each row, each with a network of its own
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,

    /// Instead of scenarios: so many times both nodes become master at the same moment, on one network
    #[arg(long, value_name = "TRIALS", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub aligned: Option<u32>,

    /// The lb binary; without it the one beside this program
    #[arg(long, value_name = "PATH")]
    pub lb: Option<PathBuf>,

    /// Print a Markdown table
    #[arg(long)]
    pub markdown: bool,
}

const EXIT_CODES: &str = "Exit codes: 0 every run is sound, 1 a run failed, 2 usage, \
    4 a tool is missing or the system refused something, 130 interrupted";

impl Options {
    /// The implementations, with `mixed` spelt out.
    pub fn implementations(&self) -> Vec<Implementation> {
        let spelt = |one: &Implementation| match one {
            Implementation::Mixed => {
                vec![Implementation::LbKeepalived, Implementation::KeepalivedLb]
            }
            one => vec![*one],
        };
        self.implementation.iter().flat_map(spelt).collect()
    }

    /// The lb binary, as far as the command line tells.
    pub fn lb(&self) -> PathBuf {
        let beside = || Some(env::current_exe().ok()?.with_file_name("lb"));
        self.lb.clone().or_else(beside).unwrap_or_default()
    }
}

/// Which daemons run: the one that fails, and those that take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Implementation {
    /// Keepalived on every node
    Keepalived,
    /// lb on every node
    Lb,
    /// lb on every node, with a peer link
    LbLink,
    /// lb fails, Keepalived takes over
    LbKeepalived,
    /// Keepalived fails, lb takes over
    KeepalivedLb,
    /// Both of these
    Mixed,
}

impl Implementation {
    /// Whether lb is on any node.
    pub fn has_lb(self) -> bool {
        self != Self::Keepalived
    }
}

impl fmt::Display for Implementation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Keepalived => "keepalived",
            Self::Lb => "lb",
            Self::LbLink => "lb, link",
            Self::LbKeepalived => "lb to keepalived",
            Self::KeepalivedLb => "keepalived to lb",
            Self::Mixed => "mixed",
        })
    }
}
