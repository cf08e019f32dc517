//! Answers: the server's response, or one of the proxy's own.

use std::sync::Arc;

use bytes::Bytes;
use http::{
    HeaderValue, Method, Response, StatusCode, Version,
    header::{CONNECTION, LOCATION, UPGRADE},
};
use http_body::Body as HttpBody;
use lb_core::{Lease, Policy, health::Outcome, retry::Cause};

use super::{Body, ResponseFuture, State};
use crate::{
    Upstream,
    exchange::Failure,
    h1::response::Head,
    pool::{Exchange, Home, Receiving},
    proxy::Reuse,
    tunnel::Tunnel,
};

impl<B, P> ResponseFuture<B, P>
where
    P: Policy,
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// The proxy's own response.
    pub(super) fn answer(&mut self, failure: Failure) -> State<B, P> {
        self.report.failure = Some(failure);
        let response = self.shared.pages.response(status_of(failure));
        State::Answered(Box::new(response))
    }

    /// The final head has come.
    pub(super) fn respond(
        &mut self,
        lease: Lease<Upstream, P>,
        exchange: Box<Exchange<B>>,
        mut head: Head,
    ) -> Result<Response<Body<B, P>>, State<B, P>> {
        let now = self.now();
        let status = head.parts.status;
        let cause = Cause::Status(status.as_u16());
        // Where nothing comes of another attempt, this response is the answer.
        let budget = self.shared.budget.as_ref();
        if self.attempts.retries_on(cause)
            && self.may_resend()
            && exchange.may_resend()
            && budget.is_none_or(|budget| budget.has_room())
        {
            self.body = Some(exchange.into_body());
            return Err(self.failed(lease, cause, Failure::BadResponse));
        }
        self.report.responded = Some(now);
        self.observe(lease.server(), Outcome::Response(status.as_u16()));
        let sent = self.report.connected.unwrap_or(now);
        lease.record_latency(now.saturating_duration_since(sent), now);
        let connect = self
            .outgoing
            .as_ref()
            .is_some_and(|outgoing| outgoing.method == Method::CONNECT);
        let tunnel = status == StatusCode::SWITCHING_PROTOCOLS || (connect && status.is_success());
        if tunnel {
            return self.switch_protocols(lease, exchange, head);
        }
        if status == StatusCode::UPGRADE_REQUIRED
            && let Some(protocol) = head.upgrade.take()
        {
            head.parts.headers.insert(UPGRADE, protocol);
            head.parts
                .headers
                .insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        let reusable =
            head.reusable && !self.shared.server_close && self.shared.reuse != Reuse::Never;
        let home = reusable.then(|| Home {
            server: Arc::clone(lease.server()),
            shard: self.shared.shard,
        });
        let receiving = Receiving::new(exchange, &mut head, home, now);
        Ok(self.response(head, Body::server(receiving, lease)))
    }

    fn switch_protocols(
        &mut self,
        lease: Lease<Upstream, P>,
        exchange: Box<Exchange<B>>,
        mut head: Head,
    ) -> Result<Response<Body<B, P>>, State<B, P>> {
        let asked = self.outgoing.as_ref().and_then(|o| o.upgrade.as_ref());
        let is_connect = head.parts.status != StatusCode::SWITCHING_PROTOCOLS;
        let agreed = match (asked, &head.upgrade) {
            (Some(asked), Some(chosen)) => names_protocol(asked, chosen),
            (asked, _) => asked.is_some(),
        };
        let Some(upgrade) = self.upgrade.take().filter(|_| is_connect || agreed) else {
            drop(lease);
            return Err(self.answer(Failure::InvalidResponse));
        };
        if !is_connect {
            let protocol = head.upgrade.take().or_else(|| asked.cloned());
            head.parts
                .headers
                .insert(CONNECTION, HeaderValue::from_static("upgrade"));
            if let Some(protocol) = protocol {
                head.parts.headers.insert(UPGRADE, protocol);
            }
        }
        let mut timeouts = self.shared.timeouts;
        let tunnel = self.overrides.as_ref().and_then(|it| it.tunnel);
        timeouts.tunnel = tunnel.unwrap_or(timeouts.tunnel);
        let tunnel = Tunnel::new(*exchange.into_connection(), lease, timeouts);
        if let Some(tunnel) = upgrade.hand_over(tunnel) {
            head.parts.extensions.insert(tunnel);
        }
        Ok(self.response(head, Body::empty()))
    }

    fn response(&mut self, mut head: Head, body: Body<B, P>) -> Response<Body<B, P>> {
        if let Some(outgoing) = self.outgoing.take() {
            outgoing.recycle();
        }
        head.parts.version = Version::HTTP_11;
        let mut extensions = std::mem::take(&mut self.extensions);
        extensions.extend(head.parts.extensions);
        extensions.insert(self.report.clone());
        head.parts.extensions = extensions;
        Response::from_parts(head.parts, body)
    }

    /// A response in place of a connection, from servers that redirect.
    pub(super) fn redirection(&mut self, upstream: &Upstream) -> Option<State<B, P>> {
        let prefix = upstream.redirection()?;
        let outgoing = self.outgoing.as_ref()?;
        if ![Method::GET, Method::HEAD].contains(&outgoing.method) {
            return None;
        }
        let location = [prefix.as_bytes(), outgoing.target().as_bytes()].concat();
        let location = HeaderValue::from_bytes(&location).ok()?;
        self.report.failure = Some(Failure::Redirected);
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::FOUND;
        response.headers_mut().insert(LOCATION, location);
        Some(State::Answered(Box::new(response)))
    }

    /// Sends an informational response on, where the client can take it.
    pub(super) fn inform(&self, head: &Head) {
        let understands = self
            .outgoing
            .as_ref()
            .is_some_and(|outgoing| outgoing.version == Version::HTTP_11);
        if let Some(client) = self.client.as_ref().filter(|_| understands) {
            client.inform(head.parts.status, &head.parts.headers);
        }
    }
}

fn status_of(failure: Failure) -> StatusCode {
    match failure {
        Failure::NoServer
        | Failure::QueueTimeout
        | Failure::Connect
        | Failure::ConnectTimeout
        | Failure::ShutDown => StatusCode::SERVICE_UNAVAILABLE,
        Failure::ResponseTimeout => StatusCode::GATEWAY_TIMEOUT,
        Failure::BadResponse | Failure::InvalidResponse | Failure::ResponseDenied => {
            StatusCode::BAD_GATEWAY
        }
        Failure::Client | Failure::InvalidBody => StatusCode::BAD_REQUEST,
        Failure::ClientTimeout | Failure::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
        Failure::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Failure::Denied | Failure::Rejected => StatusCode::FORBIDDEN,
        Failure::Tarpitted => StatusCode::INTERNAL_SERVER_ERROR,
        Failure::Local => StatusCode::OK,
        Failure::Redirected => StatusCode::FOUND,
        Failure::Rewrite | Failure::ResponseReplaced => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Did the client ask for the protocol that the server chose (RFC 9110 §7.8)?
fn names_protocol(asked: &HeaderValue, chosen: &HeaderValue) -> bool {
    let asked = asked.as_bytes().split(|&b| b == b',');
    let chosen = chosen.as_bytes().trim_ascii();
    asked
        .map(<[u8]>::trim_ascii)
        .any(|asked| asked.eq_ignore_ascii_case(chosen))
}
