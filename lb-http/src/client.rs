//! The client's connection, as services behind a server see it.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use crossbeam_utils::atomic::AtomicCell;
use http::{HeaderMap, StatusCode};
use lb_tcp::Endpoint;
use tokio::time::{Duration, Instant};

use crate::{exchange::Exchange, h1::encode, transaction::Session};

/// Request extension: who sent it, and the way back for informational
/// responses.
///
/// This crate's [`Server`](crate::server::Server) puts one into every request.
/// Under another server, put one in yourself ([`Client::new`]), so that
/// `X-Forwarded-For`, `balance source` and conditions on `src` know the client.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    /// The ends that rules have stated for the request at hand (`set-src`).
    stated: Option<Arc<Ends>>,
}

/// The two ends of a connection.
struct Ends {
    peer: Endpoint,
    /// `address:port`, which every log line and every forwarded field needs.
    peer_text: Box<str>,
    local: Endpoint,
}

struct Shared {
    ends: Ends,
    accepted: Instant,
    requests: AtomicU32,
    /// When the connection was there for the request at hand, when that began and when
    /// its head was whole, in nanoseconds after `accepted`.
    ready: AtomicU64,
    began: AtomicU64,
    received: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// Of the request at hand: where its app sends it, and the server that has it; 0 is nowhere.
    place: AtomicU32,
    server: AtomicU64,
    abort_on_close: AtomicBool,
    /// `set-timeout client` of the current request, in milliseconds; 0: there is none.
    timeout: AtomicU64,
    closes: AtomicBool,
    killed: AtomicBool,
    broken: AtomicCell<Option<Broken>>,
    /// How far the request came that nobody waits for any more.
    abandoned: AtomicCell<Option<Box<Exchange>>>,
    /// Whoever serves this connection writes informational responses and
    /// tunnels upgraded ones.
    engine: bool,
    /// Informational responses on their way; touched by the few requests that have any.
    interim: AtomicCell<Option<Vec<u8>>>,
    interim_waits: AtomicU32,
    /// Variables of the connection.
    session: Session,
}

/// How a connection to a client failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// The client closed it, or its network did.
    Gone,
    /// The client took nothing for too long.
    Stalled,
}

impl Client {
    /// A client at `peer` that connected to `local`.
    pub fn new(peer: SocketAddr, local: SocketAddr) -> Self {
        Self::build(peer.into(), local.into(), false)
    }

    /// For [`Server::serve_client`](crate::server::Server::serve_client), which is to serve a connection of this one.
    pub fn of_connection(peer: Endpoint, local: Endpoint) -> Self {
        Self::build(peer, local, true)
    }

    fn build(peer: Endpoint, local: Endpoint, engine: bool) -> Self {
        let shared = Shared {
            ends: Ends::new(peer, local),
            accepted: Instant::now(),
            requests: AtomicU32::new(0),
            ready: AtomicU64::new(0),
            began: AtomicU64::new(0),
            received: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            place: AtomicU32::new(0),
            server: AtomicU64::new(0),
            abort_on_close: AtomicBool::new(false),
            timeout: AtomicU64::new(0),
            closes: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            broken: AtomicCell::new(None),
            abandoned: AtomicCell::new(None),
            engine,
            interim: AtomicCell::new(None),
            interim_waits: AtomicU32::new(0),
            session: Session::default(),
        };
        Self {
            shared: Arc::new(shared),
            stated: None,
        }
    }

    /// The same connection, for a request of which rules say that it came from `peer` to `local` (`set-src`, `set-dst`).
    #[must_use]
    pub fn stating(&self, peer: Endpoint, local: Endpoint) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            stated: Some(Arc::new(Ends::new(peer, local))),
        }
    }

    fn ends(&self) -> &Ends {
        self.stated.as_deref().unwrap_or(&self.shared.ends)
    }

    /// The client's end.
    pub fn peer(&self) -> &Endpoint {
        &self.ends().peer
    }

    /// The client's end as `address:port`, an IPv6 address without brackets, as
    /// HAProxy logs it.
    pub fn peer_text(&self) -> &str {
        &self.ends().peer_text
    }

    /// The client's IP address as text, unless it came by a Unix socket.
    pub(crate) fn ip_text(&self) -> Option<&str> {
        self.ends().peer.ip()?;
        self.ends().peer_text.rsplit_once(':').map(|(ip, _)| ip)
    }

    /// This side's end.
    pub fn local(&self) -> &Endpoint {
        &self.ends().local
    }

    /// Requests on this connection so far, this one included; 0 where that is
    /// not known.
    pub fn requests(&self) -> u32 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Since when the connection waited for the current request: it was accepted, or the request before it had ended.
    pub fn ready(&self) -> Instant {
        self.shared.accepted + Duration::from_nanos(self.shared.ready.load(Ordering::Relaxed))
    }

    /// When the first byte of the current request came.
    pub fn began(&self) -> Instant {
        self.shared.accepted + Duration::from_nanos(self.shared.began.load(Ordering::Relaxed))
    }

    /// When the head of the current request was whole.
    pub fn received(&self) -> Instant {
        self.shared.accepted + Duration::from_nanos(self.shared.received.load(Ordering::Relaxed))
    }

    /// The same, if this crate's server has noted it.
    pub(crate) fn received_now(&self) -> Option<Instant> {
        self.shared.engine.then(|| self.received())
    }

    /// How the connection to the client failed, if it did before the response
    /// was out.
    pub fn broken(&self) -> Option<Broken> {
        self.shared.broken.load()
    }

    /// How far a [`Proxy`](crate::Proxy) came with the request at hand whose
    /// future was dropped before it had a response.
    pub fn take_abandoned(&self) -> Option<Box<Exchange>> {
        self.shared.abandoned.take()
    }

    /// Bytes of the current request that have been read, head included; the
    /// bytes of a tunnel are none of it.
    pub fn bytes_in(&self) -> u64 {
        self.shared.bytes_in.load(Ordering::Relaxed)
    }

    /// Bytes sent to the client for the current request, head included.
    pub fn bytes_out(&self) -> u64 {
        self.shared.bytes_out.load(Ordering::Relaxed)
    }

    /// Sends an informational response (1xx other than 101) ahead of the final
    /// one, if the server can; says whether it does.
    pub fn inform(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        if !self.shared.engine {
            return false;
        }
        let mut bytes = self.shared.interim.take().unwrap_or_default();
        encode::informational(&mut bytes, status, headers);
        self.shared.interim.store(Some(bytes));
        self.shared.interim_waits.fetch_add(1, Ordering::Release);
        true
    }

    /// Says for the current request whether it is dropped when the client closes
    /// before the response begins (`option abortonclose`); until then
    /// [`Settings::abort_on_close`](crate::server::Settings::abort_on_close) holds.
    pub fn abort_on_close(&self, abort: bool) {
        self.shared.abort_on_close.store(abort, Ordering::Relaxed);
    }

    /// How long this crate's server waits for the client in the rest of the current request, in the place of what it
    /// is set to (`set-timeout client`). A part of a millisecond counts as a whole one.
    pub fn wait(&self, timeout: Duration) {
        let millis = timeout.as_nanos().div_ceil(1_000_000).max(1);
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        self.shared.timeout.store(millis, Ordering::Relaxed);
    }

    /// The same; `None` if nobody has said so.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        let millis = self.shared.timeout.load(Ordering::Relaxed);
        (millis > 0).then(|| Duration::from_millis(millis))
    }

    /// Closes the connection after the response to the current request
    /// (`option httpclose` of a backend).
    pub fn close(&self) {
        self.shared.closes.store(true, Ordering::Relaxed);
    }

    /// Notes where the current request is sent, as the app numbers places, from 1 on.
    pub fn sends_to(&self, place: u32) {
        self.shared.place.store(place, Ordering::Relaxed);
    }

    /// Where the current request was sent; 0 if it is not known.
    pub fn place(&self) -> u32 {
        self.shared.place.load(Ordering::Relaxed)
    }

    /// The [`ServerUid`](lb_core::server::ServerUid) of the server that has the current request, or had it last; 0 if none
    /// has.
    pub fn server(&self) -> u64 {
        self.shared.server.load(Ordering::Relaxed)
    }

    pub(crate) fn is_served_by(&self, server: u64) {
        self.shared.server.store(server, Ordering::Relaxed);
    }

    /// Is no request under way on this connection?
    pub fn is_idle(&self) -> bool {
        let load = |at: &AtomicU64| at.load(Ordering::Relaxed);
        self.requests() == 0 || load(&self.shared.received) < load(&self.shared.ready)
    }

    /// An operator ends this connection; whoever says so also drops what serves it.
    pub fn kill(&self) {
        self.shared.killed.store(true, Ordering::Relaxed);
    }

    /// Did an operator end this connection?
    pub fn is_killed(&self) -> bool {
        self.shared.killed.load(Ordering::Relaxed)
    }

    pub(crate) fn closes(&self) -> bool {
        self.shared.closes.load(Ordering::Relaxed)
    }

    pub(crate) fn aborts_on_close(&self) -> bool {
        self.shared.abort_on_close.load(Ordering::Relaxed)
    }

    /// Variables of the connection.
    pub(crate) fn session(&self) -> &Session {
        &self.shared.session
    }

    /// Can a response hand over a tunnel?
    pub(crate) fn is_engine(&self) -> bool {
        self.shared.engine
    }

    /// A request has been read whose first byte came at `began` and whose last
    /// at `received`.
    pub(crate) fn begin_request(&self, began: Instant, received: Instant, abort_on_close: bool) {
        self.abort_on_close(abort_on_close);
        self.shared.closes.store(false, Ordering::Relaxed);
        self.shared.timeout.store(0, Ordering::Relaxed);
        self.shared.place.store(0, Ordering::Relaxed);
        self.shared.server.store(0, Ordering::Relaxed);
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        self.shared
            .began
            .store(self.nanos(began), Ordering::Relaxed);
        self.shared
            .received
            .store(self.nanos(received), Ordering::Relaxed);
        self.shared.bytes_out.store(0, Ordering::Relaxed);
    }

    /// The current request has ended, and the connection waits for the next.
    pub(crate) fn await_next(&self, now: Instant) {
        self.shared.ready.store(self.nanos(now), Ordering::Relaxed);
    }

    fn nanos(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.shared.accepted);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    pub(crate) fn broke_off(&self, broken: Broken) {
        self.shared.broken.store(Some(broken));
    }

    pub(crate) fn abandon(&self, exchange: Exchange) {
        self.shared.abandoned.store(Some(Box::new(exchange)));
    }

    pub(crate) fn took(&self, bytes: u64) {
        self.shared.bytes_in.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, bytes: u64) {
        self.shared.bytes_out.store(bytes, Ordering::Relaxed);
    }

    /// Informational responses that wait to be written.
    pub(crate) fn take_interim(&self) -> Option<Vec<u8>> {
        if self.shared.interim_waits.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.shared.interim_waits.store(0, Ordering::Relaxed);
        self.shared.interim.take()
    }
}

impl Ends {
    fn new(peer: Endpoint, local: Endpoint) -> Self {
        let peer_text = match peer.inet() {
            Some(address) => format!("{}:{}", address.ip(), address.port()),
            None => format!("{peer}:0"),
        };
        Self {
            peer,
            peer_text: peer_text.into_boxed_str(),
            local,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("peer", &self.ends().peer)
            .field("local", &self.ends().local)
            .finish_non_exhaustive()
    }
}
