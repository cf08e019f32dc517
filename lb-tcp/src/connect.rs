//! Connections to servers, as a named future.
//!
//! [`Connecting`] can be stored in a caller's own future without a box; the caller adds the
//! time-out (HAProxy's `timeout connect`) and the retries.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpStream, UnixStream};

use crate::{Address, Stream, sys};

/// Opens connections, each from the same source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connector {
    source: Option<SocketAddr>,
    interface: Option<String>,
}

impl Connector {
    /// A connector that leaves source address and interface to the kernel.
    pub fn new() -> Self {
        Self::default()
    }

    /// Connects from this address (HAProxy's `source`). Port 0 lets the kernel choose one that is
    /// free towards the destination. Unix sockets ignore it.
    pub fn source(mut self, source: SocketAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Connects through this interface, whatever the routes say (HAProxy's `interface`).
    /// Unix sockets ignore it.
    pub fn interface(mut self, interface: impl Into<String>) -> Self {
        self.interface = Some(interface.into());
        self
    }

    /// Starts connecting at once; the future completes when the connection stands or has failed.
    /// Dropping it gives the attempt up.
    ///
    /// Only [`Address::Inet`], [`Address::Unix`] and [`Address::Abstract`] can be connected to;
    /// names are to be resolved before. Others fail with `InvalidInput`.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O enabled.
    pub fn connect(&self, to: &Address) -> Connecting {
        let stream = match to {
            Address::Inet(address) => self.start_tcp(*address).map(Stream::Tcp),
            Address::Unix(path) => start_unix(path),
            Address::Abstract(name) => start_unix(Path::new(&format!("\0{name}"))),
            Address::Any { .. } | Address::Fd(_) | Address::Name { .. } => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not an address to connect to",
            )),
        };
        Connecting(Some(stream))
    }

    fn start_tcp(&self, to: SocketAddr) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), None)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(interface) = &self.interface {
            socket.bind_device(Some(interface.as_bytes()))?;
        }
        if let Some(source) = self.source {
            if source.port() == 0 {
                sys::set_bind_address_no_port(&socket)?;
            } else {
                // The same source port towards another server, or one in TIME_WAIT.
                socket.set_reuse_address(true)?;
            }
            socket.bind(&source.into())?;
        }
        match socket.connect(&to.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
            _ => {}
        }
        TcpStream::from_std(OwnedFd::from(socket).into())
    }
}

/// A Unix socket connects at once or not at all. A full backlog is `WouldBlock`, an error here: no
/// event will tell when it has passed.
fn start_unix(to: &Path) -> io::Result<Stream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    socket.connect(&SockAddr::unix(to)?)?;
    UnixStream::from_std(OwnedFd::from(socket).into()).map(Stream::Unix)
}

/// A connection on its way, made by [`Connector::connect`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Connecting(Option<io::Result<Stream>>);

impl Future for Connecting {
    type Output = Result<Stream, ConnectError>;

    /// # Panics
    /// When polled again after it has completed.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A Unix stream is connected from the start; only TCP has a handshake to wait for.
        if let Some(Ok(Stream::Tcp(stream))) = &self.0 {
            let outcome = ready!(stream.poll_write_ready(cx)).and_then(|()| stream.take_error());
            if let Err(error) | Ok(Some(error)) = outcome {
                self.0 = Some(Err(error));
            }
        }
        let result = self.0.take().expect("polled after completion");
        Poll::Ready(result.map_err(ConnectError))
    }
}

/// Why there is no connection; the [`source`](std::error::Error::source) is the `io::Error`.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect")]
pub struct ConnectError(#[source] io::Error);

impl ConnectError {
    /// The server's host answered that nothing listens there.
    pub fn is_refused(&self) -> bool {
        self.0.kind() == io::ErrorKind::ConnectionRefused
    }

    /// The kernel gave up waiting for an answer.
    pub fn is_timeout(&self) -> bool {
        self.0.kind() == io::ErrorKind::TimedOut
    }

    /// This host is at fault, and not the server: out of ports, descriptors or memory, or the
    /// address is not one to connect to. No ground to hold it against the server.
    pub fn is_local(&self) -> bool {
        self.0.kind() == io::ErrorKind::InvalidInput
            || matches!(
                self.0.raw_os_error(),
                Some(
                    libc::EADDRNOTAVAIL
                        | libc::EADDRINUSE
                        | libc::EMFILE
                        | libc::ENFILE
                        | libc::ENOBUFS
                        | libc::ENOMEM
                )
            )
    }

    /// The operating system's error.
    pub fn io_error(&self) -> &io::Error {
        &self.0
    }
}

impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> Self {
        error.0
    }
}
