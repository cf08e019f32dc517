//! A request sent over one connection, up to the response's head.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Method;
use http_body::Body;
use tokio::{sync::futures::OwnedNotified, time::Instant};

use super::{Connection, RequestBody};
use crate::{
    h1::{
        encode::Encoder,
        response::{self, Head},
    },
    timer::Timer,
};

/// How long a server may think about `Expect: 100-continue` before the body is
/// sent all the same (RFC 9110 §10.1.1: not indefinitely).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// One request on one connection.
pub(crate) struct Exchange<B> {
    pub(super) connection: Box<Connection>,
    upload: Upload<B>,
    method: Method,
    timeout: Duration,
    /// Has a byte of a response come?
    answered: bool,
    /// Completes when the exchange is to break off.
    shut_down: Option<Pin<Box<OwnedNotified>>>,
}

/// What is to be sent, and how.
pub(crate) struct Sending<B> {
    pub(crate) method: Method,
    pub(crate) body: RequestBody<B>,
    pub(crate) encoder: Encoder,
    /// Does the client wait to be told to send the body?
    pub(crate) await_continue: bool,
    /// For the server's next bytes.
    pub(crate) timeout: Duration,
    /// Completes when the exchange is to break off.
    pub(crate) shut_down: Option<OwnedNotified>,
}

/// The request's body, as far as it is sent.
struct Upload<B> {
    body: RequestBody<B>,
    encoder: Encoder,
    state: SendState,
    continue_timer: Timer,
    /// Does the server take nothing at the moment?
    stalled: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum SendState {
    /// The server is asked first whether it wants the body.
    AwaitContinue,
    Streaming,
    /// All is in the buffer.
    Sent,
    /// The server takes no more of it; a response may come all the same.
    Refused,
}

/// What came from the server.
pub(crate) enum Event {
    /// An informational response; the final one is still to come.
    Informational(Head),
    Final(Head),
}

/// Why there is no response.
#[derive(Debug)]
pub(crate) enum ExchangeError<E> {
    /// The server closed before a byte of a response.
    Closed,
    /// The server closed in the middle of a head.
    CutShort,
    /// The response is not HTTP.
    Malformed,
    /// The server was silent for too long.
    Timeout,
    /// The server's sessions are shut down.
    ShutDown,
    /// The client's body failed.
    Body(E),
}

#[expect(
    clippy::boxed_local,
    reason = "it lives in a box, and to move it out costs more than what is taken"
)]
impl<B: Body<Data = Bytes> + Unpin> Exchange<B> {
    /// `head` writes the request's head into the connection's buffer. In a box,
    /// where it stays to the end of the response.
    pub(crate) fn new(
        mut connection: Box<Connection>,
        sending: Sending<B>,
        now: Instant,
        head: impl FnOnce(&mut Vec<u8>),
    ) -> Box<Self> {
        let Sending {
            method,
            body,
            encoder,
            await_continue,
            timeout,
            shut_down,
        } = sending;
        connection.begin_use();
        head(connection.io.output.head());
        connection.timer.set(now + timeout);
        let mut continue_timer = Timer::default();
        let state = if body.is_empty() && encoder == Encoder::Exact(0) {
            SendState::Sent
        } else if await_continue {
            continue_timer.set(now + CONTINUE_WAIT);
            SendState::AwaitContinue
        } else {
            SendState::Streaming
        };
        let mut shut_down = shut_down.map(Box::pin);
        // Registers, so that a signal between two polls is not missed.
        if let Some(shut_down) = &mut shut_down {
            shut_down.as_mut().enable();
        }
        Box::new(Self {
            connection,
            upload: Upload {
                body,
                encoder,
                state,
                continue_timer,
                stalled: false,
            },
            method,
            timeout,
            answered: false,
            shut_down,
        })
    }

    /// Could the request be sent once more, over another connection?
    pub(crate) fn may_resend(&self) -> bool {
        self.upload.body.may_rewind()
    }

    pub(crate) fn is_reused(&self) -> bool {
        self.connection.is_reused()
    }

    /// The body, to be sent over another connection.
    pub(crate) fn into_body(self: Box<Self>) -> RequestBody<B> {
        self.upload.body
    }

    /// What has come from the server and is not understood.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.connection.io.input
    }

    /// The bare connection, after a switch of protocols.
    pub(crate) fn into_connection(self: Box<Self>) -> Box<Connection> {
        self.connection
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sends on, and reads the next head.
    pub(crate) fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Event, ExchangeError<B::Error>>> {
        if let Err(error) = self.poll_send(cx) {
            return Poll::Ready(Err(ExchangeError::Body(error)));
        }
        loop {
            let connection = &mut *self.connection;
            if !connection.io.input.is_empty() {
                match response::parse(&mut connection.io.input, &self.method) {
                    Ok(Some(head)) => return Poll::Ready(Ok(self.event(head))),
                    // The rest may take its time, too.
                    Ok(None) => connection.timer.start(self.timeout),
                    Err(_) => return Poll::Ready(Err(ExchangeError::Malformed)),
                }
            }
            match connection.io.poll_read_head(cx) {
                Poll::Ready(Ok(1..)) => self.answered = true,
                Poll::Ready(_) => {
                    return Poll::Ready(Err(match self.answered {
                        false => ExchangeError::Closed,
                        true => ExchangeError::CutShort,
                    }));
                }
                Poll::Pending => {
                    if self.is_shut_down(cx) {
                        return Poll::Ready(Err(ExchangeError::ShutDown));
                    }
                    return self
                        .connection
                        .timer
                        .poll(cx)
                        .map(|()| Err(ExchangeError::Timeout));
                }
            }
        }
    }

    pub(super) fn is_shut_down(&mut self, cx: &mut Context<'_>) -> bool {
        match &mut self.shut_down {
            Some(shut_down) => shut_down.as_mut().poll(cx).is_ready(),
            None => false,
        }
    }

    fn event(&mut self, head: Head) -> Event {
        if head.parts.status.is_informational()
            && head.parts.status != http::StatusCode::SWITCHING_PROTOCOLS
        {
            if head.parts.status == http::StatusCode::CONTINUE {
                self.upload.go_on();
            }
            return Event::Informational(head);
        }
        // A final answer instead of 100: the server does not want the body.
        if self.upload.state == SendState::AwaitContinue {
            self.upload.state = SendState::Refused;
        }
        Event::Final(head)
    }

    /// Sends as much of the request as the connection and the client give room
    /// for. An error is the client's; one of the connection shows when reading,
    /// since a server may refuse a body and still say why.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), B::Error> {
        let connection = &mut *self.connection;
        loop {
            let more = self.upload.poll_fill(cx, &mut connection.io.output)?;
            if connection.io.output.is_empty() {
                return Ok(());
            }
            match connection.io.poll_flush(cx) {
                // The time-out began with the request; it begins anew only where
                // sending has taken time.
                Poll::Ready(Ok(())) if more || self.upload.stalled => {
                    self.upload.stalled = false;
                    connection.timer.start(self.timeout);
                }
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    self.upload.refuse(&error);
                    return Ok(());
                }
                Poll::Pending => {
                    self.upload.stalled = true;
                    return Ok(());
                }
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Has the server got all of it?
    pub(super) fn is_sent(&self) -> bool {
        self.upload.state == SendState::Sent && self.connection.io.output.is_empty()
    }
}

impl<B: Body<Data = Bytes> + Unpin> Upload<B> {
    fn go_on(&mut self) {
        if self.state == SendState::AwaitContinue {
            self.state = SendState::Streaming;
        }
    }

    fn refuse(&mut self, error: &io::Error) {
        tracing::trace!(%error, "server takes no more of the request");
        self.state = SendState::Refused;
    }

    /// Moves body into the buffer; says whether there may be more at once.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        output: &mut crate::h1::io::Output,
    ) -> Result<bool, B::Error> {
        if self.state == SendState::AwaitContinue && self.continue_timer.poll(cx).is_ready() {
            self.go_on();
        }
        while self.state == SendState::Streaming {
            if !output.has_room() {
                return Ok(true);
            }
            match self.body.poll_frame(cx)? {
                Poll::Pending => return Ok(false),
                Poll::Ready(Some(frame)) => match frame.into_data() {
                    Ok(data) => self.encoder.data(data, output),
                    Err(frame) => {
                        self.encoder.end(frame.trailers_ref(), output);
                        self.state = SendState::Sent;
                    }
                },
                Poll::Ready(None) => {
                    // A body shorter than stated leaves the server waiting; it
                    // is cut off when the client's error is reported instead.
                    self.encoder.end(None, output);
                    self.state = SendState::Sent;
                }
            }
        }
        Ok(false)
    }
}
