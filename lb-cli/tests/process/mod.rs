//! The real binary, started by a test, and clients and servers of raw HTTP around it.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::disallowed_methods,
    reason = "deadlines for another process are in real time"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// What does not come within this time does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// A file that is removed at the end of its scope.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(text: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lb-{}-{number}.toml", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, text).expect("a writable directory");
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("the path is text")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What a command that ends printed, and its exit code.
pub(crate) struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub(crate) fn run(arguments: &[&str]) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lb"));
    let output = command.args(arguments).output().expect("lb runs");
    Done {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// An address that nobody had just now.
pub(crate) fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound")
}

/// A command that goes on; killed at the end of its scope.
pub(crate) struct Running {
    child: Child,
    /// Lines of both outputs, in the order they came.
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lb"));
        command.args(arguments).stdout(Stdio::piped());
        Self::spawn(command)
    }

    /// The same, with standard output where `command` has it.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("lb starts");
        let (sender, lines) = mpsc::channel();
        let mut outputs: Vec<Box<dyn Read + Send>> = Vec::new();
        outputs.extend(child.stdout.take().map(|out| Box::new(out) as _));
        outputs.extend(child.stderr.take().map(|err| Box::new(err) as _));
        for output in outputs {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(output).lines() {
                    let Ok(line) = line else { break };
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// `lb serve` with this configuration, in which `FRONT` stands for a free address.
    pub(crate) fn serve(configuration: &str) -> (Self, SocketAddr) {
        loop {
            let front = free();
            let file = File::new(&configuration.replace("FRONT", &front.to_string()));
            let mut lb = Self::start(&["serve", file.path()]);
            let line = lb.wait_for(&front.to_string());
            // Somebody else may have taken it meanwhile.
            if !line.contains("address in use") {
                assert!(line.starts_with("listening on "), "{line}");
                return (lb, front);
            }
        }
    }

    /// The next line with `text` in it.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(text) => {
                    self.seen.push(line.clone());
                    return line;
                }
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("no line with `{text}`; there were {:#?}", self.seen),
            }
        }
    }

    pub(crate) fn wait_until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "waited in vain until {what}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        let directory = format!("/proc/{}/fd", self.child.id());
        fs::read_dir(directory).expect("it runs").count()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process number");
        let pid = Pid::from_raw(pid).expect("not 0");
        kill_process(pid, signal).expect("it runs");
    }

    /// Waits for its end: how it ended, and every line that it wrote.
    pub(crate) fn end(&mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it was started") {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "it does not end: {:#?}",
                self.seen
            );
            thread::sleep(Duration::from_millis(5));
        };
        // Both readers end with the process.
        self.seen.extend(self.lines.iter());
        (status, self.seen.join("\n"))
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it was started").is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An origin server whose every connection the test accepts itself.
pub(crate) struct Origin(TcpListener);

impl Origin {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a free port"))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("it is bound")
    }

    /// The next connection, with the head of its request read.
    pub(crate) fn accept(&self) -> (Peer, String) {
        self.0.set_nonblocking(true).expect("a socket");
        let deadline = Instant::now() + PATIENCE;
        let stream = loop {
            match self.0.accept() {
                Ok((stream, _)) => break stream,
                Err(_) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                Err(error) => panic!("nobody comes: {error}"),
            }
        };
        stream.set_nonblocking(false).expect("a socket");
        let mut peer = Peer::new(stream);
        let head = peer.head();
        (peer, head)
    }
}

/// One end of a connection.
pub(crate) struct Peer(BufReader<TcpStream>);

impl Peer {
    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Self(BufReader::new(stream))
    }

    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect_timeout(&address, PATIENCE).expect("somebody listens"))
    }

    pub(crate) fn send(&mut self, text: &str) {
        let sent = self.0.get_mut().write_all(text.as_bytes());
        sent.expect("the other end is there");
    }

    /// Up to the empty line, in lower case.
    pub(crate) fn head(&mut self) -> String {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line).expect("a head");
            assert!(read > 0, "closed after {head:?}");
            if line == "\r\n" {
                return head.to_ascii_lowercase();
            }
            head.push_str(&line);
        }
    }

    /// As many bytes as are announced by a `content-length` in `head`.
    pub(crate) fn body(&mut self, head: &str) -> String {
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .expect("a length");
        let mut body = vec![0; length.parse().expect("a number")];
        self.0.read_exact(&mut body).expect("a whole body");
        String::from_utf8(body).expect("text")
    }

    /// Everything up to the end of the connection, which a reset is, too.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection does not end: {error}"),
        }
        String::from_utf8(rest).expect("text")
    }
}
