//! What layers and the proxy tell each other about one request, in its
//! extensions and those of its response.
//!
//! A layer asks for a server with [`Prefer`]; `Proxy` answers
//! with an [`Exchange`] on every response, its own error pages included, from
//! which sticky sessions, logs and statistics take what they need.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use lb_core::Server;
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::Upstream;

/// Request extension: the persistence value the client brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prefer {
    /// The value, as configured on a server (`cookie`).
    pub affinity: Box<str>,
    /// Take the server even when it is DOWN (`persist`, `force-persist`).
    pub even_if_down: bool,
}

/// Request extension: the servers on which tables know the client to stay, by number, the first one preferred. What a
/// [`Prefer`] leads to comes before them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StickTo {
    /// Their numbers (`id`).
    pub servers: SmallVec<[u32; 2]>,
    /// Take one even when it is DOWN (`persist`, `force-persist`).
    pub even_if_down: bool,
}

/// What became of a [`Prefer`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Preference {
    /// There was none.
    #[default]
    None,
    /// The server it names got the request.
    Honoured,
    /// The server it names cannot be used, or failed and the request went on to
    /// another.
    Down,
    /// It names no server.
    Unknown,
}

/// Response extension: in the place of the server's response, which these bytes were to be, up to 16 KiB of them.
#[derive(Clone, Debug)]
pub struct Junk(pub Bytes);

/// Response extension: how the proxy came to this response.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The server that answered, or the last one tried; `None` if none was.
    pub server: Option<Arc<Server<Upstream>>>,
    /// What became of the client's persistence value.
    pub preference: Preference,
    /// A table led to the server ([`StickTo`]).
    pub by_table: bool,
    /// The third character of HAProxy's termination state, set by the sticky
    /// layer.
    pub request_cookie: RequestCookie,
    /// The fourth one, likewise.
    pub response_cookie: ResponseCookie,
    /// When the request arrived at the proxy.
    pub started: Instant,
    /// When it left the queue and a connection was begun: the first one to the server it went to.
    pub dequeued: Option<Instant>,
    /// When a connection to the server was there.
    pub connected: Option<Instant>,
    /// The address of this side of it, for who wants to know
    /// ([`tells_source`](crate::proxy::Builder::tells_source)); `None` of a Unix socket, too. In a box: few ask.
    pub source: Option<Box<SocketAddr>>,
    /// When the response head had been read.
    pub responded: Option<Instant>,
    /// Attempts after the first.
    pub retries: u32,
    /// Did an attempt go to another server than the one before?
    pub redispatched: bool,
    /// Its place in its server's queue when it joined, 1 for the first; 0 if it never did.
    pub server_queue: u32,
    /// Its place in the pool's queue, likewise.
    pub pool_queue: u32,
    /// Why the response is the proxy's own, if it is.
    pub failure: Option<Failure>,
}

/// Why the proxy answered by itself, or why the response broke off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Failure {
    /// No server is usable (503, `SC`).
    NoServer,
    /// The queue's time-out passed (503, `sQ`).
    QueueTimeout,
    /// The connection was refused or broke (503, `SC`).
    Connect,
    /// The connection was not there in time (503, `sC`).
    ConnectTimeout,
    /// The server sent no head in time (504, `sH`).
    ResponseTimeout,
    /// The server closed without a whole head (502, `SH`).
    BadResponse,
    /// The server sent what is not HTTP (502, `PH`).
    InvalidResponse,
    /// The client went away, or its body broke off (400, `CH` or `CD`).
    Client,
    /// The client's body is faulty (400, `PH`).
    InvalidBody,
    /// The client's body did not come in time (408, `cD`).
    ClientTimeout,
    /// A rule waited for the client's body, which did not come in time (408, `cR`).
    BodyTimeout,
    /// The client's body is over the limit (413, `PR`).
    BodyTooLarge,
    /// The server was marked down under the request (503, `D`).
    ShutDown,
    /// The request was answered by this proxy itself on purpose, as the final
    /// recipient of an OPTIONS or TRACE with `Max-Forwards: 0` (`LR`).
    Local,
    /// It was redirected in place of being sent to its server (`LC`).
    Redirected,
    /// A rule forbade it (`deny`, `PR`).
    Denied,
    /// A rule forbade the server's response (`PH`).
    ResponseDenied,
    /// A rule put another response in the place of the server's (`return`, `redirect`, `LH`).
    ResponseReplaced,
    /// A rule closed the connection without a response (`reject`, `silent-drop`, `PR`).
    Rejected,
    /// A rule would have made of it what no message can be (500, `PR`).
    Rewrite,
    /// A rule forbade it, and let it wait (`tarpit`, `PT`).
    Tarpitted,
}

/// The client's persistence cookie.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RequestCookie {
    /// `-`: no cookie is configured.
    #[default]
    Off,
    /// `N`: it brought none.
    None,
    /// `I`: it names no server.
    Invalid,
    /// `D`: it names a server that cannot be used.
    Down,
    /// `V`: it was followed.
    Valid,
    /// `E`: not used for longer than `max_idle`.
    Expired,
    /// `O`: older than `max_life`.
    Old,
    /// `U`: valid, but another rule chose the server.
    Unused,
}

/// What was done to the persistence cookie of the response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ResponseCookie {
    /// `-`: no cookie is configured.
    #[default]
    Off,
    /// `N`: none was sent by the server, and none was added.
    None,
    /// `I`: inserted.
    Inserted,
    /// `U`: inserted anew with a new date.
    Updated,
    /// `P`: the server's own went through untouched.
    Provided,
    /// `R`: the server's own was rewritten.
    Rewritten,
    /// `D`: the server's own was removed.
    Deleted,
}

impl RequestCookie {
    /// HAProxy's log character.
    pub fn as_char(self) -> char {
        match self {
            Self::Off => '-',
            Self::None => 'N',
            Self::Invalid => 'I',
            Self::Down => 'D',
            Self::Valid => 'V',
            Self::Expired => 'E',
            Self::Old => 'O',
            Self::Unused => 'U',
        }
    }
}

impl ResponseCookie {
    /// HAProxy's log character.
    pub fn as_char(self) -> char {
        match self {
            Self::Off => '-',
            Self::None => 'N',
            Self::Inserted => 'I',
            Self::Updated => 'U',
            Self::Provided => 'P',
            Self::Rewritten => 'R',
            Self::Deleted => 'D',
        }
    }
}

impl Exchange {
    /// An exchange that has just begun.
    pub fn new(started: Instant) -> Self {
        Self {
            server: None,
            preference: Preference::None,
            by_table: false,
            request_cookie: RequestCookie::Off,
            response_cookie: ResponseCookie::Off,
            started,
            dequeued: None,
            connected: None,
            source: None,
            responded: None,
            retries: 0,
            redispatched: false,
            server_queue: 0,
            pool_queue: 0,
            failure: None,
        }
    }

    /// The server that the client is bound to could not be had.
    pub(crate) fn unbind(&mut self) {
        match self.by_table {
            true => self.by_table = false,
            false => self.preference = Preference::Down,
        }
    }
}
