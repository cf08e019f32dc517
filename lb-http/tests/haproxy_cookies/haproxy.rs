//! HAProxy on a socket in a temporary directory, with its servers and its log in
//! this process.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use crate::{
    Outcome,
    backends::Backend,
    cases::{Case, Rule},
};

const DEADLINE: Duration = Duration::from_secs(10);

/// Nothing listens there.
const REFUSED: ([u8; 4], u16) = ([127, 0, 0, 1], 1);

/// What a server is to answer, and what it saw: by the number of the case.
type Board = Arc<Mutex<HashMap<u32, (Case, Vec<String>)>>>;

pub(crate) struct Haproxy {
    process: Child,
    directory: PathBuf,
    log: UdpSocket,
    board: Board,
    /// The addresses of s1 to s5.
    pub(crate) servers: [SocketAddr; 5],
    next: AtomicU32,
}

impl Haproxy {
    pub(crate) fn start(backends: &[Backend]) -> Self {
        static RUN: AtomicU32 = AtomicU32::new(0);
        let directory = std::env::temp_dir().join(format!(
            "lb-cookies-{}-{}",
            std::process::id(),
            RUN.fetch_add(1, Ordering::Relaxed)
        ));
        fs::create_dir_all(&directory).unwrap();
        let log = UdpSocket::bind("127.0.0.1:0").unwrap();
        log.set_read_timeout(Some(DEADLINE)).unwrap();
        let board = Board::default();
        let mut servers = [SocketAddr::from(REFUSED); 5];
        for server in &mut servers[..4] {
            *server = serve(Arc::clone(&board));
        }
        let configuration = configuration(
            backends,
            &servers,
            log.local_addr().unwrap(),
            &directory.join("socket"),
        );
        fs::write(directory.join("haproxy.cfg"), configuration).unwrap();
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let process = Command::new("haproxy")
            .env("PATH", path)
            .args(["-db", "-f"])
            .arg(directory.join("haproxy.cfg"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.join("stderr")).unwrap())
            .spawn()
            .expect("HAProxy cannot be started; install it: apt-get install haproxy");
        let mut haproxy = Self {
            process,
            directory,
            log,
            board,
            servers,
            next: AtomicU32::new(1),
        };
        haproxy.wait_until_ready();
        haproxy
    }

    fn wait_until_ready(&mut self) {
        let deadline = SystemTime::now() + DEADLINE;
        while UnixStream::connect(self.directory.join("socket")).is_err() {
            let stderr = || fs::read_to_string(self.directory.join("stderr")).unwrap();
            if self.process.try_wait().unwrap().is_some() {
                panic!("HAProxy ended: {}", stderr());
            }
            assert!(SystemTime::now() < deadline, "HAProxy hangs: {}", stderr());
            thread::yield_now();
        }
    }

    /// Sends the request of one case.
    pub(crate) fn run(&self, case: &Case) -> Outcome {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.board
            .lock()
            .unwrap()
            .insert(number, (case.clone(), Vec::new()));
        let mut stream = UnixStream::connect(self.directory.join("socket")).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut request = format!(
            "{} / HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: 0\r\n\
             x-backend: {}\r\nx-case: {number}\r\nx-rule: {}\r\n",
            case.method,
            case.backend,
            case.rule.name(),
        );
        for cookie in &case.cookies {
            write!(request, "cookie: {cookie}\r\n").unwrap();
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (_, seen) = self.board.lock().unwrap().remove(&number).unwrap();
        let (server, flags) = self.logged(number);
        Outcome {
            server,
            seen,
            set_cookie: fields(&response, "set-cookie"),
            cache_control: fields(&response, "cache-control"),
            flags,
        }
    }

    /// The server and the cookie characters of the log line of this case.
    fn logged(&self, number: u32) -> (String, String) {
        let mut line = [0; 256];
        loop {
            let length = self.log.recv(&mut line).expect("a log line in time");
            let line = std::str::from_utf8(&line[..length]).unwrap().trim();
            let [case, server, state] = line.split(' ').collect::<Vec<_>>()[..] else {
                continue;
            };
            if case == format!("{{{number}}}") {
                return (server.to_owned(), state[2..].to_owned());
            }
        }
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has told by then.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The values of the fields of this name, in order.
fn fields(head: &str, name: &str) -> Vec<String> {
    head.lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(':'))
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .collect()
}

/// A server that notes the cookies it sees and answers as its case says.
fn serve(board: Board) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let board = Arc::clone(&board);
            thread::spawn(move || answer(stream.unwrap(), &board));
        }
    });
    address
}

fn answer(mut stream: TcpStream, board: &Board) {
    let head: Vec<String> = BufReader::new(&stream)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let head = head.join("\r\n");
    let number = fields(&head, "x-case")[0].parse().unwrap();
    let mut board = board.lock().unwrap();
    let (case, seen) = board.get_mut(&number).unwrap();
    *seen = fields(&head, "cookie");
    let mut response = format!("HTTP/1.1 {} Status\r\nconnection: close\r\n", case.status);
    for (name, value) in &case.fields {
        write!(response, "{name}: {value}\r\n").unwrap();
    }
    if ![204, 304].contains(&case.status) {
        response.push_str("content-length: 0\r\n");
    }
    response.push_str("\r\n");
    stream.write_all(response.as_bytes()).unwrap();
}

fn configuration(
    backends: &[Backend],
    servers: &[SocketAddr; 5],
    log: SocketAddr,
    socket: &std::path::Path,
) -> String {
    let mut text = format!(
        "global
  log {log} len 1024 format raw local0
defaults
  mode http
  log global
  log-format \"%hr %s %tsc\"
  option dontlognull
  timeout client 10s
  timeout server 10s
  timeout connect 5s
  retries 1
  option redispatch 1
frontend in
  bind unix@{}
  capture request header x-case len 20
  use_backend %[req.hdr(x-backend)]
",
        socket.display()
    );
    for backend in backends {
        let (first, second) = match backend.name.starts_with("bare") {
            true => (0, 1),
            false => (1, 0),
        };
        let values: [&str; 2] = match backend.name {
            "dynamic" => ["", ""],
            _ => ["cookie c1", "cookie c2"],
        };
        let [s1, s2, s3, s4, s5] = servers;
        write!(
            text,
            "backend {}
  cookie SRV {}
  use-server s1 if {{ req.hdr(x-rule) {} }}
  use-server s4 if {{ req.hdr(x-rule) {} }}
  force-persist if {{ req.hdr(x-rule) {} }}
  ignore-persist if {{ req.hdr(x-rule) {} }}
  server s1 {s1} weight {first} {}
  server s2 {s2} weight 0 {}
  server s3 {s3} disabled cookie c3
  server s4 {s4} weight {second}
  server s5 {s5} weight 0 cookie c5
",
            backend.name,
            backend.haproxy,
            Rule::UseS1.name(),
            Rule::UseS4.name(),
            Rule::Force.name(),
            Rule::Ignore.name(),
            values[0],
            values[1],
        )
        .unwrap();
    }
    text
}
