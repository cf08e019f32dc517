//! An axum app that is its own load balancer: local routes, and everything else
//! on three upstream servers, with health checks and sticky sessions.
//!
//! ```text
//! cargo run -p lb-examples --example axum
//! ```
//!
//! The upstream servers run in this process, too, so that there is nothing to
//! set up. Stop one (`POST /stop/a`) and see its clients move.

use std::{collections::HashMap, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Path, Request, State, connect_info::Connected},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONNECTION, UPGRADE},
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::IncomingStream,
};
use hyper_util::rt::TokioIo;
use lb_core::{HealthChecker, Pool, policy::RoundRobin};
use lb_http::{Client, Proxy, Upstream, check::HttpCheck, sticky::StickySession};
use tokio::{net::TcpListener, sync::Notify};
use tower::ServiceBuilder;

/// Stops the upstream server of a name.
type Stops = Arc<HashMap<&'static str, Arc<Notify>>>;

/// The app in front of `servers`, and everything that runs beside it.
async fn app(servers: &[(&'static str, SocketAddr)], stops: Stops) -> Router {
    let declare = |pool: lb_core::pool::Builder<_>, (name, address): &(&str, SocketAddr)| {
        pool.server(*name, *address)
    };
    let pool: Pool<Upstream, _> = servers
        .iter()
        .fold(Pool::builder().name("app"), declare)
        .build(RoundRobin::new())
        .expect("each has a name of its own");

    let checker = HealthChecker::new(HttpCheck::get("/healthz"))
        .rise(1)
        .fall(2)
        .interval(Duration::from_millis(500))
        .on_event(|event| println!("{event}"));
    tokio::spawn(checker.run(pool.clone()));

    let proxy = ServiceBuilder::new()
        .layer(StickySession::cookie("SRV").insert().indirect().nocache())
        .service(
            Proxy::builder(pool)
                .forwarded_for(Default::default())
                .build(),
        );
    Router::new()
        .route("/me", get(async || "this very process\n"))
        .route("/stop/{name}", post(stop))
        .with_state(stops)
        .fallback_service(proxy)
        .layer(middleware::from_fn(introduce))
}

async fn stop(State(stops): State<Stops>, Path(name): Path<String>) -> StatusCode {
    let Some(stop) = stops.get(&*name) else {
        return StatusCode::NOT_FOUND;
    };
    stop.notify_one();
    StatusCode::NO_CONTENT
}

/// Both ends of a client's connection.
#[derive(Clone, Copy)]
struct Ends {
    peer: SocketAddr,
    local: SocketAddr,
}

impl Connected<IncomingStream<'_, TcpListener>> for Ends {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        let unknown = || SocketAddr::from(([0, 0, 0, 0], 0));
        Self {
            peer: *stream.remote_addr(),
            local: stream.io().local_addr().unwrap_or_else(|_| unknown()),
        }
    }
}

/// Tells the proxy who the client is, for `X-Forwarded-For`.
async fn introduce(
    ConnectInfo(ends): ConnectInfo<Ends>,
    mut request: Request,
    next: Next,
) -> Response {
    let client = Client::new(ends.peer, ends.local);
    request.extensions_mut().insert(client);
    next.run(request).await
}

/// An upstream server that says who it is.
async fn upstream(name: &'static str, listener: TcpListener, stop: Arc<Notify>) -> io::Result<()> {
    let greet = async move |headers: HeaderMap| {
        let client = headers.get("x-forwarded-for");
        let client = client.and_then(|value| value.to_str().ok());
        format!("{name} greets {}\n", client.unwrap_or("nobody"))
    };
    let app = Router::new()
        .route("/", get(greet))
        .route("/healthz", get(async || "well\n"))
        .route("/echo", get(echo));
    axum::serve(listener, app)
        .with_graceful_shutdown(async move { stop.notified().await })
        .await
}

/// Switches to whatever protocol it is asked for, as a WebSocket is, and sends
/// back what comes.
async fn echo(request: Request) -> Result<Response, StatusCode> {
    let protocol = request.headers().get(UPGRADE).cloned();
    let protocol = protocol.ok_or(StatusCode::UPGRADE_REQUIRED)?;
    tokio::spawn(async move {
        let connection = hyper::upgrade::on(request)
            .await
            .map_err(io::Error::other)?;
        let (mut from, mut to) = tokio::io::split(TokioIo::new(connection));
        tokio::io::copy(&mut from, &mut to).await
    });
    let head = (
        StatusCode::SWITCHING_PROTOCOLS,
        [
            (UPGRADE, protocol),
            (CONNECTION, HeaderValue::from_static("upgrade")),
        ],
    );
    Ok(head.into_response())
}

/// Starts three upstream servers, and the app on `listener`.
pub(crate) async fn run(listener: TcpListener) -> io::Result<()> {
    let (mut servers, mut stops) = (Vec::new(), HashMap::new());
    for name in ["a", "b", "c"] {
        let upstream_listener = TcpListener::bind("127.0.0.1:0").await?;
        servers.push((name, upstream_listener.local_addr()?));
        let stop = Arc::new(Notify::new());
        stops.insert(name, Arc::clone(&stop));
        tokio::spawn(upstream(name, upstream_listener, stop));
    }
    let app = app(&servers, Arc::new(stops)).await;
    axum::serve(listener, app.into_make_service_with_connect_info::<Ends>()).await
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("curl http://127.0.0.1:3000/me              this process itself");
    println!("curl -i http://127.0.0.1:3000/             one of three servers, and a cookie");
    println!("curl -b SRV=b http://127.0.0.1:3000/       the server of that cookie");
    println!("curl -X POST http://127.0.0.1:3000/stop/b  stop it, and try again");
    println!(
        r"printf 'GET /echo HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello' | nc -q1 127.0.0.1 3000"
    );
    println!("                                           an upgrade, as a WebSocket's");
    run(listener).await
}
