//! What stands behind a server of an HTTP pool.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use http::HeaderValue;
use lb_tcp::{Address, Connector, Stream};
use tokio::{
    sync::{Notify, futures::OwnedNotified},
    time::Instant,
};

use crate::pool::IdleSet;

/// The address of a server, how to connect to it, and its idle connections.
///
/// ```
/// use lb_http::Upstream;
///
/// let upstream: Upstream = "10.0.0.1:8080".parse()?;
/// assert_eq!(upstream.address().to_string(), "10.0.0.1:8080");
/// # Ok::<_, lb_http::UpstreamError>(())
/// ```
pub struct Upstream {
    /// Shared with whoever succeeds it.
    place: Arc<Location>,
    connector: Connector,
    /// Of each worker; shared with whoever succeeds it.
    idle: Arc<[IdleSet]>,
    options: PoolOptions,
    send_proxy: Option<ProxyVersion>,
    redirect: Option<HeaderValue>,
    /// Tells exchanges to break off; only where that was asked for.
    shutdown: Option<Arc<Notify>>,
}

/// Where a server is.
struct Location {
    address: ArcSwap<Address>,
    /// It has been changed.
    moved: AtomicBool,
}

/// The version of the PROXY protocol that a server expects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyVersion {
    /// Text (`send-proxy`).
    V1,
    /// Binary (`send-proxy-v2`).
    V2,
}

/// What becomes of connections between requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolOptions {
    /// Idle connections kept for each server and worker (`pool-max-conn`).
    pub max_idle: usize,
    /// Closed after this long without a request (`pool-purge-delay`).
    pub idle_timeout: Duration,
    /// Not used again after this long; `None` is no limit.
    pub max_age: Option<Duration>,
    /// Requests on one connection; 0 is no limit (`max-reuse`).
    pub max_uses: u32,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max_idle: 256,
            // Below the keep-alive time-out of common servers, so that they
            // seldom close a connection just as it is taken: 5 s in Node and
            // Apache, HAProxy's own delay too.
            idle_timeout: Duration::from_millis(4_500),
            max_age: None,
            max_uses: 0,
        }
    }
}

/// The address of a server cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// It is no address.
    #[error(transparent)]
    Invalid(#[from] lb_tcp::ParseAddressError),
    /// It is one to listen on, or a name that has not been resolved.
    #[error("`{0}` is not an address to connect to; resolve names first")]
    NotConnectable(Address),
}

impl Upstream {
    /// A server at `address`: of IP and port, or a Unix socket.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::NotConnectable`] for other forms.
    pub fn new(address: Address) -> Result<Self, UpstreamError> {
        match address {
            Address::Inet(_) | Address::Unix(_) | Address::Abstract(_) => Ok(Self::at(address)),
            other => Err(UpstreamError::NotConnectable(other)),
        }
    }

    fn at(address: Address) -> Self {
        let options = PoolOptions::default();
        Self {
            place: Arc::new(Location {
                address: ArcSwap::from_pointee(address),
                moved: AtomicBool::new(false),
            }),
            connector: Connector::new(),
            idle: Arc::new([IdleSet::new(options.max_idle)]),
            options,
            send_proxy: None,
            redirect: None,
            shutdown: None,
        }
    }

    /// Connects from a given address or interface.
    #[must_use]
    pub fn connector(mut self, connector: Connector) -> Self {
        self.connector = connector;
        self
    }

    /// Sets what becomes of idle connections, which are kept apart for each of
    /// `shards` workers: a connection belongs to the runtime it was made on.
    #[must_use]
    pub fn pool(mut self, options: PoolOptions, shards: usize) -> Self {
        self.options = options;
        self.idle = (0..shards.max(1))
            .map(|_| IdleSet::new(options.max_idle))
            .collect();
        self
    }

    /// Tells the server the client's address by the PROXY protocol. Each client
    /// then has connections of its own (`send-proxy`, `send-proxy-v2`).
    #[must_use]
    pub fn send_proxy(mut self, version: ProxyVersion) -> Self {
        self.send_proxy = Some(version);
        self
    }

    /// Answers GET and HEAD with a redirection to `prefix` and the request's
    /// target instead of connecting (`redir`).
    #[must_use]
    pub fn redirect(mut self, prefix: HeaderValue) -> Self {
        self.redirect = Some(prefix);
        self
    }

    /// Makes [`shutdown_sessions`](Self::shutdown_sessions) work, at a small cost
    /// for each request.
    #[must_use]
    pub fn with_shutdown(mut self) -> Self {
        self.shutdown = Some(Arc::default());
        self
    }

    /// Goes on as `before`, which stood for the same server at the same address by an earlier configuration: where it
    /// was moved to, and with its idle connections if they are still made in the same way.
    #[must_use]
    pub fn succeed(mut self, before: &Self) -> Self {
        self.place = Arc::clone(&before.place);
        let alike = self.connector == before.connector
            && self.send_proxy == before.send_proxy
            && self.options == before.options
            && self.idle.len() == before.idle.len();
        if alike {
            self.idle = Arc::clone(&before.idle);
        }
        if let (Some(own), Some(theirs)) = (&mut self.shutdown, &before.shutdown) {
            *own = Arc::clone(theirs);
        }
        self
    }

    /// Breaks off every exchange with this server
    /// (`on-marked-down shutdown-sessions`). False if it was not built
    /// [`with_shutdown`](Self::with_shutdown).
    pub fn shutdown_sessions(&self) -> bool {
        let shutdown = self.shutdown.as_ref();
        shutdown.map(|shutdown| shutdown.notify_waiters()).is_some()
    }

    /// Where it is now.
    pub fn address(&self) -> Guard<Arc<Address>> {
        self.place.address.load()
    }

    /// From now on it is elsewhere (`set server … addr`). Exchanges that are under
    /// way end where they began; their connections are not used again.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::NotConnectable`] as for [`new`](Self::new).
    pub fn move_to(&self, address: Address) -> Result<(), UpstreamError> {
        match address {
            Address::Inet(_) | Address::Unix(_) | Address::Abstract(_) => {}
            other => return Err(UpstreamError::NotConnectable(other)),
        }
        self.place.address.store(Arc::new(address));
        self.place.moved.store(true, Ordering::Release);
        self.close_idle();
        Ok(())
    }

    /// Has its address been changed?
    pub fn has_moved(&self) -> bool {
        self.place.moved.load(Ordering::Acquire)
    }

    /// Does this connection lead to where the server is now?
    pub(crate) fn is_at_other_end_of(&self, stream: &Stream) -> bool {
        if !self.place.moved.load(Ordering::Acquire) {
            return true;
        }
        match (self.socket_addr(), stream.peer()) {
            (Some(address), Ok(peer)) => peer == address.into(),
            _ => false,
        }
    }

    /// Its socket address, unless it is a Unix socket.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        self.place.address.load().inet()
    }

    /// Idle connections of all workers.
    pub fn idle_connections(&self) -> usize {
        self.idle.iter().map(IdleSet::len).sum()
    }

    /// Idle connections of one worker.
    pub fn idle_connections_of(&self, shard: usize) -> usize {
        self.idle.get(shard).map_or(0, IdleSet::len)
    }

    /// Closes connections of a worker that have been idle for too long, or that
    /// the server has closed. To be called now and then, on the worker's
    /// runtime; requests do the same for those they come across.
    pub fn sweep(&self, shard: usize, now: Instant) {
        self.idle(shard)
            .retain(|connection| connection.is_usable(&self.options, now));
    }

    /// Closes all idle connections, as when the server has gone DOWN.
    pub fn close_idle(&self) {
        for idle in self.idle.iter() {
            idle.retain(|_| false);
        }
    }

    pub(crate) fn connect(&self) -> lb_tcp::Connecting {
        self.connector.connect(&self.place.address.load())
    }

    pub(crate) fn idle(&self, shard: usize) -> &IdleSet {
        &self.idle[shard % self.idle.len()]
    }

    pub(crate) fn proxy_version(&self) -> Option<ProxyVersion> {
        self.send_proxy
    }

    pub(crate) fn redirection(&self) -> Option<&HeaderValue> {
        self.redirect.as_ref()
    }

    /// Completes when exchanges are to break off.
    pub(crate) fn shut_down(&self) -> Option<OwnedNotified> {
        let shutdown = self.shutdown.as_ref()?;
        Some(Arc::clone(shutdown).notified_owned())
    }

    pub(crate) fn options(&self) -> &PoolOptions {
        &self.options
    }
}

impl std::str::FromStr for Upstream {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text.parse()?)
    }
}

impl TryFrom<&str> for Upstream {
    type Error = UpstreamError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SocketAddr> for Upstream {
    fn from(address: SocketAddr) -> Self {
        Self::at(address.into())
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("address", &*self.address())
            .field("idle_connections", &self.idle_connections())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_moves_only_to_where_one_can_connect() {
        let upstream: Upstream = "10.0.0.1:80".parse().unwrap();
        assert!(!upstream.has_moved());
        upstream.move_to("10.0.0.2:81".parse().unwrap()).unwrap();
        assert!(upstream.has_moved());
        assert_eq!(upstream.address().to_string(), "10.0.0.2:81");
        let declared_anew = "10.0.0.1:80".parse::<Upstream>().unwrap();
        let successor = declared_anew.succeed(&upstream);
        assert_eq!(successor.address().to_string(), "10.0.0.2:81");
        assert!(Arc::ptr_eq(&successor.idle, &upstream.idle));
        let otherwise = "10.0.0.1:80".parse::<Upstream>().unwrap();
        let otherwise = otherwise.send_proxy(ProxyVersion::V1).succeed(&upstream);
        assert!(!Arc::ptr_eq(&otherwise.idle, &upstream.idle));
        let listening: Address = "*:80".parse().unwrap();
        assert!(upstream.move_to(listening).is_err());
        assert_eq!(upstream.address().to_string(), "10.0.0.2:81");
    }
}
