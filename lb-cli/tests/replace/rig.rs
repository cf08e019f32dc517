//! `lb serve` with a file that changes, and origins that say their names.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::process::{Done, Peer, Running, free, run};

/// An origin that answers every request with its name, for as long as the process runs.
pub(crate) fn origin(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, name));
        }
    });
    address
}

fn serve(mut stream: TcpStream, name: &str) {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}",
        name.len()
    );
    let (mut received, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut piece) {
            Ok(length @ 1..) => received.extend_from_slice(&piece[..length]),
            _ => return,
        }
        if received.ends_with(b"\r\n\r\n") {
            received.clear();
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// The file of a configuration, and the admin socket in it.
pub(crate) struct Site {
    directory: PathBuf,
    pub(crate) front: SocketAddr,
}

impl Site {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lb-replace-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("a writable directory");
        Self {
            directory,
            front: free(),
        }
    }

    pub(crate) fn file(&self) -> String {
        self.path("lb.toml")
    }

    pub(crate) fn socket(&self) -> String {
        self.path("admin.sock")
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// Writes these sections into the file. `FRONT` is the front door.
    pub(crate) fn write(&self, sections: &str) {
        let text = format!(
            "[global]\nworkers = 2\nlog = [{{ to = \"stdout\", level = \"notice\" }}]\nadmin = {{ socket = \"{}\" }}\n{}",
            self.socket(),
            sections.replace("FRONT", &self.front.to_string())
        );
        fs::write(self.file(), text).expect("a writable directory");
    }

    /// `lb serve` by what was written.
    pub(crate) fn serve(&self) -> Running {
        self.start(&["serve", &self.file()])
    }

    /// The same in place of the process that runs.
    pub(crate) fn take_over(&self) -> Running {
        self.start(&["serve", "--takeover", &self.socket(), &self.file()])
    }

    fn start(&self, arguments: &[&str]) -> Running {
        let mut lb = Running::start(arguments);
        let line = lb.wait_for(&self.front.to_string());
        assert!(line.starts_with("listening on "), "{line}");
        lb
    }

    pub(crate) fn ctl(&self, command: &str) -> Done {
        run(&["ctl", "--socket", &self.socket(), command])
    }

    /// The answer to a command that is done.
    pub(crate) fn done(&self, command: &str) -> String {
        let done = self.ctl(command);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{command}");
        done.out.trim_end().to_owned()
    }

    /// Why a command is not done.
    pub(crate) fn refused(&self, command: &str) -> String {
        let done = self.ctl(command);
        assert_eq!((done.code, done.out.as_str()), (1, ""), "{command}");
        done.err
    }

    /// A column of a row of `show stat`.
    pub(crate) fn stat(&self, proxy: &str, name: &str, column: &str) -> Value {
        let done = run(&["ctl", "--socket", &self.socket(), "--json", "show stat"]);
        let answer: Value = serde_json::from_str(&done.out).expect("a JSON answer");
        let rows = answer["result"].as_array().expect("rows").iter();
        let mut rows = rows.filter(|row| row["pxname"] == proxy && row["svname"] == name);
        let row = rows
            .next()
            .unwrap_or_else(|| panic!("no row of {proxy}/{name}"));
        row[column].clone()
    }

    /// The name that an origin answers with, on a new connection.
    pub(crate) fn ask(&self) -> String {
        let mut client = Peer::connect(self.front);
        ask_on(&mut client)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A request and its answer.
pub(crate) fn ask_on(client: &mut Peer) -> String {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.head();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    client.body(&head)
}

/// One backend, `app`, behind one frontend, `web`.
pub(crate) fn sections(servers: &[(&str, SocketAddr)]) -> String {
    let servers = servers.iter().map(|(name, address)| {
        format!("[[backend.app.server]]\nname = \"{name}\"\naddress = \"{address}\"\n")
    });
    let servers: String = servers.collect();
    format!(
        "[frontend.web]\nbind = [\"FRONT\"]\ndefault_backend = \"app\"\n\
         [backend.app]\nbalance = \"roundrobin\"\n{servers}"
    )
}

/// Until something is so that nobody tells.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + crate::process::PATIENCE;
    while !holds() {
        assert!(
            std::time::Instant::now() < deadline,
            "waited in vain until {what}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}
