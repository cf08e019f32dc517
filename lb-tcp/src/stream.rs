//! A connected byte stream, whatever it runs over.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::Endpoint;

/// A connection, accepted by an [`Acceptor`](crate::Acceptor) or opened by a
/// [`Connector`](crate::Connector).
///
/// An enum rather than a boxed trait object: no allocation and no dynamic call per read.
/// `TCP_NODELAY` is already set on what this crate opened or accepted.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// TCP, over IPv4 or IPv6.
    Tcp(TcpStream),
    /// A Unix stream socket.
    Unix(UnixStream),
}

impl Stream {
    /// The other end.
    ///
    /// # Errors
    /// `NotConnected` if the peer has already reset the connection.
    pub fn peer(&self) -> io::Result<Endpoint> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().map(Endpoint::from),
            Self::Unix(stream) => stream.peer_addr().map(from_tokio),
        }
    }

    /// This end.
    ///
    /// # Errors
    /// What `getsockname(2)` reports.
    pub fn local(&self) -> io::Result<Endpoint> {
        match self {
            Self::Tcp(stream) => stream.local_addr().map(Endpoint::from),
            Self::Unix(stream) => stream.local_addr().map(from_tokio),
        }
    }

    /// Reads what is there without waiting; `Ok(0)` is the end of the stream.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there, else what `read(2)` reports.
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(buf),
            Self::Unix(stream) => stream.try_read(buf),
        }
    }

    /// Waits until a read would not block: bytes, the end of the stream or an error are there.
    ///
    /// Readiness may be stale; follow it with [`try_read`](Self::try_read). Together they watch an
    /// idle connection without holding a buffer for it.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(cx),
            Self::Unix(stream) => stream.poll_read_ready(cx),
        }
    }

    /// Forgets the connection so that the other end is told as little as possible (HAProxy: `silent-drop`).
    ///
    /// TCP cannot forget a connection without privileges, so it is reset, and the reset is given one hop to live: the
    /// next router drops it. A peer on the same network sees it.
    pub fn drop_silently(self) {
        let Self::Tcp(stream) = self else { return };
        let socket = SockRef::from(&stream);
        // The one that is not of the socket's family fails, which is no harm.
        let _ = socket.set_ttl_v4(1);
        let _ = socket.set_unicast_hops_v6(1);
        let _ = socket.set_linger(Some(Duration::ZERO));
    }
}

/// The [`Endpoint`] of tokio's own address type.
pub(crate) fn from_tokio(address: tokio::net::unix::SocketAddr) -> Endpoint {
    std::os::unix::net::SocketAddr::from(address).into()
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    /// Closes the sending side (`FIN`); the other side can still be read.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
