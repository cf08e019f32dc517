//! A session on a socket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::protocol::{Message, Received, Rejection, SendError, Session};

/// Larger than what is usually said at once; before the handshake is over it bounds what a
/// stranger can make this node hold.
const PIECE: usize = 4096;

pub(super) struct Connection {
    stream: TcpStream,
    session: Session,
    /// Nothing can be written any more, but there may be something left to read.
    deaf: bool,
}

/// How a connection ended.
pub(super) enum Ended {
    /// The socket: closed by the other end, or an error.
    Socket(io::Error),
    /// The other end is not trusted.
    Rejected(Rejection),
}

impl Connection {
    pub(super) const fn new(stream: TcpStream, session: Session) -> Self {
        Self {
            stream,
            session,
            deaf: false,
        }
    }

    /// The next thing that comes in; writes what there is to write, too.
    pub(super) fn poll_received(&mut self, cx: &mut Context<'_>) -> Poll<Result<Received, Ended>> {
        loop {
            match self.session.poll() {
                Ok(Some(received)) => return Poll::Ready(Ok(received)),
                Ok(None) => {}
                Err(why) => {
                    // It may carry the reason to the other end.
                    let _ = self.poll_written(cx);
                    return Poll::Ready(Err(Ended::Rejected(why)));
                }
            }
            let _ = self.poll_written(cx);
            let mut piece = [0; PIECE];
            let mut buffer = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)).map_err(Ended::Socket)?;
            if buffer.filled().is_empty() {
                let end = io::ErrorKind::UnexpectedEof.into();
                return Poll::Ready(Err(Ended::Socket(end)));
            }
            self.session.receive(buffer.filled());
        }
    }

    /// Ready when all is written, or nothing can be. A failure is not told: what the other end
    /// said before it closed, a goodbye for one, is still to be read, and reading then ends, too.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.deaf && !self.session.pending().is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, self.session.pending())) {
                Ok(count) => self.session.sent(count),
                Err(_) => self.deaf = true,
            }
        }
        Poll::Ready(())
    }

    /// Queues a message and writes as much as the socket takes now; the rest goes out while
    /// [`poll_received`](Self::poll_received) is polled.
    pub(super) fn send(&mut self, message: &Message) -> Result<(), SendError> {
        self.session.send(message)?;
        while !self.deaf && !self.session.pending().is_empty() {
            match self.stream.try_write(self.session.pending()) {
                Ok(count) => self.session.sent(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.deaf = true,
            }
        }
        Ok(())
    }
}
