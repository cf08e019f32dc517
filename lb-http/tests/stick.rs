//! The layer of `stick` where no HAProxy is needed to tell what is right; the rest is in `lb-cli/tests/tables`.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use http::{Request, Response};
use lb_core::{
    Pool, Server,
    condition::{Sample, Scope, words},
    policy::RoundRobin,
    table::{KeyType, Table},
};
use lb_http::{
    Upstream,
    exchange::{Exchange, Failure, StickTo},
    fetch::HttpVocabulary,
    stick::{Rule, Stick, Use},
    sticky::Persistence,
};
use tokio::time::Instant;
use tower::{Layer as _, Service, ServiceExt as _};

/// A proxy that says which server it would be asked for, and answers as one.
#[derive(Clone, Default)]
struct Proxy {
    asked: Arc<Mutex<Option<StickTo>>>,
    /// Which has answered; and with what failure.
    answers: Option<(Arc<Server<Upstream>>, Option<Failure>)>,
}

impl Service<Request<()>> for Proxy {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        *self.asked.lock().unwrap() = request.extensions().get().cloned();
        let mut response = Response::new(());
        let mut exchange = Exchange::new(Instant::now());
        if let Some((server, failure)) = &self.answers {
            exchange.server = Some(Arc::clone(server));
            exchange.failure = *failure;
            exchange.responded = failure.is_none().then(Instant::now);
        }
        response.extensions_mut().insert(exchange);
        ready(Ok(response))
    }
}

impl Proxy {
    /// Answers as the server of this number, in a pool of three.
    fn answering(number: usize, failure: Option<Failure>) -> Self {
        let upstream = |port| Upstream::from(SocketAddr::from(([127, 0, 0, 1], port)));
        let pool: Pool<Upstream, RoundRobin> = Pool::builder()
            .with(Server::new("a", upstream(1)))
            .with(Server::new("b", upstream(2)))
            .with(Server::new("c", upstream(3)))
            .build(RoundRobin::new())
            .unwrap();
        let server = Arc::clone(&pool.snapshot().all()[number - 1]);
        assert_eq!(server.number() as usize, number);
        Self {
            answers: Some((server, failure)),
            ..Self::default()
        }
    }
}

fn table() -> Arc<Table> {
    let table = Table::builder("t", KeyType::String(32)).store_server();
    Arc::new(table.build(Instant::now()))
}

fn rule(usage: Use, expression: &str, table: &Arc<Table>) -> Rule {
    let words = words(expression).unwrap();
    let key = HttpVocabulary::default().expr(&words[0]).unwrap();
    Rule::new(usage, key, Arc::clone(table))
}

fn known(table: &Table, user: &str) -> Option<u32> {
    let key = table.key(&Sample::Str(user.as_bytes()))?;
    table.server(Instant::now(), &key)
}

fn of(user: &str) -> Request<()> {
    Request::get("/api")
        .header("x-user", user)
        .body(())
        .unwrap()
}

/// What the proxy was asked for.
async fn through(stick: &Stick, proxy: Proxy, request: Request<()>) -> Option<StickTo> {
    stick.layer(proxy.clone()).oneshot(request).await.unwrap();
    let asked = proxy.asked.lock().unwrap();
    asked.clone()
}

#[tokio::test]
async fn who_is_known_is_asked_for_and_who_answers_is_learnt() {
    let t = table();
    let stick = Stick::by([rule(Use::On, "hdr(x-user)", &t)]);
    assert_eq!(
        through(&stick, Proxy::answering(2, None), of("anna")).await,
        None
    );
    assert_eq!(known(&t, "anna"), Some(2));
    let asked = through(&stick, Proxy::answering(3, None), of("anna"))
        .await
        .unwrap();
    assert_eq!(
        (asked.servers.as_slice(), asked.even_if_down),
        (&[2][..], false)
    );
    assert_eq!(known(&t, "anna"), Some(3), "it went elsewhere");
    let nobody = Request::new(());
    assert_eq!(
        through(&stick, Proxy::answering(1, None), nobody).await,
        None
    );
    assert_eq!(t.len(), 1);
}

#[tokio::test]
async fn nothing_is_learnt_of_a_server_that_has_not_answered() {
    let t = table();
    let stick = Stick::by([rule(Use::On, "hdr(x-user)", &t)]);
    for failure in [Failure::Connect, Failure::ResponseTimeout] {
        through(&stick, Proxy::answering(1, Some(failure)), of("anna")).await;
    }
    through(&stick, Proxy::default(), of("anna")).await;
    assert_eq!(known(&t, "anna"), None);
}

#[tokio::test]
async fn each_rule_does_its_part_and_no_more() {
    let (t, u) = (table(), table());
    let stick = Stick::by([
        rule(Use::Match, "hdr(x-user)", &t),
        rule(Use::StoreRequest, "hdr(x-user)", &u),
    ]);
    through(&stick, Proxy::answering(2, None), of("anna")).await;
    assert_eq!((known(&t, "anna"), known(&u, "anna")), (None, Some(2)));
    t.bind(Instant::now(), &t.key(&Sample::Str(b"anna")).unwrap(), 3);
    let asked = through(&stick, Proxy::answering(2, None), of("anna")).await;
    assert_eq!(asked.unwrap().servers.as_slice(), [3]);
    assert_eq!(known(&t, "anna"), Some(3));

    // All that match are candidates, in their order.
    let both = Stick::by([
        rule(Use::Match, "hdr(x-user)", &u),
        rule(Use::Match, "hdr(x-user)", &t),
    ]);
    let asked = through(&both, Proxy::answering(2, None), of("anna")).await;
    assert_eq!(asked.unwrap().servers.as_slice(), [2, 3]);
}

#[tokio::test]
async fn a_rule_is_for_those_of_whom_its_condition_holds() {
    let t = table();
    let (scope, _) = Scope::builder(HttpVocabulary::default()).build();
    let condition = scope.suffix("if { path_beg /api }").unwrap();
    let stick = Stick::by([rule(Use::On, "hdr(x-user)", &t).when(condition)]);
    through(&stick, Proxy::answering(1, None), of("anna")).await;
    let other = Request::get("/").header("x-user", "bert").body(()).unwrap();
    through(&stick, Proxy::answering(1, None), other).await;
    assert_eq!((known(&t, "anna"), known(&t, "bert")), (Some(1), None));
}

#[tokio::test]
async fn a_server_that_is_down_is_asked_for_where_that_is_wanted() {
    let t = table();
    t.bind(Instant::now(), &t.key(&Sample::Str(b"anna")).unwrap(), 3);
    let stick = Stick::by([rule(Use::On, "hdr(x-user)", &t)]);
    let mut forced = of("anna");
    forced.extensions_mut().insert(Persistence::Force);
    let asked = through(&stick, Proxy::answering(3, None), forced).await;
    assert!(asked.unwrap().even_if_down);
    let persist = stick.persist_even_if_down();
    let asked = through(&persist, Proxy::answering(3, None), of("anna")).await;
    assert!(asked.unwrap().even_if_down);
}
