//! A check that a connection can be made: HAProxy's plain `check`.

use std::{
    convert::Infallible,
    io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};

use lb_core::health::{Probe, Status, Verdict};
use lb_tcp::ConnectError;
use tower_service::Service;

use super::{
    dial::{self, Dial},
    talk::{Dialogue, Talk},
};
use crate::{ProxyVersion, Upstream};

/// Connects, sends the PROXY header if there is one, and closes.
#[derive(Clone, Debug, Default)]
pub struct TcpCheck {
    dial: Dial,
}

impl TcpCheck {
    /// Connects to the server's own address.
    pub fn new() -> Self {
        Self::default()
    }

    /// Connects to this port instead of the server's (`port`).
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.dial.port = Some(port);
        self
    }

    /// Connects to this address instead of the server's (`addr`).
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.dial.address = Some(address);
        self
    }

    /// Begins with a PROXY header (`check-send-proxy`). Without this, it does so
    /// if the server's traffic does, unless it goes to another port or address.
    #[must_use]
    pub fn send_proxy(mut self, version: ProxyVersion) -> Self {
        self.dial.send_proxy = Some(version);
        self
    }
}

impl Service<Probe<Upstream>> for TcpCheck {
    type Response = Verdict;
    type Error = Infallible;
    type Future = TcpCheckFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, probe: Probe<Upstream>) -> TcpCheckFuture {
        TcpCheckFuture(Talk::new(Silence, self.dial.clone(), probe))
    }
}

/// The future of a [`TcpCheck`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct TcpCheckFuture(Talk<Silence>);

impl Future for TcpCheckFuture {
    type Output = Result<Verdict, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_answer(cx).map(Ok)
    }
}

/// There is nothing to say.
#[derive(Debug)]
struct Silence;

impl Dialogue for Silence {
    type Answer = Verdict;

    fn open(&self, _: &mut Vec<u8>) {}

    fn sent(&self) -> Option<Verdict> {
        Some(Verdict::new(Status::L4Ok))
    }

    fn received(&self, _: &[u8], _: bool) -> Option<Verdict> {
        self.sent()
    }

    fn not_connected(&self, error: ConnectError) -> Verdict {
        dial::not_connected(&error)
    }

    fn broken(&self, error: io::Error) -> Verdict {
        Verdict::new(Status::SocketError).with_info(dial::reason(&error))
    }
}
