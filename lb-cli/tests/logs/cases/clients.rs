//! Clients that wait, go away or stall.

use super::*;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "queue-timeout",
        lines: 2,
        lb: ["", "timeout = { server = \"3s\" }|maxconn = 1"],
        haproxy: ["", "timeout server 3s|maxconn 1"],
        play: |s| {
            Box::pin(async move {
                let mut first = s.send(get("/1", "")).await;
                let (mut origin, _) = s.request().await;
                origin.send(&ok()[..ok().len() - 3]).await;
                first.up_to(b"he").await;
                let mut second = s.send(get("/2", "")).await;
                second.response().await;
                origin.send("llo").await;
                first.bytes(3).await;
            })
        },
        ..USUAL
    },
    Case {
        name: "queued",
        lines: 3,
        lb: ["", "|maxconn = 1"],
        haproxy: ["", "|maxconn 1"],
        play: |s| {
            Box::pin(async move {
                let mut first = s.send(get("/1", "")).await;
                let (mut origin, _) = s.request().await;
                let mut second = s.send(get("/2", "")).await;
                s.settle().await;
                let mut third = s.send(get("/3", "")).await;
                s.settle().await;
                origin
                    .send(response("200 OK", "Connection: close\r\n", "hello"))
                    .await;
                first.response().await;
                drop(origin);
                for waiting in [&mut second, &mut third] {
                    let (mut origin, _) = s.request().await;
                    origin
                        .send(response("200 OK", "Connection: close\r\n", "hello"))
                        .await;
                    waiting.response().await;
                }
            })
        },
        differs: &[(
            "srv_conn",
            "the place that was freed has its next owner already",
        )],
        ..USUAL
    },
    Case {
        name: "abort-in-queue",
        lines: 2,
        lb: ["", "abortonclose = true|maxconn = 1"],
        haproxy: ["", "option abortonclose|maxconn 1"],
        play: |s| {
            Box::pin(async move {
                let mut first = s.send(get("/1", "")).await;
                let (mut origin, _) = s.request().await;
                let second = s.send(get("/2", "")).await;
                s.settle().await;
                drop(second);
                s.settle().await;
                origin.send(ok()).await;
                first.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "abort-while-connecting",
        servers: &[Stalls],
        lb: ["", "abortonclose = true"],
        haproxy: ["", "option abortonclose"],
        play: |s| {
            Box::pin(async move {
                let client = s.send(get("/1", "")).await;
                s.settle().await;
                drop(client);
                s.settle().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "abort-before-answer",
        lb: ["", "abortonclose = true"],
        haproxy: ["", "option abortonclose"],
        play: |s| {
            Box::pin(async move {
                let client = s.send(get("/1", "")).await;
                let (mut origin, _) = s.request().await;
                drop(client);
                origin.rest().await;
            })
        },
        differs: &[("status", "nothing is sent to a client that has gone")],
        ..USUAL
    },
    Case {
        name: "reset-before-answer",
        lb: ["", "abortonclose = true"],
        haproxy: ["", "option abortonclose"],
        play: |s| {
            Box::pin(async move {
                let client = s.send(get("/1", "")).await;
                let (mut origin, _) = s.request().await;
                client.reset();
                origin.rest().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "reset-in-queue",
        lines: 2,
        lb: ["", "abortonclose = true|maxconn = 1"],
        haproxy: ["", "option abortonclose|maxconn 1"],
        play: |s| {
            Box::pin(async move {
                let mut first = s.send(get("/1", "")).await;
                let (mut origin, _) = s.request().await;
                let second = s.send(get("/2", "")).await;
                s.settle().await;
                second.reset();
                s.settle().await;
                origin.send(ok()).await;
                first.response().await;
            })
        },
        differs: &[("actconn", "those who ring the bell may still be there")],
        ..USUAL
    },
    Case {
        name: "reset-while-connecting",
        servers: &[Stalls],
        lb: ["", "abortonclose = true"],
        haproxy: ["", "option abortonclose"],
        play: |s| {
            Box::pin(async move {
                let client = s.send(get("/1", "")).await;
                s.settle().await;
                client.reset();
                s.settle().await;
            })
        },
        differs: &[("actconn", "those who ring the bell may still be there")],
        ..USUAL
    },
    Case {
        name: "abort-in-answer",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/1", "")).await;
                let (mut origin, _) = s.request().await;
                origin.send("HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 11:00:00 GMT\r\nContent-Length: 20000000\r\n\r\nhello").await;
                client.up_to(b"hello").await;
                client.reset();
                let flood = vec![b'x'; 1 << 16];
                while write_all(&mut origin, &flood).await {}
            })
        },
        ..USUAL
    },
    Case {
        name: "abort-in-request",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send("GET /half HTTP/1.1\r\nHost: a").await;
                client.finish().await;
                client.rest().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "reset-in-request",
        play: |s| {
            Box::pin(async move {
                let client = s.send("GET /half HTTP/1.1\r\nHost: a").await;
                s.settle().await;
                client.reset();
            })
        },
        ..USUAL
    },
    Case {
        name: "abort-without-request",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send("").await;
                client.finish().await;
                client.rest().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "abort-in-upload",
        play: |s| {
            Box::pin(async move {
                let client = s.send(post("/up", 10, "12345")).await;
                let mut origin = s.accept(0).await;
                origin.up_to(b"12345").await;
                drop(client);
                origin.rest().await;
            })
        },
        differs: &[(
            "status",
            "a client that has closed its half only may still read why it failed",
        )],
        ..USUAL
    },
    Case {
        name: "reset-in-upload",
        play: |s| {
            Box::pin(async move {
                let client = s.send(post("/up", 10, "12345")).await;
                let mut origin = s.accept(0).await;
                origin.up_to(b"12345").await;
                client.reset();
                origin.rest().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "client-timeout-in-upload",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(post("/up", 10, "12345")).await;
                let mut origin = s.accept(0).await;
                origin.up_to(b"12345").await;
                client.rest().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "bad-chunk-in-upload",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send("POST /up HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").await;
                let mut origin = s.accept(0).await;
                origin.up_to(b"hello\r\n").await;
                client.send("zz\r\n").await;
                client.rest().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "client-does-not-read",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/big", "")).await;
                let (mut origin, _) = s.request().await;
                origin.send("HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 11:00:00 GMT\r\nContent-Length: 200000000\r\n\r\nhello").await;
                client.up_to(b"hello").await;
                let flood = vec![b'x'; 1 << 16];
                while write_all(&mut origin, &flood).await {}
            })
        },
        ..USUAL
    },
];

/// False when the other side takes no more.
async fn write_all(wire: &mut Wire, bytes: &[u8]) -> bool {
    use tokio::io::AsyncWriteExt as _;
    within("room or the end", wire.stream.write_all(bytes))
        .await
        .is_ok()
}
