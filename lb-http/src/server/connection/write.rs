//! Writing to the client, at its pace.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, Written};
use crate::{Broken, h1::encode::Encoder, server::incoming::Feed};

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<'_, IO> {
    /// Streams the body out, at the client's pace.
    pub(super) fn poll_write<B: Body<Data = Bytes>>(
        &mut self,
        cx: &mut Context<'_>,
        mut body: Pin<&mut B>,
        encoder: &mut Encoder,
        feed: &mut Feed,
        bodiless: bool,
    ) -> Poll<Written> {
        if bodiless {
            return self.poll_flush(cx);
        }
        loop {
            if self.io.output.has_room() && !encoder.is_ended() {
                feed.disarm();
                match body.as_mut().poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) => {
                        match frame.into_data() {
                            Ok(data) => encoder.data(data, &mut self.io.output),
                            Err(frame) => {
                                encoder.end(frame.trailers_ref(), &mut self.io.output);
                            }
                        }
                        continue;
                    }
                    Poll::Ready(None) => {
                        if !encoder.end(None, &mut self.io.output) {
                            return Poll::Ready(Written::Broken(Broken::Gone));
                        }
                        continue;
                    }
                    // What is there goes out, so that the client has all that
                    // came, and then the connection ends before the body does.
                    Poll::Ready(Some(Err(_))) => {
                        let _ = self.io.poll_flush(cx);
                        return Poll::Ready(Written::Broken(Broken::Gone));
                    }
                    Poll::Pending => {
                        let timeout = self.client_timeout();
                        if feed.poll(cx, &mut self.io, &mut self.timer, timeout) {
                            continue;
                        }
                        // Only the client's own silence counts against it.
                        if let broken @ Written::Broken(_) = ready!(self.poll_flush(cx)) {
                            return Poll::Ready(broken);
                        }
                        return Poll::Pending;
                    }
                }
            }
            match ready!(self.poll_flush(cx)) {
                Written::Whole if !encoder.is_ended() => {}
                written => return Poll::Ready(written),
            }
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Written> {
        if self.io.output.is_empty() {
            return Poll::Ready(Written::Whole);
        }
        let before = self.io.written();
        match self.io.poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.stalled = false;
                Poll::Ready(Written::Whole)
            }
            Poll::Ready(Err(_)) => Poll::Ready(Written::Broken(Broken::Gone)),
            Poll::Pending => {
                if !self.stalled || self.io.written() != before {
                    self.timer.start(self.client_timeout());
                    self.stalled = true;
                }
                self.timer
                    .poll(cx)
                    .map(|()| Written::Broken(Broken::Stalled))
            }
        }
    }

    pub(super) async fn run_tunnel(&mut self, tunnel: crate::tunnel::Tunnel) {
        let flushed = poll_fn(|cx| self.poll_flush(cx)).await;
        if let Written::Broken(_) = flushed {
            return;
        }
        let head = self.io.written() - self.written_before;
        let early = self.io.input.split().freeze();
        match tunnel.run(self.io.io_mut(), early).await {
            Ok(bytes) => self.client.sent(head + bytes),
            Err(error) => tracing::debug!(%error, "tunnel ended"),
        }
    }
}
