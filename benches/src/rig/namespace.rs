//! A network namespace: made by `ip netns`, entered by threads, and gone with its last process when dropped.

use std::{
    fs::{self, File},
    io,
    os::fd::AsFd as _,
    path::Path,
    process::Command,
    thread,
};

use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

use super::{RigError, command, task::Task};
use crate::directory;

/// Where `ip netns` keeps the names.
const NAMES: &str = "/run/netns";
/// What the names of all rigs begin with; the process number follows.
const PREFIX: &str = "lbrig-";

/// A namespace of this process.
#[derive(Debug)]
pub(super) struct Namespace(String);

impl Namespace {
    /// Makes `lbrig-<process>-<rig>-<role>`.
    pub(super) fn create(rig: u32, role: &str) -> Result<Self, RigError> {
        let name = format!("{PREFIX}{}-{rig}-{role}", std::process::id());
        let mut command = Command::new("ip");
        command.args(["netns", "add", &name]);
        command::run(command, "")?;
        let namespace = Self(name);
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Its name for `ip -n`.
    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// Runs lines of `ip` in it.
    pub(super) fn ip(&self, lines: &str) -> Result<(), RigError> {
        command::ip(&self.0, lines)
    }

    /// A command that will run in it.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0]).arg(program);
        command
    }

    /// Sets `/proc/sys/net/<key>` in it.
    pub(super) fn sysctl(&self, settings: &[(&str, &str)]) -> Result<(), RigError> {
        self.within(|| {
            for (key, value) in settings {
                fs::write(format!("/proc/sys/net/{key}"), value)?;
            }
            Ok(())
        })
    }

    /// Calls `act` on a thread that is in it. A socket stays where it was opened.
    pub(super) fn within<T: Send>(
        &self,
        act: impl FnOnce() -> io::Result<T> + Send,
    ) -> Result<T, RigError> {
        let entered = || {
            self.enter()?;
            act()
        };
        thread::scope(|scope| scope.spawn(entered).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            .map_err(RigError::system(format!("in namespace {}", self.0)))
    }

    /// Runs a future in it, on a thread and a runtime of its own, until the task is dropped. `open` makes its sockets.
    pub(super) fn spawn<T, R>(
        &self,
        open: impl FnOnce() -> io::Result<T> + Send + 'static,
        run: impl FnOnce(T) -> R + Send + 'static,
    ) -> Result<Task, RigError>
    where
        R: Future<Output = ()>,
    {
        let name = self.0.clone();
        Task::spawn(
            move || {
                Self(name).enter_and_forget()?;
                open()
            },
            run,
        )
        .map_err(RigError::system(format!("in namespace {}", self.0)))
    }

    fn enter(&self) -> io::Result<()> {
        let file = File::open(Path::new(NAMES).join(&self.0))?;
        Ok(move_into_link_name_space(
            file.as_fd(),
            Some(LinkNameSpaceType::Network),
        )?)
    }

    /// As [`Self::enter`], for a copy whose end is not the namespace's.
    fn enter_and_forget(self) -> io::Result<()> {
        let entered = self.enter();
        std::mem::forget(self);
        entered
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// Removes what rigs left whose process is dead: it was killed and could not clean up.
pub(super) fn sweep() {
    sweep_of(|pid| !Path::new("/proc").join(pid.to_string()).exists());
}

/// Removes every namespace and directory of this process's rigs, for one that is about to exit without unwinding.
pub fn abandon() {
    sweep_of(|pid| pid == std::process::id());
}

fn sweep_of(chosen: impl Fn(u32) -> bool) {
    directory::sweep("rig", &chosen);
    // There is no directory before the first namespace.
    let Ok(names) = fs::read_dir(NAMES) else {
        return;
    };
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let owner = |name: &str| name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok();
    for name in names.filter(|name| owner(name).is_some_and(&chosen)) {
        remove(&name);
    }
}

/// Kills what runs in it, then takes its name away. Virtual Ethernet goes with the switch's namespace.
fn remove(name: &str) {
    let mut pids = Command::new("ip");
    pids.args(["netns", "pids", name]);
    let pids = command::run(pids, "").unwrap_or_default();
    for pid in pids.lines().filter_map(|line| line.trim().parse().ok()) {
        if let Some(pid) = Pid::from_raw(pid) {
            kill_process(pid, Signal::KILL).ok();
        }
    }
    let mut delete = Command::new("ip");
    delete.args(["netns", "delete", name]);
    // It may be gone already; then all is well.
    command::run(delete, "").ok();
}
