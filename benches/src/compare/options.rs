//! The command line, and the two lists everything else walks: cases and proxies.

use std::{fmt, path::PathBuf};

use clap::{Parser, ValueEnum};

/// Measures lb against HAProxy and nginx in one run: same origins, same load, alternating rounds.
#[derive(Debug, Clone, Parser)]
#[command(name = "compare", version, after_help = EXIT_CODES)]
pub struct Options {
    /// What to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Case::ALL)]
    pub cases: Vec<Case>,

    /// Rounds of each case; every proxy runs once in a round, started afresh
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,

    /// Seconds of load in a round, after one second of warm-up
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,

    /// The lb binary; without it the release build is made
    #[arg(long, value_name = "PATH", conflicts_with = "no_lb")]
    pub lb: Option<PathBuf>,

    /// Measure the peers alone
    #[arg(long)]
    pub no_lb: bool,

    /// Who lb is compared with
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Proxy::Haproxy, Proxy::Nginx])]
    pub peers: Vec<Proxy>,

    /// Print Markdown tables, as in docs/performance.md
    #[arg(long)]
    pub markdown: bool,
}

const EXIT_CODES: &str = "Exit codes: 0 every row is sound, 1 a row failed, 2 usage, \
    4 a tool is missing or the system refused something, 130 interrupted";

impl Options {
    /// The proxies of a round, in their order.
    pub fn proxies(&self) -> Vec<Proxy> {
        let lb = (!self.no_lb).then_some(Proxy::Lb);
        lb.into_iter().chain(self.peers.iter().copied()).collect()
    }
}

/// A way of loading a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Case {
    /// Keep-alive GET of a small response, plain round robin over two servers
    Small,
    /// As small, with log line, inserted cookie, five conditions, X-Forwarded-For and checks
    Full,
    /// As small, with a new client connection for every request
    Close,
    /// 1 MiB responses
    Bulk,
    /// Memory of 4,000 idle keep-alive client connections
    Idle,
}

impl Case {
    /// Every case, in the order of the report.
    pub const ALL: [Self; 5] = [Self::Small, Self::Full, Self::Close, Self::Bulk, Self::Idle];

    /// What the first figure of a row counts.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Small | Self::Full | Self::Close => "CPU µs/request",
            Self::Bulk => "CPU µs/MiB",
            Self::Idle => "KiB/connection",
        }
    }

    /// One line for the heading of the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Small => "keep-alive GET, small response, round robin over two servers, no log",
            Self::Full => {
                "keep-alive GET with log line, inserted cookie, five conditions, X-Forwarded-For, health checks"
            }
            Self::Close => "a new client connection for every GET, small response",
            Self::Bulk => "keep-alive GET of 1 MiB",
            Self::Idle => "memory of idle keep-alive client connections, one request done on each",
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small => "small",
            Self::Full => "full",
            Self::Close => "close",
            Self::Bulk => "bulk",
            Self::Idle => "idle",
        })
    }
}

/// A proxy under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Proxy {
    /// `lb serve`; always there unless `--no-lb`, hence not a peer to name.
    #[value(skip)]
    Lb,
    /// HAProxy, the baseline of the ratios
    Haproxy,
    /// nginx, open source: no active checks
    Nginx,
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` keeps the width that progress lines ask for.
        f.pad(match self {
            Self::Lb => "lb",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
        })
    }
}
