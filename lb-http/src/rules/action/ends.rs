//! `set-src`, `set-src-port`, `set-dst`, `set-dst-port`: where a request is said to come from, and go to.
//!
//! What is said holds for one request, and for all that asks from then on: conditions, `X-Forwarded-For`,
//! `balance source`, the PROXY protocol to servers, the log.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use lb_core::condition::{ConditionError, Fetch as _, Sample, SampleType};
use lb_tcp::Endpoint;

use crate::{
    Client,
    fetch::{HttpExpr, View},
    rules::compile::Words,
};

/// Another address or port.
#[derive(Debug)]
pub(in crate::rules) struct EndRule {
    part: Part,
    expr: HttpExpr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Source,
    SourcePort,
    Destination,
    DestinationPort,
}

impl EndRule {
    /// Reads the expression after the action's `name`.
    pub(super) fn parse(name: &str, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let part = match name {
            "set-src" => Part::Source,
            "set-src-port" => Part::SourcePort,
            "set-dst" => Part::Destination,
            _ => Part::DestinationPort,
        };
        let vocabulary = words.vocabulary;
        let word = words.required("an expression, as `hdr(x-real-ip)`")?;
        let expr = vocabulary.expr(word)?;
        let (wanted, kind) = (part.wanted(), expr.sample_type());
        if ![wanted, SampleType::Str, SampleType::Any].contains(&kind) {
            let message =
                format!("`{name}` needs a sample of type {wanted}, and this is of type {kind}");
            return Err(ConditionError::new(word.span(), message));
        }
        Ok(Self { part, expr })
    }

    /// The client as it is said to be; `None` if the sample is not there, or no address or port.
    pub(in crate::rules) fn make(&self, view: &View<'_>) -> Option<Client> {
        let client = view.client?;
        let (peer, local) = (client.peer(), client.local());
        let (ip, port) = self
            .expr
            .with_sample(view, |sample| match self.part {
                Part::Source | Part::Destination => (sample.to_ip(), None),
                Part::SourcePort | Part::DestinationPort => (None, port(&sample)),
            })
            .filter(|(ip, port)| ip.is_some() || port.is_some())?;
        let stated = |end: &Endpoint| Endpoint::from(with(end.inet(), ip, port));
        Some(match self.part {
            Part::Source | Part::SourcePort => client.stating(stated(peer), local.clone()),
            _ => client.stating(peer.clone(), stated(local)),
        })
    }
}

impl Part {
    const fn wanted(self) -> SampleType {
        match self {
            Self::Source | Self::Destination => SampleType::Ip,
            Self::SourcePort | Self::DestinationPort => SampleType::Int,
        }
    }
}

/// HAProxy: what an end lacks, as one of a Unix socket, is 0.
fn with(end: Option<SocketAddr>, ip: Option<IpAddr>, port: Option<u16>) -> SocketAddr {
    let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let end = end.unwrap_or(nowhere);
    SocketAddr::new(ip.unwrap_or(end.ip()), port.unwrap_or(end.port()))
}

fn port(sample: &Sample<'_>) -> Option<u16> {
    sample.to_int().and_then(|port| u16::try_from(port).ok())
}
