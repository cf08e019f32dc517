//! A client that is bound to a server and sent to another one learns the new
//! one, whatever the reason was. HAProxy logs `--DI` and `+` in each of these
//! cases. Once, only a redispatch after a failed attempt did so.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{net::SocketAddr, time::Duration};

use http::{Request, Response, header::SET_COOKIE};
use http_body_util::Empty;
use lb_core::{
    Lease, Pool, Server,
    policy::RoundRobin,
    pool::Want,
    retry::Retries,
    server::{Administrative, Operational},
};
use lb_http::{
    Proxy, Upstream,
    exchange::{Exchange, Preference},
    sticky::StickySession,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
    time::timeout,
};
use tower::{Layer, ServiceExt};

type TestPool = Pool<Upstream, RoundRobin>;

/// Answers every request with 204, on a connection of its own.
async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let _ = socket.read(&mut request).await;
            let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
            let _ = socket.write_all(answer).await;
        }
    });
    address
}

async fn refuses() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// `c1`, with room for one request and one that waits, and `c2`.
async fn pool(first: SocketAddr) -> TestPool {
    let server = |name: &str, address| Server::new(name, Upstream::from(address)).affinity(name);
    Pool::builder()
        .with(server("c1", first).max_conn(1).max_queue(1))
        .with(server("c2", upstream().await))
        .build(RoundRobin::new())
        .unwrap()
}

async fn occupy(pool: &TestPool) -> Lease<Upstream, RoundRobin> {
    let want = Want {
        server: pool.bound("c1", false).ok(),
        ..Want::default()
    };
    pool.acquire(want).await.unwrap()
}

/// A client of `c1` comes.
fn visit(pool: &TestPool) -> JoinHandle<Response<()>> {
    let proxy = Proxy::builder(pool.clone())
        .retries(Retries::default())
        .build();
    let service = StickySession::cookie("SRV").insert().layer(proxy);
    let request = Request::get("/").header("cookie", "SRV=c1");
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    tokio::spawn(async move { service.oneshot(request).await.unwrap().map(drop) })
}

async fn learns_the_new_one(pool: &TestPool, visit: JoinHandle<Response<()>>) {
    let answer = timeout(Duration::from_secs(10), visit).await.unwrap();
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()[SET_COOKIE], "SRV=c2; path=/");
    let report: &Exchange = answer.extensions().get().unwrap();
    assert_eq!(report.preference, Preference::Down);
    assert!(report.redispatched);
    let totals = pool.snapshot().all()[0].counters().totals();
    assert_eq!(totals.redispatches, 1);
}

async fn joined_the_queue(pool: &TestPool) {
    let queued = async {
        while pool.snapshot().all()[0].queued() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), queued).await.unwrap();
}

#[tokio::test]
async fn its_queue_is_full() {
    let pool = pool(upstream().await).await;
    let _busy = occupy(&pool).await;
    let _waits = visit(&pool);
    joined_the_queue(&pool).await;
    let further = visit(&pool);
    learns_the_new_one(&pool, further).await;
}

#[tokio::test]
async fn it_goes_into_maintenance_while_the_client_waits() {
    let pool = pool(upstream().await).await;
    let _busy = occupy(&pool).await;
    let waits = visit(&pool);
    joined_the_queue(&pool).await;
    pool.set_administrative(&pool.snapshot().all()[0], Administrative::Maint);
    learns_the_new_one(&pool, waits).await;
}

#[tokio::test]
async fn it_goes_down_before_the_next_attempt() {
    let pool = pool(refuses().await).await;
    let first = pool.snapshot().all()[0].clone();
    let retries = visit(&pool);
    let failed = async {
        while first.counters().totals().connection_errors == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), failed).await.unwrap();
    pool.set_operational(&first, Operational::Down);
    learns_the_new_one(&pool, retries).await;
}
