//! `lb serve` with an admin socket, and servers that say their names.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use serde_json::Value;

use crate::process::{Done, PATIENCE, Running, run};

/// The path of a socket, which is removed at the end of its scope.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lb-api-{}-{number}.sock", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("the path is text")
    }

    /// All that is answered to a line, without the empty lines at its end.
    pub(crate) fn ask(&self, line: &str) -> String {
        let mut stream = UnixStream::connect(&self.0).expect("somebody listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream
            .write_all(format!("{line}\n").as_bytes())
            .expect("it is there");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.trim_end_matches('\n').to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A server that answers every request with its name, for as long as the process runs.
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
    let (mut head, mut byte) = (Vec::new(), [0]);
    while stream.read_exact(&mut byte).is_ok() {
        head.push(byte[0]);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            let length = name.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{name}");
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// `lb serve`, its front door, and its admin socket.
pub(crate) struct Rig {
    pub(crate) lb: Running,
    pub(crate) front: SocketAddr,
    pub(crate) place: Place,
}

impl Rig {
    /// With these sections, in which `FRONT` is its front door.
    pub(crate) fn new(sections: &str) -> Self {
        let place = Place::new();
        let path = place.path();
        let text = format!(
            "[global]\nworkers = 2\nmaxconn = 100\nadmin = {{ socket = \"{path}\" }}\n{sections}"
        );
        let (lb, front) = Running::serve(&text);
        Self { lb, front, place }
    }

    /// One frontend, `web`, and its backend, `app`, of servers `a`, `b`, … at these addresses.
    pub(crate) fn of(servers: &[SocketAddr]) -> Self {
        let lines = servers.iter().zip('a'..).map(|(address, name)| {
            format!("[[backend.app.server]]\nname = \"{name}\"\naddress = \"{address}\"\n")
        });
        let servers: String = lines.collect();
        Self::new(&format!(
            "[frontend.web]\nbind = [\"FRONT\"]\ndefault_backend = \"app\"\n\
             [backend.app]\nbalance = \"roundrobin\"\n{servers}"
        ))
    }

    /// The answer to a command that is done.
    pub(crate) fn done(&self, command: &str) -> String {
        let done = self.ctl(&[command]);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{command}");
        done.out
    }

    /// Why a command is not done.
    pub(crate) fn refused(&self, command: &str) -> String {
        let done = self.ctl(&[command]);
        assert_eq!((done.code, done.out.as_str()), (1, ""), "{command}");
        let why = done.err.strip_prefix("error: ").expect("a refusal");
        why.trim_end().to_owned()
    }

    pub(crate) fn ctl(&self, words: &[&str]) -> Done {
        run(&[&["ctl", "--socket", self.place.path()], words].concat())
    }

    /// The result of a command, as JSON.
    pub(crate) fn json(&self, command: &str) -> Value {
        let done = self.ctl(&["--json", command]);
        let answer: Value = serde_json::from_str(&done.out).expect("a JSON answer");
        assert_eq!((done.code, &answer["ok"]), (0, &true.into()), "{answer}");
        answer["result"].clone()
    }

    /// A column of a server's row in `show stat`.
    pub(crate) fn stat(&self, server: &str, column: &str) -> Value {
        let rows = self.json("show stat");
        let mut rows = rows.as_array().expect("rows").iter();
        let row = rows.find(|row| row["svname"] == server).expect("its row");
        row[column].clone()
    }

    /// The names that answer so many requests, one connection each.
    pub(crate) fn names(&self, count: usize) -> String {
        (0..count)
            .map(|_| get(self.front).expect("an answer"))
            .collect()
    }
}

/// What is answered to a request, without its head; `None` if nobody listens.
pub(crate) fn get(front: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(front).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some(body.to_owned())
}
