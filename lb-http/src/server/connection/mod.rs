//! One client connection, from its first byte to its last.

mod close;
mod write;

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::service::Service;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::futures::OwnedNotified,
    time::Instant,
};

use super::{
    Hangup, Incoming, OnRefused, RefusedCause, Server, Settings, Shutdown,
    incoming::{self, Feed},
    response::Asked,
};
use crate::{
    Broken, Client,
    h1::{
        encode::Encoder,
        io::Buffered,
        recycle,
        request::{self, Head, Refusal},
    },
    timer::Timer,
    tunnel::TunnelSlot,
};

/// How long a connection that is closed with unread input lingers, so that the
/// reset which that causes does not destroy the response on its way
/// (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(1);

pub(super) struct Connection<'a, IO> {
    io: Buffered<IO>,
    client: Client,
    settings: &'a Settings,
    on_refused: Option<&'a OnRefused>,
    shutdown: &'a Shutdown,
    stop: Pin<Box<OwnedNotified>>,
    timer: Timer,
    /// When the request at hand began.
    since: Instant,
    /// When bytes came last.
    heard: Instant,
    /// Does the client take nothing at the moment?
    stalled: bool,
    /// Bytes of the stream that belong to earlier requests.
    read_before: u64,
    /// Bytes written before the response at hand.
    written_before: u64,
    /// The client is not to be told that this is the end.
    silent: bool,
}

/// What comes of waiting for a request.
enum Next {
    /// In a box, which costs less than to move it through every layer on its way.
    Request(Box<Head>),
    Refuse(Refusal, RefusedCause),
    Close,
}

/// How writing a response ended.
enum Written {
    Whole,
    /// The connection is of no more use.
    Broken(Broken),
}

impl<'a, IO: AsyncRead + AsyncWrite + Unpin> Connection<'a, IO> {
    pub(super) fn new<S>(
        io: IO,
        early: BytesMut,
        client: Client,
        server: &'a Server<S>,
        shutdown: &'a Shutdown,
    ) -> Self {
        let now = Instant::now();
        Self {
            io: Buffered::with_input(io, early),
            client,
            settings: &server.settings,
            on_refused: server.on_refused.as_ref(),
            shutdown,
            stop: Box::pin(shutdown.notified()),
            timer: Timer::default(),
            since: now,
            heard: now,
            stalled: false,
            read_before: 0,
            written_before: 0,
            silent: false,
        }
    }

    pub(super) async fn run<S, B>(mut self, service: &S) -> Option<IO>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        B: Body<Data = Bytes>,
    {
        self.timer.start(self.settings.timeouts.http_request);
        loop {
            match poll_fn(|cx| self.poll_request(cx)).await {
                Next::Request(head) => {
                    if !self.exchange(head, service).await {
                        return self.silent.then(|| self.io.into_parts().0);
                    }
                    self.read_before = self.io.understood();
                }
                Next::Refuse(refusal, cause) => {
                    self.refuse(refusal, cause).await;
                    return None;
                }
                Next::Close => return None,
            }
            self.io.release();
            let now = Instant::now();
            self.client.await_next(now);
            if !self.io.input.is_empty() {
                // A pipelined request begins when its turn comes.
                (self.since, self.heard) = (now, now);
            }
            self.timer.set(now + self.settings.timeouts.keep_alive);
        }
    }

    /// Reads up to the end of a head.
    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        loop {
            if !self.io.input.is_empty() {
                match request::parse(&mut self.io.input, &self.settings.limits) {
                    Ok(Some(head)) => return Poll::Ready(Next::Request(Box::new(head))),
                    Ok(None) => {}
                    Err(refusal) => {
                        return Poll::Ready(Next::Refuse(refusal, RefusedCause::Invalid));
                    }
                }
            }
            let begun = !self.io.input.is_empty();
            let first = self.client.requests() == 0;
            match self.io.poll_read_head(cx) {
                Poll::Ready(Ok(1..)) => {
                    self.heard = Instant::now();
                    if !begun {
                        self.since = self.heard;
                        let deadline = self.since + self.settings.timeouts.http_request;
                        if !first {
                            self.timer.set(deadline);
                        }
                    }
                }
                Poll::Ready(_) if begun => {
                    let refusal = bad_request("the client closed in the middle of its request");
                    return Poll::Ready(Next::Refuse(refusal, RefusedCause::ClientClosed));
                }
                Poll::Ready(_) => {
                    if first {
                        let refusal = bad_request("the client closed without a request");
                        self.report(refusal, RefusedCause::ClientClosed, false);
                    }
                    return Poll::Ready(Next::Close);
                }
                Poll::Pending => {
                    if !begun && (self.stop.as_mut().poll(cx).is_ready() || self.is_stopping()) {
                        return Poll::Ready(Next::Close);
                    }
                    ready!(self.timer.poll(cx));
                    let refusal = Refusal {
                        status: StatusCode::REQUEST_TIMEOUT,
                        reason: "the request did not come in time",
                    };
                    if begun {
                        return Poll::Ready(Next::Refuse(refusal, RefusedCause::Timeout));
                    }
                    // Browsers open connections in advance: no page for those.
                    if first {
                        self.report(refusal, RefusedCause::Timeout, false);
                    }
                    return Poll::Ready(Next::Close);
                }
            }
        }
    }

    /// Is the connection of no use after this response, whatever the client says?
    fn must_close(&self, feed: &Feed) -> bool {
        self.settings.close
            || self.client.closes()
            || self.shutdown.ends_with_next()
            || feed.awaits_continue()
            || feed.failure().is_some()
            || feed
                .remaining()
                .is_some_and(|left| left > incoming::WORTH_READING)
    }

    /// How long the client may be silent, or take nothing, in this request.
    fn client_timeout(&self) -> Duration {
        let own = self.settings.timeouts.client;
        self.client.timeout().unwrap_or(own)
    }

    fn is_stopping(&self) -> bool {
        self.shutdown.has_begun()
    }

    /// One request and its response; `false` if the connection ends with it.
    async fn exchange<S, B>(&mut self, head: Box<Head>, service: &S) -> bool
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        B: Body<Data = Bytes>,
    {
        let asked = Asked {
            method: head.parts.method.clone(),
            version: head.parts.version,
        };
        let persists = head.connection.persists(head.parts.version);
        let (incoming, mut feed) = Incoming::new(
            head.length,
            head.connection.named,
            head.expect_continue,
            self.settings.limits.body_bytes,
        );
        self.written_before = self.io.written();
        self.client
            .begin_request(self.since, self.heard, self.settings.abort_on_close);
        self.client.took(self.io.understood() - self.read_before);
        let mut request = Request::from_parts(head.parts, incoming);
        request.extensions_mut().insert(self.client.clone());
        self.timer.set(self.heard + self.settings.timeouts.client);
        let response = {
            let mut response = pin!(service.call(request));
            poll_fn(|cx| self.poll_service(cx, response.as_mut(), &mut feed, &asked)).await
        };
        let Some(response) = response else {
            return false;
        };
        let close = {
            let (mut parts, body) = response.into_parts();
            if let Some(hangup) = parts.extensions.get::<Hangup>() {
                self.silent = *hangup == Hangup::Silent;
                return false;
            }
            // Dropped before the connection lingers: whoever made it may log its end.
            let mut body = pin!(body);
            let tunnel = parts.extensions.remove::<TunnelSlot>();
            let size = body.size_hint();
            let mut encoder = asked.encoder(&parts, &size);
            let close = !persists || encoder == Encoder::UntilClose || self.must_close(&feed);
            if self.io.output.has_room() {
                asked.write_head(self.io.output.head(), &parts, &size, encoder, close);
            }
            recycle::give_map(parts.headers);
            if let Some(tunnel) = tunnel.and_then(|slot| slot.take()) {
                self.run_tunnel(*tunnel).await;
                return false;
            }
            let bodiless = asked.is_bodiless(parts.status);
            let written =
                poll_fn(|cx| self.poll_write(cx, body.as_mut(), &mut encoder, &mut feed, bodiless))
                    .await;
            self.client.took(self.io.understood() - self.read_before);
            self.client.sent(self.io.written() - self.written_before);
            if let Written::Broken(how) = written {
                self.client.broke_off(how);
                return false;
            }
            recycle::give_extensions(parts.extensions);
            close
        };
        if !close && !feed.is_complete() {
            self.timer.start(LINGER);
            let found = poll_fn(|cx| feed.poll_discard(cx, &mut self.io, &mut self.timer)).await;
            if found {
                return true;
            }
        }
        if !close && feed.is_complete() {
            return true;
        }
        // A client that closes by itself sends nothing more.
        if persists || !feed.is_complete() || !self.io.input.is_empty() {
            self.linger().await;
        }
        false
    }

    /// Polls the service, and between polls does for it what only the
    /// connection can: feed it the request's body, pass on informational
    /// responses, notice that the client is gone. `None` ends the connection.
    fn poll_service<F, B>(
        &mut self,
        cx: &mut Context<'_>,
        mut service: Pin<&mut F>,
        feed: &mut Feed,
        asked: &Asked,
    ) -> Poll<Option<Response<B>>>
    where
        F: Future<Output = Result<Response<B>, Infallible>>,
    {
        loop {
            feed.disarm();
            let polled = service.as_mut().poll(cx);
            self.write_interim(cx, feed, asked);
            if let Poll::Ready(Ok(response)) = polled {
                return Poll::Ready(Some(response));
            }
            let timeout = self.client_timeout();
            if feed.poll(cx, &mut self.io, &mut self.timer, timeout) {
                continue;
            }
            if self.client.aborts_on_close() && feed.is_complete() && self.io.input.is_empty() {
                // Bytes are the next request of a client that pipelines.
                match self.io.poll_read_head(cx) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(None),
                    Poll::Ready(Err(_)) => {
                        self.client.broke_off(Broken::Gone);
                        return Poll::Ready(None);
                    }
                    Poll::Ready(Ok(_)) | Poll::Pending => {}
                }
            }
            return Poll::Pending;
        }
    }

    fn write_interim(&mut self, cx: &mut Context<'_>, feed: &mut Feed, asked: &Asked) {
        let Some(interim) = self.client.take_interim() else {
            return;
        };
        // HTTP/1.0 has no such responses.
        if asked.version == Version::HTTP_11 && self.io.output.has_room() {
            if interim.starts_with(b"HTTP/1.1 100") {
                feed.continued();
            }
            self.io.output.head().extend_from_slice(&interim);
            // An error shows again when the final response is written.
            let _ = self.io.poll_flush(cx);
        }
    }
}

fn bad_request(reason: &'static str) -> Refusal {
    Refusal {
        status: StatusCode::BAD_REQUEST,
        reason,
    }
}
