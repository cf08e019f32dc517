//! Our layer over a service that chooses among the same servers as HAProxy, and
//! answers as they do.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use lb_core::Server;
use lb_http::{
    Upstream,
    exchange::{Exchange, Prefer, Preference},
    sticky::{Alternatives, Persistence, StickySession, dynamic_value},
};
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    Outcome,
    backends::{BACKENDS, KEY},
    cases::{Case, Rule},
    haproxy::Haproxy,
};

type Servers = Vec<Arc<Server<Upstream>>>;

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

pub(crate) async fn run(case: &Case, haproxy: &Haproxy) -> Outcome {
    let backend = BACKENDS
        .iter()
        .find(|backend| backend.name == case.backend)
        .unwrap();
    let servers = servers(case.backend, haproxy);
    let seen = Mutex::new((String::new(), Vec::new()));
    let proxy = service_fn(|request: Request<()>| {
        let exchange = choose(case, &servers, &request);
        *seen.lock().unwrap() = (
            exchange.server.as_ref().unwrap().name().to_owned(),
            texts(request.headers(), &header::COOKIE),
        );
        let mut response = Response::builder().status(case.status).extension(exchange);
        for (name, value) in &case.fields {
            let name: HeaderName = name.parse().unwrap();
            response = response.header(name, HeaderValue::from_str(value.trim()).unwrap());
        }
        async { Ok::<_, Infallible>(response.body(()).unwrap()) }
    });
    let session = (backend.ours)(StickySession::cookie("SRV"));
    let mut request = Request::builder().method(&*case.method);
    for cookie in &case.cookies {
        request = request.header(header::COOKIE, cookie.trim());
    }
    if let Some(persistence) = match case.rule {
        Rule::None => None,
        Rule::Force => Some(Persistence::Force),
        Rule::Ignore => Some(Persistence::Ignore),
        Rule::UseS1 | Rule::UseS4 => Some(Persistence::UseServer),
    } {
        request = request.extension(persistence);
    }
    let response = session
        .layer(proxy)
        .oneshot(request.body(()).unwrap())
        .await
        .unwrap();
    let exchange: &Exchange = response.extensions().get().unwrap();
    let flags = [
        exchange.request_cookie.as_char(),
        exchange.response_cookie.as_char(),
    ];
    let (server, seen) = seen.into_inner().unwrap();
    Outcome {
        server,
        seen,
        set_cookie: texts(response.headers(), &header::SET_COOKIE),
        cache_control: texts(response.headers(), &header::CACHE_CONTROL),
        flags: flags.iter().collect(),
    }
}

/// s1 to s5, as `BACKENDS` describes them.
fn servers(backend: &str, haproxy: &Haproxy) -> Servers {
    let bare = backend.starts_with("bare");
    let servers = haproxy.servers.iter().zip(1..).map(|(&address, number)| {
        let mut server = Server::new(format!("s{number}"), Upstream::from(address));
        if (number == 1 && bare) || (number == 4 && !bare) || ![1, 3, 4].contains(&number) {
            server = server.weight(0);
        }
        if number == 3 {
            server = server.disabled();
        }
        match (backend, number) {
            // Its value is left to the layer, which needs no look-up for it.
            ("dynamic", 1) | (_, 4) => {}
            ("dynamic", 2) => server = server.affinity(dynamic_value(KEY, address)),
            _ => server = server.affinity(format!("c{number}")),
        }
        Arc::new(server)
    });
    servers.collect()
}

/// What the proxy does: the server of the rule, or of the first cookie that leads
/// to one, or the one that balancing gives.
fn choose(case: &Case, servers: &Servers, request: &Request<()>) -> Exchange {
    let mut exchange = Exchange::new(Instant::now());
    if let Rule::UseS1 | Rule::UseS4 = case.rule {
        let position = if case.rule == Rule::UseS1 { 0 } else { 3 };
        exchange.server = Some(Arc::clone(&servers[position]));
        return exchange;
    }
    if let Some(prefer) = request.extensions().get::<Prefer>() {
        exchange.preference = Preference::Unknown;
        let others = request.extensions().get::<Alternatives>();
        let others = others.iter().flat_map(|others| &others.0);
        for value in std::iter::once(&prefer.affinity).chain(others) {
            let named = servers
                .iter()
                .find(|server| server.affinity_value() == Some(value));
            let Some(server) = named else { continue };
            let refuses = server.target().socket_addr().unwrap().port() == 1;
            if !refuses && (server.takes_bound_clients() || prefer.even_if_down) {
                exchange.preference = Preference::Honoured;
                exchange.server = Some(Arc::clone(server));
                return exchange;
            }
            exchange.preference = Preference::Down;
        }
    }
    exchange.server = servers.iter().find(|server| server.is_usable()).cloned();
    exchange
}

fn texts(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter();
    values
        .map(|value| value.to_str().unwrap().trim().to_owned())
        .collect()
}
