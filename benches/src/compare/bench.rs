//! One measurement: start a proxy, see that it does what its case claims, load it, and read what that cost it.
//!
//! A proxy is started afresh for every round, so that neither its neighbours' timers nor the luck of one start stay in the figures.

use std::{
    error::Error,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use crate::directory::RunDirectory;

use super::{
    config::{Site, arguments, origin},
    daemon::{Daemon, StartError, free_address, pinned},
    idle,
    options::{Case, Proxy},
    syslog::Syslog,
    tools::Tools,
    verify::verify,
    wrk::{self, LOAD_CPU, Load, Outcome, SCRIPT},
};

/// The processor of the proxy under test, which it has to itself.
const PROXY_CPU: usize = 0;
/// Seconds of load before the measurement: connections, pools and allocators settle well within it.
const WARM_UP: u32 = 1;
/// What is asked for where the response is small.
const HELLO: &str = "/hello";
/// Size of a response of the bulk case.
const MIB: u64 = 1 << 20;

/// Anything that makes a sample impossible; it ends up as text in the report.
pub(super) type SampleError = Box<dyn Error>;

/// What one proxy did in one round.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// In the case's unit: CPU µs per request or MiB, or KiB per connection.
    pub cost: f64,
    /// What the client saw; the idle case has no load.
    pub outcome: Option<Outcome>,
    /// Resident bytes at the end.
    pub rss: u64,
    /// What makes the sample unsound.
    pub errors: Vec<String>,
}

/// The origins, running, and what a proxy is started from.
#[derive(Debug)]
pub(super) struct Bench {
    // Before the directory: fields are dropped in order, and the servers must end before their files go.
    _servers: [Daemon; 2],
    origins: [SocketAddr; 2],
    /// Of all proxies and rounds.
    syslog: Syslog,
    tools: Tools,
    seconds: u32,
    script: PathBuf,
    directory: RunDirectory,
}

impl Bench {
    /// Writes the shared files and starts the two origins.
    pub(super) async fn start(tools: Tools, seconds: u32) -> Result<Self, StartError> {
        let spawn = |source| StartError::Spawn {
            name: "the origins".to_owned(),
            source,
        };
        let directory = RunDirectory::create("compare").map_err(spawn)?;
        let script = directory.path().join("report.lua");
        fs::write(&script, SCRIPT).map_err(spawn)?;
        fs::write(directory.path().join("bulk"), vec![b'x'; MIB as usize]).map_err(spawn)?;
        let (one, first) = start_origin(&tools, directory.path(), "s1").await?;
        let (two, second) = start_origin(&tools, directory.path(), "s2").await?;
        let origins = [first, second];
        let syslog = Syslog::start(LOAD_CPU, HELLO).map_err(spawn)?;
        Ok(Self {
            _servers: [one, two],
            origins,
            syslog,
            tools,
            seconds,
            script,
            directory,
        })
    }

    /// Measures `proxy` once.
    pub(super) async fn sample(&self, case: Case, proxy: Proxy) -> Result<Sample, SampleError> {
        let (daemon, address) = self.start_proxy(case, proxy).await?;
        verify(address, case).await?;
        match load(case) {
            Some(load) => self.under_load(case, daemon, address, &load).await,
            None => idle::sample(daemon, address).await,
        }
    }

    async fn under_load(
        &self,
        case: Case,
        daemon: Daemon,
        address: SocketAddr,
        load: &Load,
    ) -> Result<Sample, SampleError> {
        let lines_before = self.syslog.lines();
        let run = |seconds| wrk::run(&self.tools, &self.script, load, address, seconds);
        let warm_up = run(WARM_UP).await?;
        let before = daemon.usage()?;
        let outcome = run(self.seconds).await?;
        let after = daemon.usage()?;
        daemon.stop().await;

        if outcome.requests == 0 {
            return Err("no request was answered".into());
        }
        let mut errors = warm_up.errors.describe();
        errors.extend(outcome.errors.describe());
        if case == Case::Full {
            let expected = warm_up.requests + outcome.requests;
            let lines = self.syslog.settled(lines_before + expected).await - lines_before;
            if lines < expected {
                errors.push(format!(
                    "{} of {expected} log lines missing",
                    expected - lines
                ));
            }
        }
        if case == Case::Bulk && outcome.bytes < outcome.requests * MIB {
            errors.push("responses shorter than 1 MiB".to_owned());
        }
        // In the bulk case a request is a MiB, so one division serves all.
        let cpu = after.cpu.saturating_sub(before.cpu);
        let cost = cpu.as_secs_f64() * 1e6 / outcome.requests as f64;
        Ok(Sample {
            cost,
            outcome: Some(outcome),
            rss: after.rss,
            errors,
        })
    }

    async fn start_proxy(
        &self,
        case: Case,
        proxy: Proxy,
    ) -> Result<(Daemon, SocketAddr), SampleError> {
        // Between the choice of a port and its use, another process of the machine may take it.
        const ATTEMPTS: u32 = 3;
        let mut attempt = 1;
        loop {
            match self.try_start_proxy(case, proxy).await? {
                Err(StartError::Ended { said, .. })
                    if attempt < ATTEMPTS && said.to_lowercase().contains("in use") =>
                {
                    attempt += 1;
                }
                result => return Ok(result?),
            }
        }
    }

    async fn try_start_proxy(
        &self,
        case: Case,
        proxy: Proxy,
    ) -> io::Result<Result<(Daemon, SocketAddr), StartError>> {
        let listen = free_address()?;
        let directory = self.directory.path();
        let site = Site {
            listen,
            origins: self.origins,
            syslog: self.syslog.address(),
            case,
            directory,
        };
        let file = directory.join(match proxy {
            Proxy::Lb => "lb.toml",
            Proxy::Haproxy => "haproxy.cfg",
            Proxy::Nginx => "nginx.conf",
        });
        fs::write(&file, site.config(proxy))?;
        let mut command = pinned(&self.tools, PROXY_CPU, self.tools.program(proxy));
        command.args(arguments(proxy)).arg(&file);
        let stdout = directory.join(format!("{proxy}.out"));
        let started = Daemon::start(&proxy.to_string(), command, &stdout, listen, HELLO).await;
        Ok(started.map(|daemon| (daemon, listen)))
    }
}

async fn start_origin(
    tools: &Tools,
    directory: &Path,
    name: &str,
) -> Result<(Daemon, SocketAddr), StartError> {
    let spawn = |source| StartError::Spawn {
        name: format!("origin {name}"),
        source,
    };
    let listen = free_address().map_err(spawn)?;
    let file = directory.join(format!("{name}.conf"));
    fs::write(&file, origin(name, listen, directory)).map_err(spawn)?;
    let mut command = pinned(tools, LOAD_CPU, &tools.nginx);
    command.args(arguments(Proxy::Nginx)).arg(&file);
    let stdout = directory.join(format!("{name}.out"));
    let daemon = Daemon::start(
        &format!("origin {name}"),
        command,
        &stdout,
        listen,
        "/health",
    )
    .await?;
    Ok((daemon, listen))
}

fn load(case: Case) -> Option<Load> {
    let small = Load {
        connections: 64,
        path: HELLO,
        headers: &[],
    };
    match case {
        Case::Small => Some(small),
        // A cookie to look through and the headers that every client sends.
        Case::Full => Some(Load {
            headers: &["User-Agent: wrk", "Accept: */*", "Cookie: theme=dark"],
            ..small
        }),
        Case::Close => Some(Load {
            headers: &["Connection: close"],
            ..small
        }),
        // More would only queue: a dozen MiB in flight keep both processors busy.
        Case::Bulk => Some(Load {
            connections: 16,
            path: "/bulk",
            headers: &[],
        }),
        Case::Idle => None,
    }
}
