//! One connection to a server.

use std::{io, net::SocketAddr};

use bytes::Bytes;
use lb_tcp::{Endpoint, Stream};
use tokio::time::Instant;

use crate::{h1::io::Buffered, timer::Timer, upstream::PoolOptions};

/// A connection, in use or idle.
pub(crate) struct Connection {
    pub(super) io: Buffered<Stream>,
    /// The server's time-out; its runtime timer is kept from one request to the next.
    pub(super) timer: Timer,
    born: Instant,
    idle_since: Instant,
    uses: u32,
}

impl Connection {
    pub(crate) fn new(stream: Stream, now: Instant) -> Box<Self> {
        Box::new(Self {
            io: Buffered::new(stream),
            timer: Timer::default(),
            born: now,
            idle_since: now,
            uses: 0,
        })
    }

    /// Has it carried a request before the current one?
    pub(crate) fn is_reused(&self) -> bool {
        self.uses > 1
    }

    /// Is one more request allowed on it?
    pub(crate) fn begin_use(&mut self) {
        self.uses += 1;
    }

    /// Makes it idle; `false` if it has served its time.
    pub(super) fn end_use(&mut self, options: &PoolOptions, now: Instant) -> bool {
        self.timer.stop();
        self.idle_since = now;
        // Bytes after a response belong to no request: nobody may read them.
        let clean = self.io.input.is_empty() && self.io.output.is_empty();
        if clean {
            self.io.release();
        }
        clean
            && (options.max_uses == 0 || self.uses < options.max_uses)
            && self.is_young(options, now)
    }

    /// May it be taken, or kept: not idle for too long, not too old, and not
    /// closed by the server, as far as the runtime has heard?
    pub(crate) fn is_usable(&self, options: &PoolOptions, now: Instant) -> bool {
        now.saturating_duration_since(self.idle_since) < options.idle_timeout
            && self.is_young(options, now)
            && self.is_silent()
    }

    fn is_young(&self, options: &PoolOptions, now: Instant) -> bool {
        let age = || now.saturating_duration_since(self.born);
        options.max_age.is_none_or(|limit| age() < limit)
    }

    fn is_silent(&self) -> bool {
        matches!(
            self.io.io().try_read(&mut [0]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock
        )
    }

    /// The address of this side.
    pub(crate) fn source(&self) -> Option<SocketAddr> {
        match self.stream().local() {
            Ok(Endpoint::Inet(address)) => Some(address),
            _ => None,
        }
    }

    pub(super) fn stream(&self) -> &Stream {
        self.io.io()
    }

    /// The bare stream and what was read from it, for a tunnel.
    pub(crate) fn into_parts(self) -> (Stream, Bytes) {
        self.io.into_parts()
    }
}
