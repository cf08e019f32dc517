//! Listening sockets, before and inside a runtime.

use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll, ready};

use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

use crate::stream::from_tokio;
use crate::{Endpoint, Stream};

/// Connections in a row that may fail on their own before the failure counts as the listener's.
const FAILED_CONNECTIONS: usize = 64;

/// A bound, listening socket that no runtime knows yet, so that the main thread can bind every
/// address, report every error and drop its privileges before the first worker starts.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    local: Endpoint,
}

impl Listener {
    /// Adopts a listening stream socket, such as one handed over by another process.
    ///
    /// # Errors
    /// `InvalidInput` if it is not one; otherwise what the kernel reports.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        let socket = Socket::from(fd);
        if socket.r#type()? != Type::STREAM || !socket.is_listener()? {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        socket.set_nonblocking(true)?;
        let local =
            Endpoint::from_socket2(&socket.local_addr()?).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { socket, local })
    }

    /// The address it listens on, with the port that the kernel chose for port 0.
    pub fn local(&self) -> &Endpoint {
        &self.local
    }

    /// The same socket once more: both share one queue of connections.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            socket: self.socket.try_clone()?,
            local: self.local.clone(),
        })
    }

    /// Registers the socket with the current runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O enabled.
    pub fn into_tokio(self) -> io::Result<Acceptor> {
        let fd = OwnedFd::from(self.socket);
        let socket = match self.local {
            Endpoint::Inet(_) => Kind::Tcp(TcpListener::from_std(fd.into())?),
            _ => Kind::Unix(UnixListener::from_std(fd.into())?),
        };
        Ok(Acceptor {
            socket,
            local: self.local,
        })
    }

    pub(super) fn is_tcp(&self) -> bool {
        self.local.inet().is_some()
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A [`Listener`] at work: accepts connections on the runtime it was made in.
///
/// Dropping it resets the connections that still wait in its queue; to lose none, stop only when
/// [`poll_accept`](Self::poll_accept) is pending.
#[derive(Debug)]
pub struct Acceptor {
    socket: Kind,
    local: Endpoint,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Acceptor {
    /// The address it listens on.
    pub fn local(&self) -> &Endpoint {
        &self.local
    }

    /// Accepts one connection; gives its stream and the client's address.
    ///
    /// A connection that failed before it was accepted is skipped: its error says nothing about
    /// this listener (`accept(2)`, "Error handling"). No connection is lost if the future is
    /// dropped.
    ///
    /// # Errors
    /// What will fail again at once, `EMFILE` and `ENFILE` above all. The connection stays queued:
    /// pause before the next call, or the loop spins.
    pub async fn accept(&self) -> io::Result<(Stream, Endpoint)> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// As [`accept`](Self::accept). Only the last caller's task is woken.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, Endpoint)>> {
        let mut failed = 0;
        loop {
            match ready!(self.poll_accept_once(cx)) {
                Err(error) if is_of_connection(&error) && failed < FAILED_CONNECTIONS => {
                    failed += 1;
                }
                result => return Poll::Ready(result),
            }
        }
    }

    /// Takes no more connections until [`resume`](Self::resume): clients of TCP are refused, those
    /// of a Unix socket wait (HAProxy `disable frontend`). Those that waited already are reset, and a
    /// port that the kernel chose is another one afterwards.
    ///
    /// # Errors
    /// `shutdown(2)` on the listening socket.
    pub fn pause(&self) -> io::Result<()> {
        match &self.socket {
            // Linux keeps the address and answers with RST.
            Kind::Tcp(listener) => SockRef::from(listener).shutdown(Shutdown::Read),
            // It could not be undone.
            Kind::Unix(_) => Ok(()),
        }
    }

    /// Takes connections again.
    ///
    /// # Errors
    /// `listen(2)`, when somebody else has taken the address meanwhile.
    pub fn resume(&self, backlog: u32) -> io::Result<()> {
        match &self.socket {
            Kind::Tcp(listener) => {
                SockRef::from(listener).listen(i32::try_from(backlog).unwrap_or(i32::MAX))
            }
            Kind::Unix(_) => Ok(()),
        }
    }

    fn poll_accept_once(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, Endpoint)>> {
        Poll::Ready(match &self.socket {
            Kind::Tcp(listener) => ready!(listener.poll_accept(cx))
                .map(|(stream, peer)| (Stream::Tcp(stream), peer.into())),
            Kind::Unix(listener) => ready!(listener.poll_accept(cx))
                .map(|(stream, peer)| (Stream::Unix(stream), from_tokio(peer))),
        })
    }
}

impl AsFd for Acceptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Kind::Tcp(listener) => listener.as_fd(),
            Kind::Unix(listener) => listener.as_fd(),
        }
    }
}

/// Linux passes pending network errors of the new connection through `accept(2)`.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ECONNABORTED
                | libc::ECONNRESET
                | libc::EINTR
                | libc::EPERM // a firewall rule
                | libc::EPROTO
                | libc::ENOPROTOOPT
                | libc::ENETDOWN
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::ENONET
                | libc::ETIMEDOUT
        )
    )
}

/// Whether this host has IPv6 at all; `ipv6.disable=1` removes the address family.
pub(super) fn has_ipv6() -> bool {
    Socket::new(Domain::IPV6, Type::STREAM, None).is_ok()
}
