//! The last bytes that were no request, or no response, of each section: `show errors`.
//!
//! One of each is kept, as in HAProxy: they cost memory, and whoever sends such bytes sends many.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use lb_http::{
    Client,
    exchange::{Exchange, Junk},
    server::Refused,
};

use crate::log::{LocalClock, client_text};

/// Who sent what is kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Side {
    /// A client of a frontend.
    Request,
    /// A server of a backend.
    Response,
}

/// What was refused.
#[derive(Debug)]
pub(crate) struct Captured {
    /// How many there were before it.
    pub(crate) number: u64,
    /// When, since 1970.
    pub(crate) at: Duration,
    pub(crate) frontend: Box<str>,
    pub(crate) backend: Option<Box<str>>,
    /// The server's name and its number.
    pub(crate) server: Option<(Box<str>, u32)>,
    /// The client's end.
    pub(crate) source: Box<str>,
    /// What is wrong, where that is known.
    pub(crate) reason: Option<&'static str>,
    pub(crate) bytes: Bytes,
}

/// The last of each section.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Kept>);

/// By the name of the section.
pub(crate) type Last = BTreeMap<(Box<str>, Side), Arc<Captured>>;

#[derive(Debug, Default)]
struct Kept {
    last: Last,
    total: u64,
}

impl Refusals {
    /// A request of this frontend was refused.
    pub(super) fn request(&self, frontend: &str, refused: &Refused) {
        // Only what is there can be looked at.
        if refused.bytes.is_empty() {
            return;
        }
        self.keep(frontend, Side::Request, |number| Captured {
            number,
            at: LocalClock::now(),
            frontend: frontend.into(),
            backend: None,
            server: None,
            source: client_text(&refused.peer).into(),
            reason: Some(refused.reason),
            bytes: refused.bytes.clone(),
        });
    }

    /// A response of a server of this backend was refused.
    pub(super) fn response(
        &self,
        [frontend, backend]: [&str; 2],
        exchange: &Exchange,
        client: &Client,
        Junk(bytes): Junk,
    ) {
        let server = exchange.server.as_ref();
        self.keep(backend, Side::Response, |number| Captured {
            number,
            at: LocalClock::now(),
            frontend: frontend.into(),
            backend: Some(backend.into()),
            server: server.map(|server| (server.name().into(), server.number())),
            source: client.peer_text().into(),
            reason: None,
            bytes,
        });
    }

    /// How many there were, and the last one of each section.
    pub(crate) fn all(&self) -> (u64, Last) {
        let kept = self.lock();
        (kept.total, kept.last.clone())
    }

    fn keep(&self, section: &str, side: Side, captured: impl FnOnce(u64) -> Captured) {
        let mut kept = self.lock();
        let captured = Arc::new(captured(kept.total));
        kept.total += 1;
        kept.last.insert((section.into(), side), captured);
    }

    /// Whole at each step.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
