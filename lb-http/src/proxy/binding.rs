//! What ties a request to a server before any is chosen: persistence, and the
//! key of a hash.

use std::sync::Arc;

use http::request::Parts;
use lb_core::{Policy, Server, pool::Unbound};

use super::Shared;
use crate::{
    Client, Upstream,
    exchange::{Prefer, Preference, StickTo},
    fetch::RequestView,
    sticky::Alternatives,
};

/// The server that the client is bound to, by the first of its values that
/// leads to one.
pub(super) fn bind<P: Policy>(
    shared: &Shared<P>,
    prefer: &Prefer,
    others: Option<&Alternatives>,
) -> (Option<Arc<Server<Upstream>>>, Preference) {
    let mut preference = Preference::Unknown;
    let others = others.into_iter().flat_map(|others| &others.0);
    for value in std::iter::once(&prefer.affinity).chain(others) {
        match shared.pool.bound(value, prefer.even_if_down) {
            Ok(server) => return (Some(server), Preference::Honoured),
            Err(Unbound::Down) => preference = Preference::Down,
            Err(Unbound::Unknown) => {}
        }
    }
    (None, preference)
}

/// The first of the servers that tables know the client by, if one can be used.
pub(super) fn stick<P: Policy>(
    shared: &Shared<P>,
    stick: &StickTo,
) -> Option<Arc<Server<Upstream>>> {
    let mut known = stick.servers.iter();
    known.find_map(|number| {
        shared
            .pool
            .bound_by_number(*number, stick.even_if_down)
            .ok()
    })
}

/// Where the hash of a request comes from.
pub(super) struct KeySearch {
    pub(super) hash: Option<u32>,
    /// It may be in the body, which has not been read.
    pub(super) in_body: bool,
}

impl KeySearch {
    pub(super) fn new<P: Policy>(
        shared: &Shared<P>,
        parts: &Parts,
        client: Option<&Client>,
    ) -> Self {
        let Some(key) = &shared.key else {
            return Self {
                hash: None,
                in_body: false,
            };
        };
        let view = RequestView::new(parts).connection(
            client.and_then(|client| client.peer().inet()),
            client.and_then(|client| client.local().inet()),
        );
        let hash = key.with_key(&view, |key| shared.pool.digest(key));
        Self {
            hash,
            in_body: hash.is_none() && key.is_in_body(&parts.method),
        }
    }
}
