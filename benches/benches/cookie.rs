//! The cost of the cookie layer for one request and its response, over a service
//! that does nothing; `alone` is that service without the layer.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::{HeaderValue, Request, Response, header::COOKIE, header::SET_COOKIE};
use lb_core::Server;
use lb_http::{
    Upstream,
    exchange::{Exchange, Preference},
    sticky::StickySession,
};
use tower_layer::Layer;
use tower_service::Service;

/// Answers with what a proxy says of its server, and perhaps a cookie.
#[derive(Clone)]
struct Answer {
    exchange: Exchange,
    set_cookie: Option<HeaderValue>,
}

impl Service<Request<()>> for Answer {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        black_box(request);
        let mut response = Response::new(());
        response.extensions_mut().insert(self.exchange.clone());
        if let Some(field) = &self.set_cookie {
            response.headers_mut().insert(SET_COOKIE, field.clone());
        }
        ready(Ok(response))
    }
}

fn proxy(preference: Preference, set_cookie: Option<&'static str>) -> Answer {
    let upstream = Upstream::from(SocketAddr::from(([127, 0, 0, 1], 80)));
    #[expect(clippy::disallowed_methods, reason = "any time will do")]
    let now = std::time::Instant::now();
    let mut exchange = Exchange::new(now.into());
    exchange.server = Some(Arc::new(Server::new("a", upstream).affinity("c1")));
    exchange.preference = preference;
    Answer {
        exchange,
        set_cookie: set_cookie.map(HeaderValue::from_static),
    }
}

fn measure<S>(c: &mut Criterion, name: &str, mut service: S, cookie: Option<&str>)
where
    S: Service<Request<()>, Response = Response<()>, Error = Infallible>,
{
    let request = || {
        let mut request = Request::new(());
        if let Some(cookie) = cookie {
            let field = HeaderValue::from_str(cookie).expect("a cookie of this file");
            request.headers_mut().insert(COOKIE, field);
        }
        request
    };
    let mut run = |request| {
        let mut cx = Context::from_waker(Waker::noop());
        black_box(pin!(service.call(request)).poll(&mut cx).is_ready())
    };
    c.bench_function(name, |b| {
        b.iter_batched(request, &mut run, BatchSize::SmallInput);
    });
}

fn cookie(c: &mut Criterion) {
    let insert = || StickySession::cookie("SRV").insert();
    let foreign = "session=0123456789abcdef0123456789abcdef; theme=dark; lang=en; ".repeat(10);
    let (none, led) = (Preference::None, Preference::Honoured);

    measure(c, "alone", proxy(none, None), None);
    measure(
        c,
        "alone, 650 bytes of cookies",
        proxy(none, None),
        Some(&foreign),
    );
    measure(c, "alone, a cookie", proxy(none, None), Some("a=b; SRV=c1"));
    measure(
        c,
        "alone, server sets a cookie",
        proxy(none, Some("SRV=app; Path=/")),
        None,
    );
    let session = StickySession::cookie("SRV").prefix();
    measure(c, "nothing to do", session.layer(proxy(none, None)), None);
    measure(
        c,
        "650 bytes of other cookies",
        session.layer(proxy(none, None)),
        Some(&foreign),
    );
    let set = proxy(none, Some("SRV=app; Path=/"));
    measure(c, "prefix to the client", session.layer(set), None);
    measure(
        c,
        "prefix from the client",
        session.layer(proxy(led, None)),
        Some("a=b; SRV=c1~app"),
    );
    measure(c, "insert", insert().layer(proxy(none, None)), None);
    let dated = insert().max_idle(Duration::from_secs(60));
    measure(
        c,
        "insert with a date",
        dated.layer(proxy(none, None)),
        None,
    );
    measure(
        c,
        "follow",
        insert().layer(proxy(led, None)),
        Some("a=b; SRV=c1"),
    );
    let indirect = insert().indirect();
    measure(
        c,
        "follow and strip",
        indirect.layer(proxy(led, None)),
        Some("a=b; SRV=c1; c=d"),
    );
}

criterion_group!(benches, cookie);
criterion_main!(benches);
