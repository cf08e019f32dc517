//! The cookie layer where no HAProxy is needed to tell what is right; the rest is
//! in `haproxy_cookies`.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use http::{Request, Response, header::SET_COOKIE};
use lb_core::Server;
use lb_http::{
    Upstream,
    exchange::{Exchange, Failure, Prefer, Preference, RequestCookie, ResponseCookie},
    sticky::StickySession,
};
use tokio::time::Instant;
use tower::{Layer, Service};

fn insert() -> StickySession {
    StickySession::cookie("SRV").insert()
}

fn server(affinity: &str) -> Arc<Server<Upstream>> {
    let address = SocketAddr::from(([127, 0, 0, 1], 80));
    Arc::new(Server::new("a", Upstream::from(address)).affinity(affinity))
}

fn exchange(server: &Arc<Server<Upstream>>, preference: Preference) -> Exchange {
    let mut exchange = Exchange::new(Instant::now());
    exchange.server = Some(Arc::clone(server));
    exchange.preference = preference;
    exchange
}

/// A proxy that answers every request alike.
#[derive(Clone)]
struct Always(Option<Exchange>);

impl Service<Request<()>> for Always {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let mut response = Response::new(());
        if let Some(exchange) = &self.0 {
            response.extensions_mut().insert(exchange.clone());
        }
        ready(Ok(response))
    }
}

fn with_cookie(cookie: &str) -> Request<()> {
    Request::builder()
        .header("cookie", cookie)
        .body(())
        .unwrap()
}

/// What a service that never waits answers.
fn answer<S>(service: &mut S, request: Request<()>) -> Response<()>
where
    S: Service<Request<()>, Response = Response<()>, Error = Infallible>,
{
    match pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => panic!("the service never waits"),
    }
}

#[test]
fn a_response_of_no_proxy_is_left_alone() {
    let response = answer(&mut insert().layer(Always(None)), with_cookie("SRV=zz"));
    assert!(response.headers().is_empty());
}

#[test]
fn an_error_page_gets_no_cookie_but_its_log_states() {
    let mut failed = exchange(&server("c1"), Preference::Unknown);
    failed.failure = Some(Failure::Connect);
    let mut service = insert().layer(Always(Some(failed.clone())));
    let response = answer(&mut service, with_cookie("SRV=zz"));
    assert!(response.headers().is_empty());
    let seen: &Exchange = response.extensions().get().unwrap();
    assert_eq!(seen.request_cookie, RequestCookie::Invalid);
    assert_eq!(seen.response_cookie, ResponseCookie::None);

    // The server had answered before the failure: its client belongs to it.
    failed.responded = Some(Instant::now());
    *service.get_mut() = Always(Some(failed));
    let response = answer(&mut service, with_cookie("SRV=zz"));
    assert_eq!(response.headers()[SET_COOKIE], "SRV=c1; path=/");
}

#[test]
fn each_server_has_its_own_field_however_often_it_is_asked() {
    let servers = [server("c1"), server("c2")];
    let mut service = insert().layer(Always(None));
    for _ in 0..3 {
        for server in &servers {
            *service.get_mut() = Always(Some(exchange(server, Preference::None)));
            let response = answer(&mut service, Request::new(()));
            let expected = format!("SRV={}; path=/", server.affinity_value().unwrap());
            assert_eq!(response.headers()[SET_COOKIE], expected);
        }
    }
}

#[test]
fn a_value_that_cannot_stand_in_a_field_is_not_set() {
    let bad = exchange(&server("c\r\nset-cookie: evil=1"), Preference::None);
    let response = answer(&mut insert().layer(Always(Some(bad))), with_cookie("a=b"));
    assert!(response.headers().is_empty());
}

#[test]
fn the_flag_for_servers_that_are_down_reaches_the_proxy() {
    for (session, even_if_down) in [(insert(), false), (insert().persist_even_if_down(), true)] {
        let mut seen = None;
        let mut service = session.layer(tower::service_fn(|request: Request<()>| {
            seen = request.extensions().get::<Prefer>().cloned();
            ready(Ok::<_, Infallible>(Response::new(())))
        }));
        answer(&mut service, with_cookie("SRV=c2"));
        let affinity = "c2".into();
        assert_eq!(
            seen,
            Some(Prefer {
                affinity,
                even_if_down
            })
        );
    }
}

#[test]
fn nothing_to_read_and_nothing_to_set_costs_no_allocation() {
    let mut bare = Always(Some(exchange(&server("c1"), Preference::None)));
    let mut service = StickySession::cookie("SRV").prefix().layer(bare.clone());
    let (first, second) = (with_cookie("a=b; c=d"), with_cookie("a=b; c=d"));
    let alone = allocation_counter::measure(|| drop(answer(&mut bare, first)));
    let layered = allocation_counter::measure(|| drop(answer(&mut service, second)));
    assert_eq!(layered.count_total, alone.count_total);
}
