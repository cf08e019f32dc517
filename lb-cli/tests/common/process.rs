//! `lb` and its peers as processes.

use std::{
    fs::{self, File},
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::until;

/// From the start of a process until it listens.
const START: Duration = Duration::from_secs(20);

/// A running proxy; killed when it is dropped, and its files removed.
pub(crate) struct Process {
    child: Child,
    dir: PathBuf,
    is_lb: bool,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log();
            let tail = log.len().saturating_sub(4000);
            eprintln!("its log ends:\n{}", log.get(tail..).unwrap_or(&log));
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Process {
    /// `lb serve` with this configuration. Its log is its standard output, if the configuration says so.
    /// Returns when it listens on all of `fronts`.
    pub(crate) async fn lb(config: &str, fronts: &[SocketAddr]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lb"));
        command.arg("serve");
        Self::start(command, config, "lb.toml", fronts).await
    }

    /// The same where its log goes elsewhere.
    pub(crate) async fn quiet_lb(config: &str, fronts: &[SocketAddr]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lb"));
        command.arg("serve");
        Self::start(command, config, "quiet.toml", fronts).await
    }

    /// HAProxy, in the foreground.
    pub(crate) async fn haproxy(config: &str, fronts: &[SocketAddr]) -> Self {
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f"]);
        Self::start(command, config, "haproxy.cfg", fronts).await
    }

    async fn start(mut command: Command, config: &str, file: &str, fronts: &[SocketAddr]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("process-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).expect("the target directory can be written");
        let path = dir.join(file);
        fs::write(&path, config).expect("the target directory can be written");
        let log = File::create(dir.join("log")).expect("the target directory can be written");
        let errors = log.try_clone().expect("a file can be duplicated");
        command
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => panic!(
                "{:?} is not installed, and this test compares with it: apt-get install haproxy",
                command.get_program()
            ),
            Err(error) => panic!("{command:?}: {error}"),
        };
        let is_lb = file == "lb.toml";
        let mut process = Self { child, dir, is_lb };
        process.await_fronts(fronts, config).await;
        process
    }

    async fn await_fronts(&mut self, fronts: &[SocketAddr], config: &str) {
        let deadline = Instant::now() + START;
        while !self.listens(fronts) {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                panic!("it exited with {status}, given\n{config}");
            }
            assert!(
                Instant::now() < deadline,
                "it does not listen, given\n{config}"
            );
            // Not this thread, on which a test's origins may run.
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// `lb` says where it listens, which is quicker than to look through all sockets of the machine.
    fn listens(&self, fronts: &[SocketAddr]) -> bool {
        if !self.is_lb {
            return all_listen(fronts);
        }
        let log = self.log();
        let says = |front: &SocketAddr| log.contains(&format!("listening on {front} "));
        fronts.iter().all(says)
    }

    /// All that it has written to its output.
    pub(crate) fn log(&self) -> String {
        fs::read(self.dir.join("log")).map_or_else(
            |_| String::new(),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    /// Waits for the first line that `is_it`.
    pub(crate) async fn logged(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        until(&format!("a log line: {what}"), || {
            self.log().lines().find(|line| is_it(line)).map(Into::into)
        })
        .await
    }

    /// Its process number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its open files, sockets among them.
    pub(crate) fn open_files(&self) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.id()));
        files.map_or(0, Iterator::count)
    }
}

/// Is there a listening socket on each address? Asking the kernel leaves no trace in anybody's log,
/// as a connection would.
fn all_listen(fronts: &[SocketAddr]) -> bool {
    let listening: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|text| {
            let sockets = text.lines().skip(1).filter_map(|line| {
                let mut words = line.split_ascii_whitespace().skip(1);
                let (local, _, state) = (words.next()?, words.next(), words.next()?);
                (state == "0A").then(|| local.to_owned())
            });
            sockets.collect::<Vec<_>>()
        })
        .collect();
    fronts
        .iter()
        .all(|front| listening.contains(&kernel_name(*front)))
}

/// As `/proc/net/tcp` writes an address: words of the machine's byte order in hexadecimal.
fn kernel_name(address: SocketAddr) -> String {
    let octets = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words = octets.chunks(4).map(|word| {
        let word = u32::from_ne_bytes(word.try_into().expect("addresses are whole words"));
        format!("{word:08X}")
    });
    format!("{}:{:04X}", words.collect::<String>(), address.port())
}
