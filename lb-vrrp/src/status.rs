//! What a virtual router is doing.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use tower_service::Service;

use crate::machine::{Peer, State};
use crate::{Family, Priority, Version, VirtualRouterId, Vrrp};

/// The state of a virtual router, as [`Vrrp::status`] gives it and [`Vrrp::watch`] follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Its name in configuration and log.
    pub name: Arc<str>,
    /// The interface it advertises on.
    pub interface: Arc<str>,
    /// Its number.
    pub id: VirtualRouterId,
    /// The version it speaks.
    pub version: Version,
    /// The family of its addresses.
    pub family: Family,
    /// Its state.
    pub state: State,
    /// Its priority with all weights.
    pub priority: Priority,
    /// The address it advertises from.
    pub source: Option<IpAddr>,
    /// The other node that is master, while this one is not.
    pub master: Option<Peer>,
    /// Since when it is in its state.
    pub since: SystemTime,
    /// Why it is, in words.
    pub reason: Arc<str>,
    /// The addresses it advertises.
    pub addresses: Arc<[IpAddr]>,
}

impl Status {
    /// Whether this node has the addresses.
    pub const fn is_master(&self) -> bool {
        matches!(self.state, State::Master)
    }
}

/// One line: `VI_1 MASTER priority 100 on eth0 since …: no advertisement from …`.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} priority {} id {} on {}: {}",
            self.name, self.state, self.priority, self.id, self.interface, self.reason
        )
    }
}

/// Answers every request with its [`Status`] as one line of text: mount it where a monitor asks.
impl<Q> Service<Request<Q>> for Vrrp {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Q>) -> Self::Future {
        let mut response = Response::new(format!("{}\n", self.status()));
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, text);
        ready(Ok(response))
    }
}
