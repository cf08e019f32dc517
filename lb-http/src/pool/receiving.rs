//! A response's body, read straight from the connection to the server.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use lb_core::Server;
use tokio::time::Instant;

use super::Exchange;
use crate::{
    Upstream,
    h1::{
        decode::{BadBody, Decoder, Piece},
        fields::Named,
        response::Head,
    },
};

/// Why a response's body broke off. Its length or its last chunk is then
/// missing, so that the client can tell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The server closed the connection in the middle.
    #[error("the server closed the connection before the end of the response")]
    Truncated,
    /// The server's chunks are faulty.
    #[error("the server sent a faulty body: {0}")]
    Malformed(&'static str),
    /// The server was silent for too long.
    #[error("the server sent nothing for too long")]
    Timeout,
    /// The connection failed.
    #[error("the connection to the server failed")]
    Io(#[source] std::io::Error),
    /// The server's sessions are shut down.
    #[error("the server was marked down")]
    ShutDown,
    /// The rest of the request's body failed while the response came already.
    #[error("the rest of the request did not come")]
    Request,
}

/// The rest of an exchange.
pub(crate) struct Receiving<B> {
    exchange: Option<Box<Exchange<B>>>,
    decoder: Decoder,
    named: Named,
    /// Where the connection goes when all has come well; `None` closes it.
    home: Option<Home>,
    /// The time, as long as nothing had to be waited for.
    now: Option<Instant>,
}

/// Where idle connections of a server are kept.
pub(crate) struct Home {
    pub(crate) server: Arc<Server<Upstream>>,
    pub(crate) shard: usize,
}

impl<B: Body<Data = Bytes> + Unpin> Receiving<B> {
    pub(crate) fn new(
        exchange: Box<Exchange<B>>,
        head: &mut Head,
        home: Option<Home>,
        now: Instant,
    ) -> Self {
        let mut receiving = Self {
            exchange: Some(exchange),
            decoder: Decoder::new(head.length),
            named: std::mem::take(&mut head.named),
            home,
            now: Some(now),
        };
        if receiving.decoder.is_done() {
            receiving.finish();
        }
        receiving
    }

    /// Has all come, and the connection been put back?
    pub(crate) fn is_done(&self) -> bool {
        self.decoder.is_done()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match self.decoder.remaining() {
            Some(left) => SizeHint::with_exact(left),
            None => SizeHint::default(),
        }
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(exchange) = &mut self.exchange else {
            return Poll::Ready(None);
        };
        // A server may answer while the request is still on its way.
        if !exchange.is_sent() && exchange.poll_send(cx).is_err() {
            return self.fail(BodyError::Request);
        }
        loop {
            let timeout = exchange.timeout();
            let connection = &mut *exchange.connection;
            match self.decoder.decode(&mut connection.io.input) {
                Ok(Some(Piece::Data(data))) => {
                    if self.decoder.is_done() {
                        self.finish();
                    }
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(Some(Piece::Trailers(mut trailers))) => {
                    for name in &self.named {
                        trailers.remove(name);
                    }
                    self.finish();
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Ok(Some(Piece::End)) => {
                    self.finish();
                    return Poll::Ready(None);
                }
                Ok(None) => {}
                Err(BadBody(reason)) => return self.fail(BodyError::Malformed(reason)),
            }
            let remaining = self.decoder.remaining();
            match connection.io.poll_read_body(cx, remaining) {
                Poll::Ready(Ok(0)) if self.decoder.may_end() => {
                    self.decoder = Decoder::Done;
                    self.exchange = None;
                    return Poll::Ready(None);
                }
                Poll::Ready(Ok(0)) => return self.fail(BodyError::Truncated),
                Poll::Ready(Ok(_)) => connection.timer.start(timeout),
                Poll::Ready(Err(error)) => return self.fail(BodyError::Io(error)),
                Poll::Pending => {
                    self.now = None;
                    if exchange.is_shut_down(cx) {
                        return self.fail(BodyError::ShutDown);
                    }
                    std::task::ready!(exchange.connection.timer.poll(cx));
                    return self.fail(BodyError::Timeout);
                }
            }
        }
    }

    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.exchange = None;
        Poll::Ready(Some(Err(error)))
    }

    /// Puts the connection back, if both sides are through with it.
    fn finish(&mut self) {
        let (Some(exchange), Some(home)) = (self.exchange.take(), self.home.take()) else {
            return;
        };
        if !exchange.is_sent() {
            return;
        }
        let upstream = home.server.target();
        let mut connection = exchange.into_connection();
        let now = self.now.unwrap_or_else(Instant::now);
        if connection.end_use(upstream.options(), now)
            && upstream.is_at_other_end_of(connection.stream())
        {
            upstream.idle(home.shard).put(connection);
        }
    }
}
