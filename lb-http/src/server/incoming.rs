//! The body of a request, handed piece by piece from the connection to whoever
//! reads it.
//!
//! The connection reads only when the body is wanted: back-pressure reaches the
//! client's socket, and `100 Continue` is sent when somebody asks for the body
//! and not before.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use crossbeam_utils::atomic::AtomicCell;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    h1::{
        decode::{BadBody, Decoder, Piece},
        fields::Named,
        framing::Length,
        io::Buffered,
    },
    timer::Timer,
};

/// So much of a body that nobody wants is read to keep the connection; more is
/// not worth a new one.
pub(super) const WORTH_READING: u64 = 64 * 1024;

/// Why a request's body broke off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The client closed the connection in the middle.
    #[error("the client closed the connection before the end of its request")]
    Disconnected,
    /// Its chunks are faulty.
    #[error("faulty request body: {0}")]
    Malformed(&'static str),
    /// It sent nothing for too long.
    #[error("the client sent nothing for too long")]
    Timeout,
    /// It is over the limit.
    #[error("the request body is too large")]
    TooLarge,
}

type Piecewise = Result<Frame<Bytes>, ReadError>;

struct Pipe {
    piece: AtomicCell<Option<Box<Piecewise>>>,
    ended: AtomicBool,
    wanted: AtomicBool,
    abandoned: AtomicBool,
    reader: AtomicWaker,
    connection: AtomicWaker,
}

/// The body of a request.
pub struct Incoming {
    pipe: Option<Arc<Pipe>>,
    remaining: Option<u64>,
    /// In a box: few bodies are read ahead.
    ahead: Option<Box<Ahead>>,
}

/// What has been read before anybody wanted it.
#[derive(Default)]
struct Ahead {
    frames: VecDeque<Frame<Bytes>>,
    /// Bytes of it.
    held: usize,
}

/// So much of a body is held before it goes on, as HAProxy's buffer has it.
pub(crate) const AHEAD: usize = 16 * 1024;

impl Incoming {
    /// The body, and what the connection fills it by.
    pub(super) fn new(
        length: Length,
        named: Named,
        expects_continue: bool,
        limit: Option<u64>,
    ) -> (Self, Feed) {
        let decoder = Decoder::new(length);
        let remaining = decoder.remaining();
        let pipe = (!decoder.is_done()).then(|| {
            Arc::new(Pipe {
                piece: AtomicCell::new(None),
                ended: AtomicBool::new(false),
                wanted: AtomicBool::new(false),
                abandoned: AtomicBool::new(false),
                reader: AtomicWaker::new(),
                connection: AtomicWaker::new(),
            })
        });
        let feed = Feed {
            pipe: pipe.clone(),
            decoder,
            named,
            expects_continue,
            allowance: limit.unwrap_or(u64::MAX),
            failed: None,
            timed: false,
        };
        let incoming = Self {
            pipe,
            remaining,
            ahead: None,
        };
        (incoming, feed)
    }

    /// Reads ahead until `at_least` bytes of it are held, or all of it, or 16 KiB. Whoever reads the body gets them first.
    ///
    /// # Errors
    /// The body broke off.
    pub fn poll_ahead(
        &mut self,
        cx: &mut Context<'_>,
        at_least: Option<usize>,
    ) -> Poll<Result<(), ReadError>> {
        let enough = at_least.unwrap_or(AHEAD).min(AHEAD);
        loop {
            let held = self.ahead.as_ref().map_or(0, |ahead| ahead.held);
            let is_whole = self
                .remaining
                .is_some_and(|remaining| remaining <= held as u64);
            if held >= enough || is_whole {
                return Poll::Ready(Ok(()));
            }
            match ready!(self.poll_pipe(cx)) {
                Some(Ok(frame)) => {
                    let ahead = self.ahead.get_or_insert_default();
                    ahead.held += frame.data_ref().map_or(0, Bytes::len);
                    ahead.frames.push_back(frame);
                }
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Ok(())),
            }
        }
    }

    /// The next piece from the connection.
    fn poll_pipe(&self, cx: &mut Context<'_>) -> Poll<Option<Piecewise>> {
        let Some(pipe) = &self.pipe else {
            return Poll::Ready(None);
        };
        // Ended is read first: a piece stored before the end is then seen.
        let mut ended = pipe.ended.load(Ordering::Acquire);
        let mut piece = pipe.piece.take();
        if piece.is_none() && !ended {
            pipe.reader.register(cx.waker());
            pipe.wanted.store(true, Ordering::Release);
            pipe.connection.wake();
            ended = pipe.ended.load(Ordering::Acquire);
            piece = pipe.piece.take();
        }
        match (piece, ended) {
            (Some(piece), _) => Poll::Ready(Some(*piece)),
            (None, true) => Poll::Ready(None),
            (None, false) => Poll::Pending,
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = ReadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReadError>>> {
        let ahead = self.ahead.as_mut();
        let held = ahead.and_then(|ahead| ahead.frames.pop_front());
        let piece = match held {
            Some(frame) => Some(Ok(frame)),
            None => ready!(self.poll_pipe(cx)),
        };
        if let (Some(Ok(frame)), Some(remaining)) = (&piece, &mut self.remaining) {
            *remaining -= frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Poll::Ready(piece)
    }

    fn is_end_stream(&self) -> bool {
        self.pipe.is_none() || self.remaining == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        match self.remaining {
            Some(remaining) => SizeHint::with_exact(remaining),
            None => SizeHint::default(),
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(pipe) = &self.pipe {
            pipe.abandoned.store(true, Ordering::Release);
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}

/// The connection's side of a body.
pub(super) struct Feed {
    pipe: Option<Arc<Pipe>>,
    decoder: Decoder,
    named: Named,
    expects_continue: bool,
    allowance: u64,
    failed: Option<ReadError>,
    /// Does the time-out for the piece that is wanted run?
    timed: bool,
}

impl Feed {
    /// Has the whole body been read from the connection?
    pub(super) fn is_complete(&self) -> bool {
        self.decoder.is_done()
    }

    /// Why it broke off, if it did.
    pub(super) fn failure(&self) -> Option<ReadError> {
        self.failed
    }

    /// Is the client still waiting to be told to send it?
    pub(super) fn awaits_continue(&self) -> bool {
        self.expects_continue && !self.is_complete()
    }

    /// An interim `100 Continue` of the server's has been passed on.
    pub(super) fn continued(&mut self) {
        self.expects_continue = false;
    }

    /// Bytes still to come, where that is known.
    pub(super) fn remaining(&self) -> Option<u64> {
        self.decoder.remaining()
    }

    /// To be called before whoever reads the body is polled by this task: it
    /// need not wake the connection then.
    pub(super) fn disarm(&self) {
        if let Some(pipe) = &self.pipe {
            pipe.connection.take();
        }
    }

    /// Hands on a piece if one is wanted and there; says whether it did, so that
    /// whoever reads is polled again.
    pub(super) fn poll<IO>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Buffered<IO>,
        timer: &mut Timer,
        timeout: Duration,
    ) -> bool
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(pipe) = self.pipe.clone() else {
            return false;
        };
        if self.failed.is_some() || self.is_complete() || pipe.abandoned.load(Ordering::Acquire) {
            return false;
        }
        if !pipe.wanted.load(Ordering::Acquire) {
            pipe.connection.register(cx.waker());
            if !pipe.wanted.load(Ordering::Acquire) {
                return false;
            }
        }
        let Poll::Ready(piece) = self.poll_piece(cx, io, timer, timeout) else {
            return false;
        };
        pipe.wanted.store(false, Ordering::Relaxed);
        self.timed = false;
        if let Some(piece) = piece {
            if let Err(error) = &piece {
                self.failed = Some(*error);
            }
            pipe.piece.store(Some(Box::new(piece)));
        }
        if self.is_complete() || self.failed.is_some() {
            pipe.ended.store(true, Ordering::Release);
        }
        if let Some(reader) = pipe.reader.take()
            && !reader.will_wake(cx.waker())
        {
            reader.wake();
        }
        true
    }

    fn poll_piece<IO>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Buffered<IO>,
        timer: &mut Timer,
        timeout: Duration,
    ) -> Poll<Option<Piecewise>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            match self.decoder.decode(&mut io.input) {
                Ok(Some(Piece::Data(data))) => {
                    let length = data.len() as u64;
                    if length > self.allowance {
                        return Poll::Ready(Some(Err(ReadError::TooLarge)));
                    }
                    self.allowance -= length;
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(Some(Piece::Trailers(mut trailers))) => {
                    for name in &self.named {
                        trailers.remove(name);
                    }
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Ok(Some(Piece::End)) => return Poll::Ready(None),
                Ok(None) => {}
                Err(BadBody(reason)) => {
                    return Poll::Ready(Some(Err(ReadError::Malformed(reason))));
                }
            }
            if self.expects_continue && io.output.has_room() {
                self.expects_continue = false;
                io.output
                    .head()
                    .extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            }
            // A client that takes no 100 shows by sending no body.
            let _ = io.poll_flush(cx);
            match io.poll_read_body(cx, self.decoder.remaining()) {
                Poll::Ready(Ok(1..)) => self.timed = false,
                Poll::Ready(_) => return Poll::Ready(Some(Err(ReadError::Disconnected))),
                Poll::Pending => {
                    if !self.timed {
                        self.timed = true;
                        timer.start(timeout);
                    }
                    std::task::ready!(timer.poll(cx));
                    return Poll::Ready(Some(Err(ReadError::Timeout)));
                }
            }
        }
    }

    /// Reads and throws away what is left of a small body, so that the next
    /// request can be found behind it.
    pub(super) fn poll_discard<IO>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Buffered<IO>,
        timer: &mut Timer,
    ) -> Poll<bool>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.allowance = self.allowance.min(WORTH_READING);
        while !self.is_complete() {
            match self.decoder.decode(&mut io.input) {
                Ok(Some(Piece::Data(data))) if data.len() as u64 > self.allowance => {
                    return Poll::Ready(false);
                }
                Ok(Some(Piece::Data(data))) => self.allowance -= data.len() as u64,
                Ok(Some(_)) => {}
                Err(_) => return Poll::Ready(false),
                Ok(None) => match io.poll_read_body(cx, self.decoder.remaining()) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(_) => return Poll::Ready(false),
                    Poll::Pending => {
                        std::task::ready!(timer.poll(cx));
                        return Poll::Ready(false);
                    }
                },
            }
        }
        Poll::Ready(true)
    }
}
