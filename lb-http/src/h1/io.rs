//! Buffers over a byte stream.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::recycle;

/// Read at a time while a head is awaited; most requests and small responses
/// come whole.
const HEAD_READ: usize = 8 * 1024;

/// Read at a time while a body streams: at first as much as a small page needs,
/// then more, up to what a few of fill a TCP window.
const BODY_READ_MIN: usize = 16 * 1024;
const BODY_READ_MAX: usize = 128 * 1024;

/// A frame up to this size is copied behind the head, so that both leave in one
/// segment; a larger one is written from where it is.
const COPY_LIMIT: usize = 4 * 1024;

/// A byte stream with what has been read from it and what is to be written.
#[derive(Debug)]
pub(crate) struct Buffered<IO> {
    io: IO,
    /// Read, not yet understood.
    pub(crate) input: BytesMut,
    /// To be written.
    pub(crate) output: Output,
    body_read: usize,
    received: u64,
    written: u64,
}

/// What is to be written: copied bytes, then at most one frame by reference,
/// then the line end that closes its chunk.
#[derive(Debug, Default)]
pub(crate) struct Output {
    copied: Vec<u8>,
    written: usize,
    frame: Bytes,
    after: &'static [u8],
}

impl<IO> Buffered<IO> {
    pub(crate) fn new(io: IO) -> Self {
        Self {
            io,
            input: BytesMut::new(),
            output: Output::default(),
            body_read: BODY_READ_MIN,
            received: 0,
            written: 0,
        }
    }

    /// Puts bytes in front that somebody else has read from the stream.
    pub(crate) fn with_input(io: IO, input: BytesMut) -> Self {
        Self {
            received: input.len() as u64,
            input,
            ..Self::new(io)
        }
    }

    pub(crate) fn io(&self) -> &IO {
        &self.io
    }

    pub(crate) fn io_mut(&mut self) -> &mut IO {
        &mut self.io
    }

    /// Bytes read from the stream so far and understood.
    pub(crate) fn understood(&self) -> u64 {
        self.received.saturating_sub(self.input.len() as u64)
    }

    /// Bytes written to the stream so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// The stream, and what was read from it and is not understood yet.
    pub(crate) fn into_parts(self) -> (IO, Bytes) {
        (self.io, self.input.freeze())
    }

    /// Frees all memory but that of unread input.
    pub(crate) fn release(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        debug_assert!(self.output.is_empty());
        recycle::give_buffer(std::mem::take(&mut self.output.copied));
        self.body_read = BODY_READ_MIN;
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Buffered<IO> {
    /// Reads once by way of the stack, so that the buffer grows to what came
    /// and no further. `Ok(0)` is the end of the stream.
    pub(crate) fn poll_read_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut stack = [const { MaybeUninit::uninit() }; HEAD_READ];
        let mut buf = ReadBuf::uninit(&mut stack);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))?;
        self.input.extend_from_slice(buf.filled());
        self.received += buf.filled().len() as u64;
        Poll::Ready(Ok(buf.filled().len()))
    }

    /// Reads once, straight into the input buffer, of a body of which
    /// `remaining` bytes are to come as far as that is known.
    pub(crate) fn poll_read_body(
        &mut self,
        cx: &mut Context<'_>,
        remaining: Option<u64>,
    ) -> Poll<io::Result<usize>> {
        let remaining = remaining.map_or(usize::MAX, |r| usize::try_from(r).unwrap_or(usize::MAX));
        let wanted = remaining.clamp(1, self.body_read);
        if self.input.capacity() - self.input.len() < wanted {
            self.input.reserve(wanted);
        }
        let read = ready!(tokio_util::io::poll_read_buf(
            Pin::new(&mut self.io),
            cx,
            &mut self.input
        ))?;
        self.received += read as u64;
        if read >= self.body_read {
            self.body_read = (2 * self.body_read).min(BODY_READ_MAX);
        }
        Poll::Ready(Ok(read))
    }

    /// Writes until all is out.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            let io = Pin::new(&mut self.io);
            let written = if self.output.frame.is_empty() {
                ready!(io.poll_write(cx, self.output.pending()))?
            } else {
                let slices = [
                    IoSlice::new(self.output.pending()),
                    IoSlice::new(&self.output.frame),
                    IoSlice::new(self.output.after),
                ];
                ready!(io.poll_write_vectored(cx, &slices))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written as u64;
            self.output.advance(written);
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Closes the sending side, after all is out.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl Output {
    pub(crate) fn is_empty(&self) -> bool {
        self.written == self.copied.len() && self.frame.is_empty() && self.after.is_empty()
    }

    /// May something be added before what is there has been written?
    pub(crate) fn has_room(&self) -> bool {
        self.frame.is_empty() && self.copied.len() < 4 * COPY_LIMIT
    }

    /// Where heads and chunk sizes are written to; only while no frame waits.
    pub(crate) fn head(&mut self) -> &mut Vec<u8> {
        debug_assert!(self.frame.is_empty());
        if self.copied.capacity() == 0 {
            self.copied = recycle::buffer();
        }
        &mut self.copied
    }

    /// Adds a frame and what stands after it.
    pub(crate) fn push(&mut self, frame: Bytes, after: &'static [u8]) {
        debug_assert!(self.frame.is_empty());
        if frame.len() <= COPY_LIMIT {
            self.copied.extend_from_slice(&frame);
            self.copied.extend_from_slice(after);
        } else {
            self.frame = frame;
            self.after = after;
        }
    }

    fn pending(&self) -> &[u8] {
        &self.copied[self.written..]
    }

    fn advance(&mut self, mut written: usize) {
        let copied = written.min(self.copied.len() - self.written);
        self.written += copied;
        written -= copied;
        if self.written == self.copied.len() {
            self.copied.clear();
            self.written = 0;
        }
        let frame = written.min(self.frame.len());
        if frame == self.frame.len() {
            self.frame = Bytes::new();
        } else {
            let _ = self.frame.split_to(frame);
        }
        written -= frame;
        self.after = &self.after[written..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_writes_leave_the_rest_in_order() {
        let frame = Bytes::from(vec![b'x'; COPY_LIMIT + 1]);
        let mut output = Output::default();
        output.head().extend_from_slice(b"head");
        output.push(frame, b"\r\n");
        assert!(!output.has_room());
        let mut seen = 0;
        while !output.is_empty() {
            let step = (output.pending().len() + output.frame.len() + output.after.len()).min(1000);
            output.advance(step);
            seen += step;
        }
        assert_eq!(seen, 4 + COPY_LIMIT + 1 + 2);
        assert!(output.has_room());
    }
}
