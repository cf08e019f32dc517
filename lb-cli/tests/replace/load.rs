//! Clients that never stop asking, and count every request that is not answered.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::process::PATIENCE;

/// Clients of each kind.
const CLIENTS: u32 = 4;

/// Requests of each client in a second, at most: 2,000 of all.
const RATE: u32 = 250;

/// Half of the clients keep their connections, the other half take a new one for each request.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
    began: Instant,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    answered: AtomicU64,
    connections: AtomicU64,
    failed: Mutex<Vec<String>>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answered: u64,
    pub(crate) connections: u64,
    pub(crate) failed: Vec<String>,
    pub(crate) took: Duration,
}

impl Load {
    pub(crate) fn begin(front: SocketAddr) -> Self {
        let shared: Arc<Shared> = Arc::default();
        let clients = (0..2 * CLIENTS).map(|number| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || client(front, number < CLIENTS, &shared))
        });
        Self {
            clients: clients.collect(),
            shared,
            began: Instant::now(),
        }
    }

    /// How many were answered up to now.
    pub(crate) fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn end(self) -> Outcome {
        self.shared.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client does not panic");
        }
        let failed = std::mem::take(&mut *self.shared.failed.lock().expect("nobody panicked"));
        Outcome {
            answered: self.shared.answered.load(Ordering::Relaxed),
            connections: self.shared.connections.load(Ordering::Relaxed),
            failed,
            took: self.began.elapsed(),
        }
    }
}

fn client(front: SocketAddr, keeps: bool, shared: &Shared) {
    let mut kept = None;
    let mut next = Instant::now();
    while !shared.stop.load(Ordering::Relaxed) {
        let outcome = match kept.take() {
            Some(stream) => Ok(stream),
            None => TcpStream::connect(front).map(|stream| {
                shared.connections.fetch_add(1, Ordering::Relaxed);
                BufReader::new(stream)
            }),
        };
        match outcome.and_then(|stream| exchange(stream, keeps)) {
            Ok(again) => {
                shared.answered.fetch_add(1, Ordering::Relaxed);
                kept = again.filter(|_| keeps);
            }
            Err(error) => {
                let kind = if keeps { "kept" } else { "new" };
                let text = format!("{kind} connection: {error}");
                shared.failed.lock().expect("nobody panicked").push(text);
            }
        }
        next += Duration::from_secs(1) / RATE;
        let now = Instant::now();
        match next.checked_duration_since(now) {
            Some(early) => thread::sleep(early),
            None => next = now,
        }
    }
}

/// One request; gives the connection back if it may be used again.
fn exchange(
    mut stream: BufReader<TcpStream>,
    keeps: bool,
) -> std::io::Result<Option<BufReader<TcpStream>>> {
    let refused = |what: &str| std::io::Error::other(what.to_owned());
    stream.get_ref().set_read_timeout(Some(PATIENCE))?;
    let close = if keeps { "" } else { "Connection: close\r\n" };
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{close}\r\n");
    stream.get_mut().write_all(request.as_bytes())?;
    let (mut length, mut last, mut first) = (0, false, true);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(refused("it was closed before the end of a head"));
        }
        if first && !line.starts_with("HTTP/1.1 200 ") {
            return Err(refused(line.trim_end()));
        }
        first = false;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().map_err(|_| refused("no length"))?;
        }
        last |= line == "connection: close";
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some(stream).filter(|_| !last))
}
