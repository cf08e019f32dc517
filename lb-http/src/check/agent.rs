//! Asks an agent on the server: HAProxy's `agent-check`.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use lb_core::health::{Answer, Probe};
use lb_tcp::ConnectError;
use tower_service::Service;

use super::{
    dial::Dial,
    talk::{Dialogue, Talk},
};
use crate::Upstream;

/// Connects to an agent's port, sends what it is to send, and reads one line.
///
/// For [`HealthChecker::agent`](lb_core::HealthChecker::agent). An agent that
/// cannot be reached is an error here, and no reason for the checker to think
/// worse of the server.
#[derive(Clone, Debug)]
pub struct AgentCheck {
    dial: Dial,
    send: Bytes,
}

impl AgentCheck {
    /// An agent at this port of the server (`agent-port`).
    pub fn new(port: u16) -> Self {
        Self {
            dial: Dial {
                port: Some(port),
                ..Dial::default()
            },
            send: Bytes::new(),
        }
    }

    /// An agent that is not at the server's address (`agent-addr`).
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.dial.address = Some(address);
        self
    }

    /// Sent first, as it is (`agent-send`).
    #[must_use]
    pub fn send(mut self, text: impl Into<Bytes>) -> Self {
        self.send = text.into();
        self
    }
}

impl Service<Probe<Upstream>> for AgentCheck {
    type Response = Answer;
    type Error = io::Error;
    type Future = AgentFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, probe: Probe<Upstream>) -> AgentFuture {
        let question = Question(self.send.clone());
        AgentFuture(Talk::new(question, self.dial.clone(), probe))
    }
}

/// The future of an [`AgentCheck`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct AgentFuture(Talk<Question>);

impl Future for AgentFuture {
    type Output = io::Result<Answer>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_answer(cx)
    }
}

#[derive(Debug)]
struct Question(Bytes);

impl Dialogue for Question {
    type Answer = io::Result<Answer>;

    fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn received(&self, bytes: &[u8], more: bool) -> Option<io::Result<Answer>> {
        (!more || bytes.contains(&b'\n')).then(|| Ok(Answer::parse(bytes)))
    }

    fn not_connected(&self, error: ConnectError) -> io::Result<Answer> {
        Err(error.into())
    }

    fn broken(&self, error: io::Error) -> io::Result<Answer> {
        Err(error)
    }
}
