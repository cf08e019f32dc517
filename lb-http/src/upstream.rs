//! What stands behind a server of an HTTP pool.

use std::{fmt, net::SocketAddr, time::Duration};

use lb_tcp::{Address, Connector};
use tokio::time::Instant;

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
    address: Address,
    connector: Connector,
    idle: Box<[IdleSet]>,
    options: PoolOptions,
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
            Address::Inet(_) | Address::Unix(_) | Address::Abstract(_) => {
                let options = PoolOptions::default();
                Ok(Self {
                    address,
                    connector: Connector::new(),
                    idle: Box::new([IdleSet::new(options.max_idle)]),
                    options,
                })
            }
            other => Err(UpstreamError::NotConnectable(other)),
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

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its socket address, unless it is a Unix socket.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        self.address.inet()
    }

    /// Idle connections of all workers.
    pub fn idle_connections(&self) -> usize {
        self.idle.iter().map(IdleSet::len).sum()
    }

    /// Closes connections of a worker that have been idle for too long, or that
    /// the server has closed. To be called now and then, on the worker's
    /// runtime; requests do the same for those they come across.
    pub fn sweep(&self, shard: usize, now: Instant) {
        self.idle(shard)
            .retain(|connection| connection.is_usable(&self.options, now));
    }

    /// Closes all idle connections of a worker.
    pub fn close_idle(&self, shard: usize) {
        self.idle(shard).retain(|_| false);
    }

    pub(crate) fn connect(&self) -> lb_tcp::Connecting {
        self.connector.connect(&self.address)
    }

    pub(crate) fn idle(&self, shard: usize) -> &IdleSet {
        &self.idle[shard % self.idle.len()]
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
        let options = PoolOptions::default();
        Self {
            address: address.into(),
            connector: Connector::new(),
            idle: Box::new([IdleSet::new(options.max_idle)]),
            options,
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("address", &self.address)
            .field("idle_connections", &self.idle_connections())
            .finish_non_exhaustive()
    }
}
