//! What remains of a proxy once both sides have switched protocols
//! (RFC 9110 §7.8): bytes, both ways, until one side is gone.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use crossbeam_utils::atomic::AtomicCell;
use http::Extensions;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use lb_tcp::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Client, pool::Connection, proxy::Timeouts, timer::Timer};

/// Read at a time in each direction.
const BUFFER: usize = 16 * 1024;

/// The server's side of a tunnel, and the server's slot with it.
pub(crate) struct Tunnel {
    server: Stream,
    /// What the server sent behind its head.
    early: Bytes,
    timeouts: Timeouts,
    /// The lease, given back when the tunnel ends.
    _held: Box<dyn Send>,
}

/// Response extension by which a tunnel reaches this crate's server.
#[derive(Clone)]
pub(crate) struct TunnelSlot(Arc<AtomicCell<Option<Box<Tunnel>>>>);

impl TunnelSlot {
    pub(crate) fn take(&self) -> Option<Box<Tunnel>> {
        self.0.take()
    }
}

/// How the client's connection is had once the response is out.
pub(crate) enum ClientUpgrade {
    /// This crate's server runs the tunnel itself.
    Engine,
    /// hyper hands the connection over.
    Hyper(OnUpgrade),
}

impl ClientUpgrade {
    /// `None` if whoever serves the client cannot let go of its connection.
    pub(crate) fn of(client: Option<&Client>, extensions: &mut Extensions) -> Option<Self> {
        if client.is_some_and(Client::is_engine) {
            return Some(Self::Engine);
        }
        extensions.remove::<OnUpgrade>().map(Self::Hyper)
    }

    /// Under hyper, a task of the application's runtime runs the tunnel, since
    /// the connection comes only after the response is out.
    pub(crate) fn hand_over(self, tunnel: Tunnel) -> Option<TunnelSlot> {
        match self {
            Self::Engine => Some(TunnelSlot(Arc::new(AtomicCell::new(Some(Box::new(
                tunnel,
            )))))),
            Self::Hyper(on_upgrade) => {
                tokio::spawn(async move {
                    match on_upgrade.await {
                        Ok(client) => drop(tunnel.run(TokioIo::new(client), Bytes::new()).await),
                        Err(error) => tracing::debug!(%error, "client did not switch protocols"),
                    }
                });
                None
            }
        }
    }
}

/// Why a tunnel ended, other than by both sides closing it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TunnelError {
    #[error("nothing came from either side for too long")]
    Timeout,
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

impl Tunnel {
    pub(crate) fn new(
        connection: Connection,
        held: impl Send + 'static,
        timeouts: Timeouts,
    ) -> Self {
        let (server, early) = connection.into_parts();
        Self {
            server,
            early,
            timeouts,
            _held: Box::new(held),
        }
    }

    /// Runs to its end. `early` is what the client sent behind its request.
    /// Returns the bytes sent to the client.
    pub(crate) async fn run<C>(mut self, mut client: C, early: Bytes) -> Result<u64, TunnelError>
    where
        C: AsyncRead + AsyncWrite + Unpin,
    {
        let mut up = Direction::new(early);
        let mut down = Direction::new(std::mem::take(&mut self.early));
        let mut timer = Timer::default();
        timer.start(self.timeouts.tunnel);
        poll_fn(|cx| {
            let before = (up.moved, down.moved, up.done, down.done);
            let up_state = up.poll(cx, &mut client, &mut self.server)?;
            let down_state = down.poll(cx, &mut self.server, &mut client)?;
            if up_state.is_ready() && down_state.is_ready() {
                return Poll::Ready(Ok(()));
            }
            if before != (up.moved, down.moved, up.done, down.done) {
                timer.start(self.patience(up.done, down.done));
            }
            ready!(timer.poll(cx));
            Poll::Ready(Err(TunnelError::Timeout))
        })
        .await?;
        Ok(down.moved)
    }

    fn patience(&self, client_closed: bool, server_closed: bool) -> Duration {
        match (client_closed, server_closed) {
            (true, _) => self.timeouts.client_fin,
            (_, true) => self.timeouts.server_fin,
            _ => self.timeouts.tunnel,
        }
    }
}

/// One way of a tunnel.
struct Direction {
    pending: Bytes,
    buffer: Box<[u8]>,
    moved: u64,
    ended: bool,
    done: bool,
}

impl Direction {
    fn new(early: Bytes) -> Self {
        Self {
            pending: early,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            moved: 0,
            ended: false,
            done: false,
        }
    }

    /// Ready when the source has ended and the other side has been told.
    fn poll<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            while self.pending.has_remaining() {
                let written = ready!(Pin::new(&mut *to).poll_write(cx, &self.pending))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.pending.advance(written);
                self.moved += written as u64;
            }
            if self.done {
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                self.done = true;
                continue;
            }
            let mut read = ReadBuf::new(&mut self.buffer);
            match Pin::new(&mut *from).poll_read(cx, &mut read) {
                Poll::Ready(result) => result?,
                Poll::Pending => {
                    ready!(Pin::new(&mut *to).poll_flush(cx))?;
                    return Poll::Pending;
                }
            }
            self.ended = read.filled().is_empty();
            self.pending = Bytes::copy_from_slice(read.filled());
        }
    }
}
