//! What a request costs the server: its head read, checked and framed, a service
//! called, the response's head written. In memory, so that no kernel is measured.

use std::{convert::Infallible, hint::black_box};

use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use http::{Request, Response};
use http_body_util::Full;
use hyper::service::service_fn;
use lb_http::{
    Server,
    server::{Incoming, Settings, Shutdown},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Requests written at once, so that the runtime's wake-ups count for little.
const PIPELINED: usize = 16;

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    black_box(request.headers().len());
    let response = Response::builder()
        .header("content-type", "text/plain")
        .header("cache-control", "no-cache")
        .body(Full::new(Bytes::from_static(b"hello")))
        .expect("a valid response");
    Ok(response)
}

fn request(fields: usize) -> Vec<u8> {
    let mut text =
        String::from("GET /path/to/a/page?with=query HTTP/1.1\r\nHost: www.example.com\r\n");
    for field in 1..fields {
        text.push_str(&format!("x-field-{field}: a value of usual length\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes().repeat(PIPELINED)
}

fn heads(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut group = c.benchmark_group("server");
    group.throughput(Throughput::Elements(PIPELINED as u64));
    for fields in [1, 8, 32] {
        let requests = request(fields);
        let (mut client, server) = tokio::io::duplex(256 * 1024);
        let address = "127.0.0.1:1"
            .parse::<std::net::SocketAddr>()
            .expect("an address");
        runtime.spawn(async move {
            let shutdown = Shutdown::new();
            Server::new(service_fn(answer), Settings::default())
                .serve(
                    server,
                    BytesMut::new(),
                    address.into(),
                    address.into(),
                    &shutdown,
                )
                .await;
        });
        let mut reply = vec![0; 64 * 1024];
        // All replies are of one length but for the date's second, which is as long.
        let length = runtime.block_on(async {
            client.write_all(&requests).await.expect("room");
            let mut length = 0;
            while reply[..length].windows(5).filter(|w| w == b"hello").count() < PIPELINED {
                length += client.read(&mut reply[length..]).await.expect("replies");
            }
            length
        });
        group.bench_function(BenchmarkId::from_parameter(fields), |b| {
            b.iter(|| {
                runtime.block_on(async {
                    client.write_all(&requests).await.expect("room");
                    client
                        .read_exact(&mut reply[..length])
                        .await
                        .expect("replies");
                });
            });
        });
    }
    group.finish();
}

criterion_group!(benches, heads);
criterion_main!(benches);
