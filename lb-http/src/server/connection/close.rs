//! Ending a connection: with a refusal, or with a response that must arrive.

use std::{future::poll_fn, task::Poll};

use bytes::Bytes;
use http::Version;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, LINGER};
use crate::{
    h1::{encode::Encoder, fault, request::Refusal},
    server::{Hangup, Refused, RefusedCause, response::Asked},
};

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<'_, IO> {
    /// Answers what is no request, and closes.
    pub(super) async fn refuse(&mut self, refusal: Refusal, cause: RefusedCause) {
        self.report(refusal, cause, true);
        if cause == RefusedCause::ClientClosed {
            // It may have closed only its sending side, and still listens.
            tracing::trace!("answering a client that closed");
        }
        let (parts, page) = self.settings.pages.response(refusal.status).into_parts();
        if parts.extensions.get::<Hangup>().is_some() {
            return;
        }
        let asked = Asked {
            method: http::Method::GET,
            version: Version::HTTP_11,
        };
        let size = http_body::SizeHint::with_exact(page.len() as u64);
        let mut encoder = Encoder::Exact(page.len() as u64);
        asked.write_head(self.io.output.head(), &parts, &size, encoder, true);
        encoder.data(page, &mut self.io.output);
        self.timer.start(self.settings.timeouts.client);
        poll_fn(|cx| self.poll_flush(cx)).await;
        self.linger().await;
    }

    pub(super) fn report(&self, refusal: Refusal, cause: RefusedCause, began: bool) {
        if let Some(report) = self.on_refused {
            report(&Refused {
                peer: self.client.peer().clone(),
                local: self.client.local().clone(),
                status: refusal.status,
                reason: refusal.reason,
                bytes: match cause {
                    RefusedCause::Invalid => fault::copy(&self.io.input),
                    _ => Bytes::new(),
                },
                cause,
                began,
                since: self.since,
                ready: self.client.ready(),
            });
        }
    }

    /// Closes the sending side and reads on for a moment.
    pub(super) async fn linger(&mut self) {
        self.timer.start(LINGER);
        let mut closed = false;
        poll_fn(|cx| {
            while !closed {
                match self.io.poll_shutdown(cx) {
                    Poll::Ready(Ok(())) => closed = true,
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return self.timer.poll(cx),
                }
            }
            loop {
                self.io.input.clear();
                match self.io.poll_read_head(cx) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return self.timer.poll(cx),
                }
            }
        })
        .await;
    }
}
