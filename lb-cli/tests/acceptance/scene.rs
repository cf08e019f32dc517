//! One case's stage: a client, the proxy, and an origin server whose every answer the case writes itself.
//!
//! A thread for each connection records what arrives; the case waits for what it needs with a deadline.
//! Nothing sleeps, so the order of events is the case's own: it can hold back an answer, close a
//! connection between two bytes, or see what reached the origin before the request was complete.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::message::{self, Kind, Message};
use crate::tape::{PATIENCE, PROMPT, Shared, Side, Tape, origins, take, wait, wait_for};
use crate::wire::Wire;

/// What a case says: nothing, or what was seen instead of what the RFC asks for.
pub(crate) type Outcome = Result<(), String>;

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
                    message::parse_head(Kind::Request, &tape.bytes[tape.taken..])?
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

    /// All connections to the origin on which a request began are closed by the proxy at once.
    pub(crate) fn hung_up(&self) -> Outcome {
        wait_for(
            &self.shared,
            PROMPT,
            "the proxy to close its connection to the origin",
            |tapes| {
                let done =
                    origins(tapes).all(|(_, tape)| tape.end.is_some() || tape.bytes.is_empty());
                Ok(done.then_some(()))
            },
        )
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
