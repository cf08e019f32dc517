//! One request and its response.

use http::{Request, Response};
use lb_core::table::Key;
use smallvec::SmallVec;
use tokio::time::Instant;

use super::rule::Rule;
use crate::{
    Client,
    exchange::{Exchange, StickTo},
    fetch::{ResponseView, View},
    sticky::Persistence,
};

/// What is remembered of a request until its response.
#[derive(Debug)]
pub(super) struct Visit {
    /// What to store once there is a server, with the place of the rule.
    keys: SmallVec<[(usize, Key); 1]>,
    /// For the rules on responses.
    client: Option<Client>,
}

impl Visit {
    /// Looks for the client's server, and asks for it.
    pub(super) fn begin<B>(rules: &[Rule], even_if_down: bool, request: &mut Request<B>) -> Self {
        let now = Instant::now();
        let (mut servers, mut keys) = (SmallVec::new(), SmallVec::new());
        let view = View::of(request);
        for (at, rule) in rules.iter().enumerate() {
            if rule.stores_response() {
                continue;
            }
            let Some(key) = rule.key(&view) else { continue };
            if rule.matches() {
                servers.extend(rule.table().server(now, &key));
            }
            if rule.stores_request() {
                keys.push((at, key));
            }
        }
        let on_response = rules.iter().any(Rule::stores_response);
        let client = request.extensions().get::<Client>();
        let client = client.filter(|_| on_response).cloned();
        let extensions = request.extensions_mut();
        let forced = extensions.get() == Some(&Persistence::Force);
        if !servers.is_empty() {
            extensions.insert(StickTo {
                servers,
                even_if_down: even_if_down || forced,
            });
        }
        Self { keys, client }
    }

    /// Remembers which server has answered, if one has.
    pub(super) fn end<B>(&self, rules: &[Rule], response: &Response<B>) {
        let Some(exchange) = response.extensions().get::<Exchange>() else {
            return;
        };
        // A server that has not begun to answer is none to stay on.
        let (Some(server), Some(_)) = (&exchange.server, exchange.responded) else {
            return;
        };
        let (now, server) = (Instant::now(), server.number());
        for (at, key) in &self.keys {
            rules[*at].table().bind(now, key, server);
        }
        let mut view = View::default().client(self.client.as_ref());
        view.response = Some(ResponseView {
            status: response.status(),
            version: response.version(),
            headers: response.headers(),
        });
        for rule in rules.iter().filter(|rule| rule.stores_response()) {
            if let Some(key) = rule.key(&view) {
                rule.table().bind(now, &key, server);
            }
        }
    }
}
