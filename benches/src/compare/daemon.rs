//! A server process of the run: pinned to one processor, in a process group of its own, and gone when its handle is.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use super::{probe::Client, tools::Tools, usage::Usage};

/// How long a server may take to answer its first request, and to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two attempts to reach a server that is starting.
const RETRY: Duration = Duration::from_millis(10);

/// Why a server does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its files or its process could not be made.
    #[error("cannot start {name}")]
    Spawn {
        /// The server.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// It ended on its own.
    #[error("{name} ended before it served: {said}")]
    Ended {
        /// The server.
        name: String,
        /// The end of its standard error.
        said: String,
    },
    /// It runs, but does not answer.
    #[error("{name} did not answer 200 within {} s", PATIENCE.as_secs())]
    Silent {
        /// The server.
        name: String,
        /// The last attempt's failure.
        source: io::Error,
    },
}

/// A running server.
#[derive(Debug)]
pub(super) struct Daemon {
    name: String,
    child: Child,
    stderr: PathBuf,
}

impl Daemon {
    /// Starts `command` with its standard output in `stdout` and waits until `address` answers `GET path` with 200.
    pub(super) async fn start(
        name: &str,
        mut command: Command,
        stdout: &Path,
        address: SocketAddr,
        path: &str,
    ) -> Result<Self, StartError> {
        let stderr = stdout.with_extension("stderr");
        let spawned = File::create(stdout).and_then(|out| {
            let err = File::create(&stderr)?;
            command
                .stdin(Stdio::null())
                .stdout(out)
                .stderr(err)
                .process_group(0)
                .spawn()
        });
        let name = name.to_owned();
        let child = spawned.map_err(|source| StartError::Spawn {
            name: name.clone(),
            source,
        })?;
        let mut daemon = Self {
            name,
            child,
            stderr,
        };
        daemon.ready(address, path).await?;
        Ok(daemon)
    }

    /// What it has used so far.
    pub(super) fn usage(&self) -> io::Result<Usage> {
        let pid = self
            .child
            .id()
            .ok_or_else(|| io::Error::other("the process has ended"))?;
        Usage::of(pid)
    }

    /// Ends it in its own way, so that buffered log lines are written; by force if that takes too long.
    pub(super) async fn stop(mut self) {
        if let Some(pid) = self.pid() {
            kill_process(pid, Signal::TERM).ok();
            timeout(PATIENCE, self.child.wait()).await.ok();
        }
    }

    async fn ready(&mut self, address: SocketAddr, path: &str) -> Result<(), StartError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(Some(_)) = self.child.try_wait() {
                return Err(StartError::Ended {
                    name: self.name.clone(),
                    said: self.last_words(),
                });
            }
            let source = match timeout(PATIENCE, answers(address, path)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => io::ErrorKind::TimedOut.into(),
            };
            if Instant::now() >= deadline {
                return Err(StartError::Silent {
                    name: self.name.clone(),
                    source,
                });
            }
            sleep(RETRY).await;
        }
    }

    fn last_words(&self) -> String {
        let said = fs::read_to_string(&self.stderr).unwrap_or_default();
        let tail: Vec<&str> = said.lines().rev().take(8).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        if tail.is_empty() {
            "it said nothing".to_owned()
        } else {
            tail.join("\n    ")
        }
    }

    /// None once it has been waited for: the number may then belong to another process.
    fn pid(&self) -> Option<Pid> {
        self.child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            // The group holds nginx's worker too, which would outlive a killed master.
            kill_process_group(pid, Signal::KILL).ok();
        }
    }
}

/// `program` on one processor, told to end should this process be killed and have no time to clean up.
pub(super) fn pinned(tools: &Tools, cpu: usize, program: &Path) -> Command {
    let mut command = Command::new(&tools.setpriv);
    command
        .args(["--pdeathsig", "TERM", "--"])
        .arg(&tools.taskset);
    command.args(["--cpu-list", &cpu.to_string()]).arg(program);
    command
}

/// A loopback address whose port the kernel holds free at this moment.
///
/// The host part is this process's own: clients leave from 127.0.0.1 and other runs listen elsewhere, so nobody takes the port before the server does, or
/// shares it by `SO_REUSEPORT`.
pub(super) fn free_address() -> io::Result<SocketAddr> {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    // Process numbers have 22 bits.
    let host = Ipv4Addr::new(127, 64 | high, middle, low);
    TcpListener::bind((host, 0))?.local_addr()
}

async fn answers(address: SocketAddr, path: &str) -> io::Result<()> {
    let reply = Client::connect(address).await?.get(path, "").await?;
    if reply.status == 200 {
        return Ok(());
    }
    Err(io::Error::other(format!("the answer was {}", reply.status)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_server_that_ends_at_once_is_reported_with_its_words() {
        let directory = crate::directory::RunDirectory::create("compare").unwrap();
        let stdout = directory.path().join("out");
        let command = shell("echo no such key >&2; exit 1");
        let address = free_address().unwrap();
        let error = Daemon::start("lb", command, &stdout, address, "/")
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "lb ended before it served: no such key");
    }

    #[tokio::test]
    async fn a_dropped_server_takes_its_children_with_it() {
        let directory = crate::directory::RunDirectory::create("compare").unwrap();
        let stdout = directory.path().join("out");
        let mut command = shell("sleep 60 & echo $!; wait");
        let child = command
            .stdout(File::create(&stdout).unwrap())
            .process_group(0)
            .spawn()
            .unwrap();
        let daemon = Daemon {
            name: "sh".into(),
            child,
            stderr: stdout.clone(),
        };
        let sleeper = within_deadline(|| {
            let said = fs::read_to_string(&stdout).unwrap();
            said.trim().parse::<u32>().ok()
        });
        let sleeper = sleeper.await;
        drop(daemon);
        // Whoever adopts the orphan may take its time to reap it, hence the state and not the directory.
        within_deadline(|| {
            let stat = fs::read_to_string(format!("/proc/{sleeper}/stat")).unwrap_or_default();
            (stat.is_empty() || stat.contains(") Z ")).then_some(())
        })
        .await;
    }

    async fn within_deadline<T>(mut observe: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = observe() {
                return seen;
            }
            assert!(Instant::now() < deadline, "nothing seen");
            tokio::task::yield_now().await;
        }
    }
}
