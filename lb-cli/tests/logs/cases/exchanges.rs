//! Exchanges that go well.

use super::*;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "normal",
        play: |s| Box::pin(async move { drop(s.exchange(get("/", ""), ok()).await) }),
        ..USUAL
    },
    Case {
        name: "keep-alive",
        lines: 2,
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/1", "")).await;
                let (mut origin, _) = s.request().await;
                origin.send(ok()).await;
                client.response().await;
                client.send(get("/2?a=b&c", "")).await;
                origin.request().await;
                origin.send(ok()).await;
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "pipelined",
        lines: 2,
        play: |s| {
            Box::pin(async move {
                let mut client = s.send([get("/1", ""), get("/2", "")].concat()).await;
                let (mut origin, _) = s.request().await;
                origin.send(ok()).await;
                origin.request().await;
                origin.send(ok()).await;
                client.response().await;
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "head",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send("HEAD /h HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
                let (mut origin, _) = s.request().await;
                origin
                    .send(response("200 OK", "", "hello").trim_end_matches("hello"))
                    .await;
                client.head_response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "post",
        play: |s| Box::pin(async move { drop(s.exchange(post("/form", 5, "12345"), ok()).await) }),
        ..USUAL
    },
    Case {
        name: "post-in-parts",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(post("/form", 10, "12345")).await;
                let mut origin = s.accept(0).await;
                origin.up_to(b"12345").await;
                client.send("67890").await;
                origin.up_to(b"67890").await;
                origin.send(ok()).await;
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "chunked",
        play: |s| {
            Box::pin(async move {
                s.exchange(get("/", ""), CHUNKED).await;
            })
        },
        ..USUAL
    },
    Case {
        name: "until-close",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let (mut origin, _) = s.request().await;
                origin
                    .send("HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 11:00:00 GMT\r\n\r\nhello")
                    .await;
                drop(origin);
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "http10",
        play: |s| {
            Box::pin(async move {
                s.exchange("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n", ok())
                    .await;
            })
        },
        ..USUAL
    },
    Case {
        name: "continue",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send("POST /c HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").await;
                let mut origin = s.accept(0).await;
                origin.up_to(b"\r\n\r\n").await;
                origin.send("HTTP/1.1 100 Continue\r\n\r\n").await;
                client.response().await;
                client.send("12345").await;
                origin.bytes(5).await;
                origin.send(ok()).await;
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "not-found",
        play: |s| {
            Box::pin(async move {
                s.exchange(get("/none", ""), response("404 Not Found", "", "none"))
                    .await;
            })
        },
        ..USUAL
    },
    Case {
        name: "not-modified",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/304", "")).await;
                let (mut origin, _) = s.request().await;
                origin
                    .send(
                        "HTTP/1.1 304 Not Modified\r\nDate: Fri, 20 Nov 2026 11:00:00 GMT\r\n\r\n",
                    )
                    .await;
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "keep-alive-over",
        play: |s| Box::pin(async move { drop(s.exchange(get("/", ""), ok()).await.rest().await) }),
        lb: ["timeout = { http_keep_alive = \"500ms\" }", ""],
        haproxy: ["timeout http-keep-alive 500ms", ""],
        ..USUAL
    },
    Case {
        name: "redir",
        lb: ["", "|redir = \"http://other.example\""],
        haproxy: ["", "|redir http://other.example"],
        play: |s| Box::pin(async move { drop(s.send(get("/r", "")).await.response().await) }),
        ..USUAL
    },
    Case {
        name: "websocket",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")).await;
                let (mut origin, _) = s.request().await;
                origin.send("HTTP/1.1 101 Switching Protocols\r\nDate: Fri, 20 Nov 2026 11:00:00 GMT\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n").await;
                client.response().await;
                client.send("ping").await;
                assert_eq!(origin.bytes(4).await, b"ping");
                origin.send("pong, and more").await;
                assert_eq!(client.bytes(14).await, b"pong, and more");
                origin.finish().await;
                client.finish().await;
                client.rest().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "both-close",
        lb: ["http_connection = \"close\"", ""],
        haproxy: ["option httpclose", ""],
        play: |s| {
            Box::pin(async move {
                let mut client = s.exchange(get("/", ""), ok()).await;
                assert_eq!(client.rest().await.1, End::Closed);
            })
        },
        ..USUAL
    },
];
