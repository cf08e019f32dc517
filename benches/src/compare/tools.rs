//! What must be on the machine before anything is measured: the load generator, the peers, two processors and `lb` itself.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::process::Command;

use super::options::{Options, Proxy};

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Programs that are neither in `PATH` nor in the system directories.
    #[error("not found: {}; on Debian: apt-get install {}", names.join(", "), packages.join(" "))]
    Missing {
        /// The programs.
        names: Vec<&'static str>,
        /// The Debian packages that hold them.
        packages: Vec<&'static str>,
    },
    /// Proxy and load generator would share a processor.
    #[error("two processors are needed: one for the proxy, one for the load and the origins")]
    OneProcessor,
    /// `--lb` names nothing.
    #[error("there is no lb binary at {}; build it with `cargo build --release -p lb-cli`, or leave --lb out", .0.display())]
    NoLb(PathBuf),
    /// The build said why on standard error.
    #[error("`cargo build --release -p lb-cli` failed; use --lb PATH or --no-lb")]
    Build,
    /// The system refused something.
    #[error("{what}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
}

/// The programs of a run, each with its full path.
#[derive(Debug)]
pub(super) struct Tools {
    /// Load generator.
    pub wrk: PathBuf,
    /// Origin server and peer.
    pub nginx: PathBuf,
    /// Peer; present if asked for.
    pub haproxy: Option<PathBuf>,
    /// The proxy this is about; absent with `--no-lb`.
    pub lb: Option<PathBuf>,
    /// Pins a process to a processor.
    pub taskset: PathBuf,
    /// Has the kernel kill a process whose parent died.
    pub setpriv: PathBuf,
}

impl Tools {
    /// Finds the programs, builds `lb` if its path was not given, and raises the open-files limit for this process and its children.
    pub(super) async fn find(options: &Options) -> Result<Self, SetupError> {
        let processors =
            std::thread::available_parallelism().map_err(|source| SetupError::System {
                what: "cannot count the processors",
                source,
            })?;
        if processors.get() < 2 {
            return Err(SetupError::OneProcessor);
        }
        let mut missing = Missing::default();
        let wrk = missing.find("wrk", "wrk");
        let nginx = missing.find("nginx", "nginx");
        let haproxy = options
            .peers
            .contains(&Proxy::Haproxy)
            .then(|| missing.find("haproxy", "haproxy"));
        let taskset = missing.find("taskset", "util-linux");
        let setpriv = missing.find("setpriv", "util-linux");
        missing.into_error()?;
        raise_open_files()?;
        let lb = match &options.lb {
            _ if options.no_lb => None,
            Some(path) if path.is_file() => Some(path.clone()),
            Some(path) => return Err(SetupError::NoLb(path.clone())),
            None => Some(build_lb().await?),
        };
        Ok(Self {
            wrk,
            nginx,
            haproxy,
            lb,
            taskset,
            setpriv,
        })
    }

    /// The program of a proxy that is part of the run.
    pub(super) fn program(&self, proxy: Proxy) -> &Path {
        match proxy {
            Proxy::Lb => self.lb.as_deref(),
            Proxy::Haproxy => self.haproxy.as_deref(),
            Proxy::Nginx => Some(self.nginx.as_path()),
        }
        .expect("`find` looks up every proxy of the options")
    }

    /// Kernel, processor and versions: what a reader needs beside the figures.
    pub(super) async fn describe(&self) -> Vec<String> {
        let mut lines = vec![processor(), kernel()];
        let lb = self.lb.as_deref().map(|path| (path, "--version"));
        let haproxy = self.haproxy.as_deref().map(|path| (path, "-v"));
        let others = [(self.nginx.as_path(), "-v"), (self.wrk.as_path(), "-v")];
        for (path, flag) in lb.into_iter().chain(haproxy).chain(others) {
            lines.push(first_line(path, flag).await);
        }
        lines.retain(|line| !line.is_empty());
        lines
    }
}

#[derive(Default)]
struct Missing {
    names: Vec<&'static str>,
    packages: Vec<&'static str>,
}

impl Missing {
    /// The program's path; empty, and noted, if there is none.
    fn find(&mut self, name: &'static str, package: &'static str) -> PathBuf {
        let path = env::var_os("PATH").unwrap_or_default();
        // Debian keeps daemons in sbin, which is not in an ordinary user's PATH.
        let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
        let found = env::split_paths(&path)
            .chain(system)
            .map(|directory| directory.join(name))
            .find(|candidate| candidate.is_file());
        found.unwrap_or_else(|| {
            self.names.push(name);
            if !self.packages.contains(&package) {
                self.packages.push(package);
            }
            PathBuf::new()
        })
    }

    fn into_error(self) -> Result<(), SetupError> {
        if self.names.is_empty() {
            return Ok(());
        }
        Err(SetupError::Missing {
            names: self.names,
            packages: self.packages,
        })
    }
}

/// 4,000 connections take 4,000 descriptors here and 8,000 at worst in a proxy; many systems start with a soft limit of 1,024.
fn raise_open_files() -> Result<(), SetupError> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).map_err(|errno| SetupError::System {
        what: "cannot raise the open-files limit to its maximum",
        source: errno.into(),
    })
}

/// Builds into the target directory that holds this very program.
async fn build_lb() -> Result<PathBuf, SetupError> {
    let system = |what| move |source| SetupError::System { what, source };
    let own = env::current_exe().map_err(system("cannot tell the target directory"))?;
    let target = own
        .ancestors()
        .nth(2)
        .expect("an executable of cargo is in TARGET/PROFILE/");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "-p", "lb-cli", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .map_err(system("cannot run cargo"))?;
    let lb = target.join("release/lb");
    if status.success() && lb.is_file() {
        Ok(lb)
    } else {
        Err(SetupError::Build)
    }
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |rest| {
        rest.trim_start_matches([' ', '\t', ':'])
    });
    let count = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {count} processors")
}

fn kernel() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("Linux {}", release.trim())
}

/// The first line a program says about itself, on whichever stream it does.
async fn first_line(program: &Path, flag: &str) -> String {
    let output = Command::new(program)
        .arg(flag)
        .stdin(Stdio::null())
        .output()
        .await;
    let Ok(output) = output else {
        return String::new();
    };
    let said = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    let text = String::from_utf8_lossy(&said);
    text.lines()
        .next()
        .unwrap_or_default()
        .trim_start_matches("nginx version: ")
        .to_owned()
}
