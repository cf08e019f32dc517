//! One case's stage: a client, the proxy, and an origin server whose every answer the case writes itself.
//!
//! A thread for each connection records what arrives; the case waits for what it needs with a deadline.
//! Nothing sleeps, so the order of events is the case's own: it can hold back an answer, close a
//! connection between two bytes, or see what reached the origin before the request was complete.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::wire::{self, End, Kind, Message};

/// What a case says: nothing, or what was seen instead of what the RFC asks for.
pub(crate) type Outcome = Result<(), String>;

/// Longer than every timeout in the proxies' configuration.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Origin,
}

/// One connection and all that arrived on it.
struct Tape {
    side: Side,
    stream: Option<TcpStream>,
    bytes: Vec<u8>,
    /// Bytes already taken as messages.
    taken: usize,
    end: Option<End>,
}

struct Shared {
    tapes: Mutex<Vec<Tape>>,
    changed: Condvar,
    refusing: AtomicBool,
}

impl Shared {
    fn tapes(&self) -> MutexGuard<'_, Vec<Tape>> {
        self.tapes
            .lock()
            .expect("no case panics while it holds the tapes")
    }

    /// Starts to record a connection; returns its place among the tapes.
    fn record(self: &Arc<Self>, side: Side, stream: TcpStream) -> usize {
        let mut incoming = stream
            .try_clone()
            .expect("a connected socket can be duplicated");
        let mut tapes = self.tapes();
        let id = tapes.len();
        tapes.push(Tape {
            side,
            stream: Some(stream),
            bytes: Vec::new(),
            taken: 0,
            end: None,
        });
        drop(tapes);
        self.changed.notify_all();
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let mut buffer = [0; 64 << 10];
            loop {
                let end = match incoming.read(&mut buffer) {
                    Ok(0) => End::Closed,
                    Ok(n) => {
                        shared.tapes()[id].bytes.extend_from_slice(&buffer[..n]);
                        shared.changed.notify_all();
                        continue;
                    }
                    Err(_) => End::Reset,
                };
                // Our copy of the socket goes first: `Wire::reset` needs to hold the last one.
                drop(incoming);
                shared.tapes()[id].end = Some(end);
                shared.changed.notify_all();
                break;
            }
        });
        id
    }
}

/// The stage of one case.
pub(crate) struct Scene {
    proxy: SocketAddr,
    origin: SocketAddr,
    shared: Arc<Shared>,
}

/// What became of a request that may be refused or relayed.
pub(crate) enum Fate {
    /// The proxy answered by itself.
    Refused(Message),
    /// The proxy closed the connection without an answer.
    Dropped,
    /// The origin has it.
    Relayed(Wire, Wire, Message),
}

impl Scene {
    /// A stage in front of `listener`, which the proxy at `proxy` takes for its only server.
    pub(crate) fn new(proxy: SocketAddr, listener: TcpListener) -> Self {
        let shared = Arc::new(Shared {
            tapes: Mutex::default(),
            changed: Condvar::new(),
            refusing: AtomicBool::new(false),
        });
        let origin = listener
            .local_addr()
            .expect("a bound listener has an address");
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.refusing.load(Ordering::Acquire) {
                    break;
                }
                let Ok(stream) = stream else { break };
                let _ = stream.set_nodelay(true);
                accepting.record(Side::Origin, stream);
            }
            drop(listener);
            accepting.refusing.store(false, Ordering::Release);
        });
        Scene {
            proxy,
            origin,
            shared,
        }
    }

    /// Stops the origin: from here on connections to it are refused.
    pub(crate) fn stop_origin(&self) {
        self.shared.refusing.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.origin);
        while self.shared.refusing.load(Ordering::Acquire) {
            thread::yield_now();
        }
    }

    /// A new connection to the proxy.
    pub(crate) fn client(&self) -> Result<Wire, String> {
        let stream = TcpStream::connect_timeout(&self.proxy, PATIENCE)
            .map_err(|e| format!("connect to the proxy: {e}"))?;
        let _ = stream.set_nodelay(true);
        let id = self.shared.record(Side::Client, stream);
        Ok(Wire {
            shared: Arc::clone(&self.shared),
            id,
        })
    }

    /// A new connection to the proxy that has already sent `bytes`.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) -> Result<Wire, String> {
        let client = self.client()?;
        client.send(bytes);
        Ok(client)
    }

    /// The next whole request to reach the origin, and the connection it came on.
    pub(crate) fn request(&self) -> Result<(Wire, Message), String> {
        self.wait("a request at the origin", |tapes| self.take_request(tapes))
    }

    /// The head of the next request to reach the origin; it is not taken.
    pub(crate) fn head(&self) -> Result<(Wire, Message), String> {
        self.wait("a request head at the origin", |tapes| {
            for (id, tape) in origins(tapes) {
                if let Some((message, _)) =
                    wire::parse_head(Kind::Request, &tape.bytes[tape.taken..])?
                {
                    return Ok(Some((self.wire(id), message)));
                }
            }
            Ok(None)
        })
    }

    /// Sends a request, waits for what the proxy does with it.
    pub(crate) fn attempt(&self, bytes: impl AsRef<[u8]>) -> Result<Fate, String> {
        let client = self.send(bytes)?;
        self.fate(&client)
    }

    /// Waits for what the proxy does with the request `client` has sent.
    pub(crate) fn fate(&self, client: &Wire) -> Result<Fate, String> {
        self.wait("an answer, or a request at the origin", |tapes| {
            if let Some((origin, request)) = self.take_request(tapes)? {
                return Ok(Some(Fate::Relayed(client.clone(), origin, request)));
            }
            let tape = &mut tapes[client.id];
            if let Some(answer) = take(tape, Kind::Response)? {
                return Ok(Some(Fate::Refused(answer)));
            }
            Ok((tape.end.is_some() && tape.bytes.len() == tape.taken).then_some(Fate::Dropped))
        })
    }

    /// The proxy answers the request by itself with one of `statuses`; no whole request reaches the
    /// origin.
    pub(crate) fn refused(
        &self,
        bytes: impl AsRef<[u8]>,
        statuses: &[u16],
    ) -> Result<Wire, String> {
        let client = self.send(bytes)?;
        match self.fate(&client)? {
            Fate::Refused(answer) => is_one_of(&answer, statuses)?,
            Fate::Dropped => return Err("closed without an answer".into()),
            Fate::Relayed(_, _, request) => return Err(format!("relayed: {}", request.show())),
        }
        self.untouched()?;
        Ok(client)
    }

    /// A request whose end cannot be known: answered 400, then the connection is closed.
    pub(crate) fn misframed(&self, bytes: impl AsRef<[u8]>) -> Outcome {
        self.refused(bytes, &[400])?.closed()?;
        self.untouched()
    }

    /// A request that is not HTTP: answered 400.
    pub(crate) fn malformed(&self, bytes: impl AsRef<[u8]>) -> Outcome {
        self.refused(bytes, &[400]).map(drop)
    }

    /// As `refused` with any error, where closing without a word will do too.
    pub(crate) fn rejected(&self, bytes: impl AsRef<[u8]>) -> Outcome {
        match self.attempt(bytes)? {
            Fate::Refused(answer) if (400..600).contains(&answer.status()) => self.untouched(),
            Fate::Refused(answer) => Err(format!("answered {}", answer.show())),
            Fate::Dropped => self.untouched(),
            Fate::Relayed(_, _, request) => Err(format!("relayed: {}", request.show())),
        }
    }

    /// One exchange on a connection of its own: what the origin got, and what the client got.
    pub(crate) fn exchange(
        &self,
        request: impl AsRef<[u8]>,
        answer: impl AsRef<[u8]>,
    ) -> Result<(Message, Message), String> {
        let client = self.send(request)?;
        self.answer(&client, answer)
    }

    /// The exchange for a request that `client` has sent.
    pub(crate) fn answer(
        &self,
        client: &Wire,
        answer: impl AsRef<[u8]>,
    ) -> Result<(Message, Message), String> {
        let (origin, request) = match self.fate(client)? {
            Fate::Relayed(_, origin, request) => (origin, request),
            Fate::Refused(answer) => {
                return Err(format!("not relayed but answered {}", answer.show()));
            }
            Fate::Dropped => return Err("not relayed but closed".into()),
        };
        origin.send(answer);
        let response = match request.method() {
            "HEAD" => client.head_response()?,
            _ => client.response()?,
        };
        Ok((request, response))
    }

    /// No whole request is waiting at the origin.
    pub(crate) fn untouched(&self) -> Outcome {
        let mut tapes = self.shared.tapes();
        match self.take_request(&mut tapes) {
            Ok(None) => Ok(()),
            Ok(Some((_, request))) => Err(format!("the origin received {}", request.show())),
            Err(malformed) => Err(format!("the origin received {malformed}")),
        }
    }

    /// The request is refused, or relayed as one request with that body after which the connection is
    /// closed; what follows it in `bytes` never reaches the origin.
    pub(crate) fn no_desync(&self, bytes: impl AsRef<[u8]>, body: &[u8]) -> Outcome {
        let client = self.send(bytes)?;
        match self.fate(&client)? {
            Fate::Refused(answer) => {
                is_one_of(&answer, &[400, 411, 501])?;
                client.closed()?;
            }
            Fate::Dropped => {}
            Fate::Relayed(_, origin, request) => {
                if request.body != body {
                    return Err(format!("relayed with another body: {}", request.show()));
                }
                origin.send(OK);
                is_one_of(&client.response()?, &[200])?;
                client.closed()?;
            }
        }
        self.untouched()
    }

    /// Connections the origin has accepted.
    pub(crate) fn connections(&self) -> usize {
        self.shared
            .tapes()
            .iter()
            .filter(|tape| tape.side == Side::Origin)
            .count()
    }

    /// Everything the origin has received, for cases that look for an octet.
    pub(crate) fn received(&self) -> Vec<u8> {
        let mut tapes = self.shared.tapes();
        origins(&mut tapes)
            .flat_map(|(_, tape)| tape.bytes.clone())
            .collect()
    }

    /// All connections to the origin on which a request began are closed by the proxy.
    pub(crate) fn hung_up(&self) -> Outcome {
        self.wait("the proxy to close its connection to the origin", |tapes| {
            Ok(origins(tapes)
                .all(|(_, tape)| tape.end.is_some() || tape.bytes.is_empty())
                .then_some(()))
        })
    }

    fn take_request(&self, tapes: &mut [Tape]) -> Result<Option<(Wire, Message)>, String> {
        for (id, tape) in origins(tapes) {
            // A request that was cut short is no request; only whole ones and malformed ones count.
            let end = tape.end.take();
            let taken = take(tape, Kind::Request);
            tape.end = end;
            if let Some(request) = taken? {
                return Ok(Some((self.wire(id), request)));
            }
        }
        Ok(None)
    }

    fn wire(&self, id: usize) -> Wire {
        Wire {
            shared: Arc::clone(&self.shared),
            id,
        }
    }

    fn wait<T>(
        &self,
        what: &str,
        look: impl FnMut(&mut [Tape]) -> Result<Option<T>, String>,
    ) -> Result<T, String> {
        wait(&self.shared, what, look)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for tape in self.shared.tapes().iter_mut() {
            if let Some(stream) = tape.stream.take() {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

/// An answer for cases that are about the request.
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A GET with these field lines.
pub(crate) fn get(fields: &str) -> String {
    format!("GET /path HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n")
}

/// A POST with these field lines, followed by `body`.
pub(crate) fn post(fields: &str, body: &str) -> String {
    format!("POST /path HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n{body}")
}

/// A 200 with these field lines, followed by `body`.
pub(crate) fn ok(fields: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{fields}\r\n{body}")
}

/// One connection: the client's to the proxy, or the proxy's to the origin.
#[derive(Clone)]
pub(crate) struct Wire {
    shared: Arc<Shared>,
    id: usize,
}

impl Wire {
    /// Sends bytes; a proxy that no longer reads is judged by what it has sent, so that is no error here.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) {
        let stream = self.shared.tapes()[self.id]
            .stream
            .as_ref()
            .and_then(|s| s.try_clone().ok());
        if let Some(mut stream) = stream {
            let _ = stream.set_write_timeout(Some(PATIENCE));
            let _ = stream.write_all(bytes.as_ref());
        }
    }

    /// Sends bytes one by one, each in a segment of its own.
    pub(crate) fn dribble(&self, bytes: impl AsRef<[u8]>) {
        for byte in bytes.as_ref() {
            self.send([*byte]);
            thread::yield_now();
        }
    }

    /// Closes our sending direction.
    pub(crate) fn finish(&self) {
        self.shutdown(Shutdown::Write);
    }

    /// Closes both directions.
    pub(crate) fn close(&self) {
        self.shutdown(Shutdown::Both);
    }

    fn shutdown(&self, how: Shutdown) {
        if let Some(stream) = &self.shared.tapes()[self.id].stream {
            let _ = stream.shutdown(how);
        }
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(&self) -> Outcome {
        if let Some(stream) = &self.shared.tapes()[self.id].stream {
            let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
            let _ = stream.shutdown(Shutdown::Read);
        }
        wait(&self.shared, "our own reader to end", |tapes| {
            Ok(tapes[self.id].end.map(drop))
        })?;
        self.shared.tapes()[self.id].stream = None;
        Ok(())
    }

    /// The next response, interim ones included.
    pub(crate) fn response(&self) -> Result<Message, String> {
        self.message(Kind::Response)
    }

    /// The next response, to a HEAD.
    pub(crate) fn head_response(&self) -> Result<Message, String> {
        self.message(Kind::HeadResponse)
    }

    /// The next response that is not an interim one.
    pub(crate) fn final_response(&self) -> Result<Message, String> {
        loop {
            let response = self.response()?;
            if response.status() >= 200 {
                return Ok(response);
            }
        }
    }

    fn message(&self, kind: Kind) -> Result<Message, String> {
        wait(&self.shared, "a response", |tapes| {
            let tape = &mut tapes[self.id];
            match take(tape, kind)? {
                None if tape.end.is_some() => Err("closed without a response".into()),
                taken => Ok(taken),
            }
        })
    }

    /// Waits until at least `n` bytes beyond the messages taken have arrived, and takes those.
    pub(crate) fn bytes(&self, n: usize) -> Result<Vec<u8>, String> {
        wait(&self.shared, "more bytes", |tapes| {
            let tape = &mut tapes[self.id];
            let Some(bytes) = tape.bytes.get(tape.taken..tape.taken + n) else {
                return tape
                    .end
                    .map_or(Ok(None), |end| Err(format!("{end:?} before {n} bytes")));
            };
            let bytes = bytes.to_vec();
            tape.taken += n;
            Ok(Some(bytes))
        })
    }

    /// Waits until something has arrived; takes nothing.
    pub(crate) fn some(&self) -> Outcome {
        wait(&self.shared, "any bytes", |tapes| {
            let tape = &tapes[self.id];
            Ok((tape.bytes.len() > tape.taken || tape.end.is_some()).then_some(()))
        })
    }

    /// Waits for the end of the connection; gives what came before it and was not taken.
    pub(crate) fn rest(&self) -> Result<Vec<u8>, String> {
        wait(&self.shared, "the end of the connection", |tapes| {
            let tape = &mut tapes[self.id];
            Ok(tape.end.map(|_| {
                tape.bytes[std::mem::replace(&mut tape.taken, tape.bytes.len())..].to_vec()
            }))
        })
    }

    /// The connection ends, and nothing more came on it.
    pub(crate) fn closed(&self) -> Outcome {
        match &self.rest()?[..] {
            [] => Ok(()),
            more => Err(format!("more bytes before the end: {}", wire::clip(more))),
        }
    }

    /// The response can be seen to be broken: 502 or 504, or cut off before its end.
    pub(crate) fn broken(&self) -> Outcome {
        match self.final_response() {
            Ok(answer) if matches!(answer.status(), 502 | 504) => Ok(()),
            Ok(answer) => Err(format!("passed for whole: {}", answer.show())),
            Err(_) if self.shared.tapes()[self.id].end.is_some() => Ok(()),
            Err(other) => Err(other),
        }
    }
}

/// The answer has one of these statuses.
pub(crate) fn is_one_of(answer: &Message, statuses: &[u16]) -> Outcome {
    match statuses.contains(&answer.status()) {
        true => Ok(()),
        false => Err(format!("answered {}, not {statuses:?}", answer.show())),
    }
}

/// `Err` with what was seen, unless `holds`.
pub(crate) fn check(holds: bool, seen: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(seen()) }
}

fn origins(tapes: &mut [Tape]) -> impl Iterator<Item = (usize, &mut Tape)> {
    tapes
        .iter_mut()
        .enumerate()
        .filter(|(_, tape)| tape.side == Side::Origin)
}

fn take(tape: &mut Tape, kind: Kind) -> Result<Option<Message>, String> {
    let parsed = wire::parse(kind, &tape.bytes[tape.taken..], tape.end)?;
    Ok(parsed.map(|(message, used)| {
        tape.taken += used;
        message
    }))
}

fn wait<T>(
    shared: &Shared,
    what: &str,
    mut look: impl FnMut(&mut [Tape]) -> Result<Option<T>, String>,
) -> Result<T, String> {
    let deadline = Instant::now() + PATIENCE;
    let mut tapes = shared.tapes();
    loop {
        if let Some(found) = look(&mut tapes).map_err(|e| format!("{e}{}", show(&tapes)))? {
            return Ok(found);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!("waited in vain for {what}{}", show(&tapes)));
        }
        (tapes, _) = shared
            .changed
            .wait_timeout(tapes, left)
            .expect("no case panics while it holds the tapes");
    }
}

/// What is on the tapes, for messages about a failure.
fn show(tapes: &[Tape]) -> String {
    let line = |tape: &Tape| {
        let end = tape.end.map_or(String::new(), |end| format!(" ({end:?})"));
        format!(
            "\n        {:?} received \"{}\"{end}",
            tape.side,
            wire::clip(&tape.bytes)
        )
    };
    tapes.iter().map(line).collect()
}
