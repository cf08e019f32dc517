//! What arrives on each connection of a case, recorded by a thread of its own.

use std::io::Read as _;
use std::net::TcpStream;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::message::{self, End, Kind, Message};

/// Longer than every timeout in the proxies' configuration.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Shorter than every timeout in the proxies' configuration: what must happen by itself happens within.
pub(crate) const PROMPT: Duration = Duration::from_millis(1500);

/// Whose connection to the proxy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Origin,
}

/// One connection and all that arrived on it.
pub(crate) struct Tape {
    pub(crate) side: Side,
    pub(crate) stream: Option<TcpStream>,
    pub(crate) bytes: Vec<u8>,
    /// Bytes already taken as messages.
    pub(crate) taken: usize,
    pub(crate) end: Option<End>,
}

/// All tapes of a case; `changed` tells of every byte and every end.
pub(crate) struct Shared {
    pub(crate) tapes: Mutex<Vec<Tape>>,
    pub(crate) changed: Condvar,
    /// Set to make the origin stop listening; cleared when it has.
    pub(crate) refusing: AtomicBool,
}

impl Shared {
    pub(crate) fn tapes(&self) -> MutexGuard<'_, Vec<Tape>> {
        self.tapes
            .lock()
            .expect("no case panics while it holds the tapes")
    }

    /// Starts to record a connection; returns its place among the tapes.
    pub(crate) fn record(self: &Arc<Self>, side: Side, stream: TcpStream) -> usize {
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

/// The origin's connections and their places.
pub(crate) fn origins(tapes: &mut [Tape]) -> impl Iterator<Item = (usize, &mut Tape)> {
    tapes
        .iter_mut()
        .enumerate()
        .filter(|(_, tape)| tape.side == Side::Origin)
}

/// Takes the next message if it is there.
pub(crate) fn take(tape: &mut Tape, kind: Kind) -> Result<Option<Message>, String> {
    let parsed = message::parse(kind, &tape.bytes[tape.taken..], tape.end)?;
    Ok(parsed.map(|(message, used)| {
        tape.taken += used;
        message
    }))
}

/// Looks at the tapes whenever they change, until `look` has found what it wants.
pub(crate) fn wait<T>(
    shared: &Shared,
    what: &str,
    look: impl FnMut(&mut [Tape]) -> Result<Option<T>, String>,
) -> Result<T, String> {
    wait_for(shared, PATIENCE, what, look)
}

/// As `wait`, with a limit of its own.
pub(crate) fn wait_for<T>(
    shared: &Shared,
    limit: Duration,
    what: &str,
    mut look: impl FnMut(&mut [Tape]) -> Result<Option<T>, String>,
) -> Result<T, String> {
    let deadline = Instant::now() + limit;
    let mut tapes = shared.tapes();
    loop {
        if let Some(found) = look(&mut tapes).map_err(|e| format!("{e}{}", show(&tapes)))? {
            return Ok(found);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!("waited in vain for {what}{}", show(&tapes)));
        }
        let waited = shared.changed.wait_timeout(tapes, left);
        (tapes, _) = waited.expect("no case panics while it holds the tapes");
    }
}

/// What is on the tapes, for messages about a failure.
fn show(tapes: &[Tape]) -> String {
    let line = |tape: &Tape| {
        let end = tape.end.map_or(String::new(), |end| format!(" ({end:?})"));
        format!(
            "\n        {:?} received \"{}\"{end}",
            tape.side,
            message::clip(&tape.bytes)
        )
    };
    tapes.iter().map(line).collect()
}
