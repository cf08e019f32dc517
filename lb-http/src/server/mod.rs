//! The HTTP/1 server of `lb serve`: one future for each connection, which
//! reads requests, calls a service and writes its responses.
//!
//! An app that has a server already, axum's or hyper's, does not need it. It
//! exists because a load balancer in front of hostile clients has to refuse
//! what is ambiguous, to hold thousands of idle connections in little memory,
//! and to pass on what a general server keeps to itself: informational
//! responses, the moment of `100 Continue`, the bytes behind an upgrade.
//!
//! There is no task but the one that polls the future: the service, its
//! response and the request's body are polled in turn from one place.

mod connection;
mod incoming;
mod response;
mod shutdown;

use std::{convert::Infallible, fmt, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body::Body;
use hyper::service::Service;
use lb_tcp::Endpoint;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

pub use crate::h1::{
    fault::{of_request as fault_of_request, of_response as fault_of_response},
    request::{Limits, MAX_FIELDS},
};
pub(crate) use incoming::AHEAD;
pub use incoming::{Incoming, ReadError};
pub use shutdown::Shutdown;

use connection::Connection;

use crate::{Client, page::Pages};

/// How long the server waits for a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// For a whole request head, from its first byte or, for the first request,
    /// from the connection (`timeout http-request`).
    pub http_request: Duration,
    /// For the next request on a connection (`timeout http-keep-alive`).
    pub keep_alive: Duration,
    /// For the next bytes of a body, and for room to write (`timeout client`).
    pub client: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            http_request: Duration::from_secs(10),
            keep_alive: Duration::from_secs(10),
            client: Duration::from_secs(50),
        }
    }
}

/// How a server treats its connections.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How large a request may be.
    pub limits: Limits,
    /// How long it waits.
    pub timeouts: Timeouts,
    /// The pages of refusals.
    pub pages: Arc<Pages>,
    /// One request for each connection (`option httpclose`).
    pub close: bool,
    /// Drops a request whose client has closed before the response began
    /// (`option abortonclose`). A client that closes only its sending side looks
    /// the same, so it is off unless asked for.
    pub abort_on_close: bool,
}

/// A request that was refused before the service could see it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// The client.
    pub peer: Endpoint,
    /// The address it connected to.
    pub local: Endpoint,
    /// The status it was answered with.
    pub status: StatusCode,
    /// What was wrong.
    pub reason: &'static str,
    /// The bytes that are no request, and what came after them, up to 16 KiB. Nothing where only the end of it is missing.
    pub bytes: Bytes,
    /// Who ended it.
    pub cause: RefusedCause,
    /// Had the client sent anything at all?
    pub began: bool,
    /// When the request began: its first byte, or the connection.
    pub since: Instant,
    /// Since when the connection waited for it: it was accepted, or the request before it had ended.
    pub ready: Instant,
}

/// Why a request was refused, as far as logs tell it apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RefusedCause {
    /// The request is not one (`PR`).
    Invalid,
    /// The client closed in the middle of it (`CR`).
    ClientClosed,
    /// It was not there in time (`cR`).
    Timeout,
}

/// Response extension: in the place of the response the connection is closed.
///
/// HAProxy: `reject`, `silent-drop`, an empty `errorfile`. Other servers than this crate's do not know it, and send the
/// response that it is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hangup {
    /// The client sees that it is closed.
    Close,
    /// The client is told nothing, as far as that can be: [`Server::serve`] gives the stream back to whoever knows how.
    Silent,
}

type OnRefused = Arc<dyn Fn(&Refused) + Send + Sync>;

/// Serves connections with a service.
#[derive(Clone)]
pub struct Server<S> {
    service: S,
    settings: Arc<Settings>,
    on_refused: Option<OnRefused>,
}

impl<S, B> Server<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    /// A server over `service`.
    pub fn new(service: S, settings: Settings) -> Self {
        Self {
            service,
            settings: Arc::new(settings),
            on_refused: None,
        }
    }

    /// Calls `report` for every request that is refused before the service can
    /// see it.
    #[must_use]
    pub fn on_refused(mut self, report: impl Fn(&Refused) + Send + Sync + 'static) -> Self {
        self.on_refused = Some(Arc::new(report));
        self
    }

    /// Serves one connection to its end. `early` is what was read from it
    /// already. After `shutdown` begins, the request at hand is answered and
    /// the connection closed.
    ///
    /// The stream comes back, still open, where a response said [`Hangup::Silent`]; to drop it tells the client.
    pub async fn serve<IO>(
        &self,
        io: IO,
        early: BytesMut,
        peer: Endpoint,
        local: Endpoint,
        shutdown: &Shutdown,
    ) -> Option<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let client = Client::of_connection(peer, local);
        self.serve_client(io, early, client, shutdown).await
    }

    /// The same for a client that somebody looks at meanwhile; it is made by [`Client::of_connection`].
    pub async fn serve_client<IO>(
        &self,
        io: IO,
        early: BytesMut,
        client: Client,
        shutdown: &Shutdown,
    ) -> Option<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        Connection::new(io, early, client, self, shutdown)
            .run(&self.service)
            .await
    }
}

impl<S: fmt::Debug> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("service", &self.service)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
