//! From a backend to a server: the headers it adds, the cookie, the key and the
//! pick.

use std::{
    convert::Infallible,
    future::{Ready, poll_fn, ready},
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use lb_core::{
    Pool,
    policy::{Algorithm, Key},
    pool::{Unbound, Want},
    server::Administrative,
};
use lb_http::{
    Upstream,
    exchange::Prefer,
    stick,
    sticky::{Alternatives, Persistence, StickySession, request::values},
};
use tower_layer::Layer;
use tower_service::Service;

use super::{Case, Failed, Sheet};
use crate::plan::{Backend, Frontend, Server, forwarded_for};

type Servers = Pool<Upstream, Algorithm>;

/// Tells the way through `backend`; what this process answers in the place of a server, if it does.
pub(super) fn explain(
    frontend: &Frontend,
    backend: &Backend,
    case: &Case,
    sheet: &mut Sheet,
) -> Result<Option<Response<Bytes>>, Failed> {
    sheet.row("backend", backend.name());
    let pool = backend
        .pool(1)
        .map_err(|error| Failed::System(error.to_string()))?;
    headers(frontend, backend, case, sheet);
    let bound = cookie(backend, &pool, case, sheet);
    let asks = |rule: &stick::Rule| rule.usage() != stick::Use::StoreResponse;
    super::stick::tell(backend, asks, &case.view(), sheet);
    balance(backend, sheet);
    let hash = hash(backend, &pool, case, sheet);
    left_out(&pool, sheet);
    let bound_by_cookie = bound.server.is_some();
    let Some(name) = pick(&pool, Want { hash, ..bound }) else {
        sheet.row("server", "none: 503 Service Unavailable");
        let pages = backend.pages().clone().or(frontend.pages());
        return Ok(Some(pages.response(StatusCode::SERVICE_UNAVAILABLE)));
    };
    let server = backend.servers().iter().find(|s| *s.model().name == name);
    let server = server.expect("the pool has the servers of its backend");
    let why = match bound_by_cookie {
        true => "its cookie names it",
        false => reason(backend.algorithm(), hash, pool.snapshot().usable().len()),
    };
    let address = &server.model().address;
    sheet.row("server", format!("{name} at {}: {why}", **address));
    Ok(redirection(server, case, sheet))
}

/// What is added to the request.
fn headers(frontend: &Frontend, backend: &Backend, case: &Case, sheet: &mut Sheet) {
    let (front, back) = (frontend.model(), backend.model());
    if let Some(rule) = forwarded_for(front.forwardfor.as_ref(), back.forwardfor.as_ref()) {
        let field = rule.field(case.request.headers(), &case.source.into());
        let text = match field {
            Some((name, address)) => format!("{name}: {address} is added"),
            None => "nothing is added: `except` or `if_none` forbids it".to_owned(),
        };
        sheet.row("forwardfor", text);
    }
    if front.via && back.via {
        let version = format!("{:?}", case.request.version());
        let version = version.trim_start_matches("HTTP/");
        sheet.row("via", format!("via: {version} lb is added"));
    }
}

/// Follows the client's cookie, if it has one, as far as rules allow.
fn cookie(backend: &Backend, pool: &Servers, case: &Case, sheet: &mut Sheet) -> Want<Upstream> {
    let mut want = Want::default();
    let (Some(sticky), Some(model)) = (backend.sticky(), &backend.model().cookie) else {
        return want;
    };
    let name = model.name.as_str();
    let rule = backend.persist().of(&case.view());
    let fields = case.request.headers().get_all(http::header::COOKIE);
    let brought = fields
        .iter()
        .flat_map(|field| values(field.as_bytes(), name.as_bytes()))
        .map(|value| format!("{name}={}", value.escape_ascii()));
    let brought = brought.collect::<Vec<_>>().join(", ");
    if brought.is_empty() {
        sheet.row("cookie", format!("the request has no {name}"));
        return want;
    }
    let (prefer, others) = preferred(sticky, rule, case);
    let text = match (rule, prefer) {
        (Some(Persistence::Ignore), _) => "not followed: `ignore_persist` holds".to_owned(),
        (_, None) => "not followed: it names no server, or has expired".to_owned(),
        (_, Some(prefer)) => {
            want.even_if_down = prefer.even_if_down;
            let others = others.iter().flat_map(|others| &others.0);
            let (server, text) = follow(pool, &prefer, others);
            want.server = server;
            text
        }
    };
    sheet.row("cookie", format!("{brought} {text}"));
    want
}

/// The first of the values that leads to a server which can be used.
fn follow<'a>(
    pool: &Servers,
    prefer: &'a Prefer,
    others: impl Iterator<Item = &'a Box<str>>,
) -> (Option<Arc<lb_core::Server<Upstream>>>, String) {
    let mut unusable = None;
    for value in std::iter::once(&prefer.affinity).chain(others) {
        match pool.bound(value, prefer.even_if_down) {
            Ok(server) => {
                let text = format!("names server {}", server.name());
                return (Some(server), text);
            }
            Err(Unbound::Down) => unusable = Some(value),
            Err(Unbound::Unknown) => {}
        }
    }
    let text = match unusable {
        Some(_) => "names a server that cannot be used",
        None => "names no server of this backend",
    };
    (None, text.to_owned())
}

/// What the layer of the cookie asks the proxy for.
fn preferred(
    sticky: &StickySession,
    rule: Option<Persistence>,
    case: &Case,
) -> (Option<Prefer>, Option<Alternatives>) {
    let mut request = case.request.clone();
    if let Some(rule) = rule {
        request.extensions_mut().insert(rule);
    }
    let answered = pin!(sticky.layer(Echo).call(request));
    let Poll::Ready(Ok(mut response)) = answered.poll(&mut noop()) else {
        return (None, None);
    };
    let extensions = response.extensions_mut();
    (extensions.remove(), extensions.remove())
}

/// Stands in for the proxy: gives back what it is asked.
struct Echo;

impl Service<Request<()>> for Echo {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let mut response = Response::new(());
        *response.extensions_mut() = request.into_parts().0.extensions;
        ready(Ok(response))
    }
}

fn noop() -> Context<'static> {
    Context::from_waker(std::task::Waker::noop())
}

fn balance(backend: &Backend, sheet: &mut Sheet) {
    let model = backend.model();
    let mut text = model.balance.to_string();
    if backend.key().is_some() {
        if let Some(hash_type) = &model.hash_type {
            text.push_str(&format!(", {hash_type}"));
        }
        if let Some(factor) = &model.hash_balance_factor {
            text.push_str(&format!(", at most {factor} % of the average"));
        }
    }
    sheet.row("balance", text);
}

/// The hash of the request's key, where the algorithm has one.
fn hash(backend: &Backend, pool: &Servers, case: &Case, sheet: &mut Sheet) -> Option<u32> {
    let source = backend.key()?;
    let (key, hash) = source.with_key(&case.head(), |key| {
        let text = match key {
            Key::None => None,
            Key::Bytes(bytes) => Some(format!("\"{}\"", bytes.escape_ascii())),
            Key::Number(number) => Some(format!("{number:#010x}")),
        };
        (text, pool.digest(key))
    });
    let text = match (key, hash) {
        (Some(key), Some(hash)) => format!("{key}, hash {hash:#010x}"),
        _ if source.is_in_body(case.request.method()) => {
            "none in the target; the body may have it".to_owned()
        }
        _ => "the request has none".to_owned(),
    };
    sheet.row("key", text);
    hash
}

/// Servers that take no new clients, and why.
fn left_out(pool: &Servers, sheet: &mut Sheet) {
    let snapshot = pool.snapshot();
    let out = snapshot.all().iter().filter(|server| {
        let usable = snapshot.usable();
        !usable.iter().any(|other| Arc::ptr_eq(other, server))
    });
    let out = out.map(|server| {
        let why = if server.administrative_state() == Administrative::Maint {
            "disabled"
        } else if server.effective_weight() == 0 {
            "weight 0"
        } else {
            "backup"
        };
        format!("{} ({why})", server.name())
    });
    let out = out.collect::<Vec<_>>().join(", ");
    if !out.is_empty() {
        sheet.row("left out", out);
    }
}

/// The server of a pool that nobody else uses.
fn pick(pool: &Servers, want: Want<Upstream>) -> Option<String> {
    // A full pool would set a timer, which needs a runtime.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .ok()?;
    let mut acquire = pin!(pool.acquire(want));
    let polled = poll_fn(|cx| Poll::Ready(acquire.as_mut().poll(cx)));
    match runtime.block_on(polled) {
        Poll::Ready(Ok(lease)) => Some(lease.server().name().to_owned()),
        Poll::Ready(Err(_)) | Poll::Pending => None,
    }
}

fn reason(algorithm: Algorithm, hash: Option<u32>, servers: usize) -> &'static str {
    if servers == 1 {
        return "there is no other";
    }
    match (algorithm, hash) {
        (Algorithm::Hash(_) | Algorithm::Maglev(_), Some(_)) => "by the hash of the key",
        (Algorithm::Hash(_) | Algorithm::Maglev(_), None) => {
            "without a key they take turns, and it is the first"
        }
        (Algorithm::RoundRobin(_) | Algorithm::StaticRoundRobin(_), _) => {
            "they take turns, and it is the first"
        }
        (Algorithm::LeastConn(_), _) => "all are idle, and it is the first of these",
        (Algorithm::First(_), _) => "the first that has room",
        (Algorithm::Random(_) | Algorithm::P2c(_) | Algorithm::PeakEwma(_), _) => {
            "drawn at random; another time it is another"
        }
        _ => "the algorithm's choice",
    }
}

/// Servers may answer by a redirection.
fn redirection(server: &Server, case: &Case, sheet: &mut Sheet) -> Option<Response<Bytes>> {
    let method = case.request.method();
    let safe = method == http::Method::GET || method == http::Method::HEAD;
    let prefix = server.model().redir.as_ref().filter(|_| safe)?;
    let target = case.request.uri().path_and_query();
    let location = format!("{prefix}{}", target.map_or("", |target| target.as_str()));
    sheet.row("redirect", format!("302 to {location}"));
    let response = Response::builder().status(StatusCode::FOUND);
    response
        .header(http::header::LOCATION, location)
        .body(Bytes::new())
        .ok()
}
