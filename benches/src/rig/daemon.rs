//! A node's daemon: its processes, its log, and the ways it can end.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{RigError, command};

/// Between two looks at a file or a process, which tell nobody when they change.
const LOOK: Duration = Duration::from_millis(5);

/// A running daemon; killed with all its children when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it, with both outputs added to the file `log`.
    pub(super) fn start(mut command: Command, log: PathBuf) -> Result<Self, RigError> {
        let open = || {
            let file = File::options().create(true).append(true).open(&log)?;
            Ok((file.try_clone()?, file))
        };
        let (out, err) = open().map_err(RigError::system("cannot open a log"))?;
        // A group of its own: the terminal's interrupt is for the rig, which ends it in order.
        command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0);
        let child = command::spawn(&mut command)?;
        Ok(Self { child, log })
    }

    /// The number of its main process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends `signal` to the main process only.
    pub fn signal(&self, signal: Signal) {
        // It may have ended meanwhile, but is not waited for, so the number is still its own.
        kill_process(self.pid(), signal).ok();
    }

    /// Stops every process of it: it hangs, and its sockets stay open.
    pub fn pause(&self) {
        // The parent first, so that it starts no other child.
        self.signal(Signal::STOP);
        for pid in descendants(self.pid()) {
            kill_process(pid, Signal::STOP).ok();
        }
    }

    /// Undoes [`Self::pause`].
    pub fn resume(&self) {
        for pid in descendants(self.pid()) {
            kill_process(pid, Signal::CONT).ok();
        }
        self.signal(Signal::CONT);
    }

    /// Kills every process of it at one moment.
    ///
    /// All are stopped first: a child of Keepalived's that sees its parent die still says goodbye, with priority 0.
    pub fn kill(&mut self) {
        self.pause();
        for pid in descendants(self.pid()) {
            kill_process(pid, Signal::KILL).ok();
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it is still there after `patience`.
    pub fn until_ended(&mut self, patience: Duration) -> Result<ExitStatus, RigError> {
        let deadline = Instant::now() + patience;
        loop {
            let status = self.child.try_wait();
            if let Some(status) = status.map_err(RigError::system("cannot wait for a daemon"))? {
                return Ok(status);
            }
            self.look("the daemon ends", deadline, patience)?;
        }
    }

    /// Waits until some process in its namespace has a raw socket for VRRP: it hears advertisements.
    ///
    /// # Errors
    /// If there is none after `patience`.
    pub fn until_listening(&self, patience: Duration) -> Result<(), RigError> {
        let deadline = Instant::now() + patience;
        let process = format!("/proc/{}/net", self.child.id());
        // Protocol 112 stands in place of the local port.
        let has = |file| {
            fs::read_to_string(format!("{process}/{file}"))
                .is_ok_and(|table| table.contains(":0070 "))
        };
        while !has("raw") && !has("raw6") {
            self.look("it listens for advertisements", deadline, patience)?;
        }
        // The sockets of `lb` are open before its virtual routers have begun, and what comes first says nothing to them.
        let name = fs::read_to_string(format!("/proc/{}/comm", self.child.id()));
        if name.is_ok_and(|name| name.trim() == "lb") {
            self.until_logged(": started", patience)?;
        }
        Ok(())
    }

    /// Waits for a line of its log that holds `text`, and gives it back.
    ///
    /// # Errors
    /// If there is none after `patience`.
    pub fn until_logged(&self, text: &str, patience: Duration) -> Result<String, RigError> {
        self.until_logged_again(text, 1, patience)
    }

    /// Waits for the line with which its log holds `text` for the `times`th time, and gives it back.
    ///
    /// # Errors
    /// As [`Self::until_logged`].
    pub fn until_logged_again(
        &self,
        text: &str,
        times: usize,
        patience: Duration,
    ) -> Result<String, RigError> {
        let deadline = Instant::now() + patience;
        loop {
            let log = self.log();
            let mut lines = log.lines().filter(|line| line.contains(text));
            if let Some(line) = lines.nth(times - 1) {
                return Ok(line.to_owned());
            }
            let until = format!("`{text}` is logged, {times} times");
            self.look(&until, deadline, patience)?;
        }
    }

    /// All it has written, and those before it on this node.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn look(&self, until: &str, deadline: Instant, patience: Duration) -> Result<(), RigError> {
        if Instant::now() < deadline {
            thread::sleep(LOOK);
            return Ok(());
        }
        Err(RigError::Late {
            until: until.to_owned(),
            patience,
            instead: format!("its log is:\n{}", self.log()),
        })
    }

    fn pid(&self) -> Pid {
        let number = i32::try_from(self.child.id()).ok();
        number
            .and_then(Pid::from_raw)
            .expect("a child's number is positive and fits")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Whoever was waited for has no children, and its number may be another's.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

/// Children, their children and so on.
fn descendants(of: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes: Vec<(Pid, Pid)> = entries
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut found = vec![of];
    let mut next = 0;
    while let Some(&one) = found.get(next) {
        next += 1;
        let children = processes.iter().filter(|(_, parent)| *parent == one);
        found.extend(children.map(|(pid, _)| *pid));
    }
    found.split_off(1)
}

/// The fourth field of `stat`; the second, the name, may hold anything but ends with the last bracket.
fn parent(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Pid::from_raw(rest.split_whitespace().nth(1)?.parse().ok()?)
}
