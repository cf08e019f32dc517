//! Connect, say something, and listen until the answer is clear.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use lb_core::health::{Probe, Stage};
use lb_tcp::{ConnectError, Connecting, Stream};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::dial::Dial;
use crate::Upstream;

/// What is said and what is made of the answer.
pub(super) trait Dialogue {
    type Answer;

    /// Appends what is to be sent first.
    fn open(&self, out: &mut Vec<u8>);

    /// Everything is sent: is the answer clear already?
    fn sent(&self) -> Option<Self::Answer> {
        None
    }

    /// All that has come until now, and whether more can come. If not, or if
    /// there is no room for more, there must be an answer.
    fn received(&self, bytes: &[u8], more: bool) -> Option<Self::Answer>;

    /// There is no connection.
    fn not_connected(&self, error: ConnectError) -> Self::Answer;

    /// The connection broke.
    fn broken(&self, error: io::Error) -> Self::Answer;
}

/// The most that is read of an answer (HAProxy's `tune.bufsize`).
const LIMIT: usize = 16 * 1024;

/// The future of a [`Dialogue`] with one server.
#[derive(Debug)]
pub(super) struct Talk<D> {
    dialogue: D,
    dial: Dial,
    probe: Probe<Upstream>,
    state: State,
    /// What is being sent, and then what has been received.
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum State {
    Connecting(Connecting),
    Connected {
        stream: Stream,
        /// Bytes of the buffer that have been sent; `None` once all have.
        sent: Option<usize>,
    },
}

impl<D: Dialogue> Talk<D> {
    pub(super) fn new(dialogue: D, dial: Dial, probe: Probe<Upstream>) -> Self {
        let connecting = dial.connect(probe.target());
        Self {
            dialogue,
            dial,
            probe,
            state: State::Connecting(connecting),
            buffer: Vec::new(),
        }
    }

    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<D::Answer> {
        loop {
            match &mut self.state {
                State::Connecting(connecting) => {
                    let stream = match ready!(Pin::new(connecting).poll(cx)) {
                        Ok(stream) => stream,
                        Err(error) => return Poll::Ready(self.dialogue.not_connected(error)),
                    };
                    let target = self.probe.target();
                    self.dial.write_preamble(target, &stream, &mut self.buffer);
                    self.dialogue.open(&mut self.buffer);
                    let sent = Some(0);
                    self.state = State::Connected { stream, sent };
                }
                State::Connected { stream, sent } => match *sent {
                    Some(done) if done < self.buffer.len() => {
                        let rest = &self.buffer[done..];
                        match ready!(Pin::new(stream).poll_write(cx, rest)) {
                            Ok(0) => {
                                let error = io::ErrorKind::WriteZero.into();
                                return Poll::Ready(self.dialogue.broken(error));
                            }
                            Ok(written) => *sent = Some(done + written),
                            Err(error) => return Poll::Ready(self.dialogue.broken(error)),
                        }
                    }
                    Some(_) => {
                        if let Some(answer) = self.dialogue.sent() {
                            return Poll::Ready(answer);
                        }
                        self.probe.reached(Stage::Exchange);
                        self.buffer.clear();
                        *sent = None;
                    }
                    None => {
                        let more = match ready!(poll_receive(stream, &mut self.buffer, cx)) {
                            Ok(more) => more,
                            Err(error) => return Poll::Ready(self.dialogue.broken(error)),
                        };
                        if let Some(answer) = self.dialogue.received(&self.buffer, more) {
                            return Poll::Ready(answer);
                        }
                        debug_assert!(more, "an end without an answer");
                    }
                },
            }
        }
    }
}

/// Appends what has come; false if nothing more can.
fn poll_receive(
    stream: &mut Stream,
    buffer: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<bool>> {
    let mut chunk = [0; 2048];
    let room = chunk.len().min(LIMIT - buffer.len());
    let mut chunk = ReadBuf::new(&mut chunk[..room]);
    ready!(Pin::new(stream).poll_read(cx, &mut chunk))?;
    buffer.extend_from_slice(chunk.filled());
    Poll::Ready(Ok(!chunk.filled().is_empty() && buffer.len() < LIMIT))
}
