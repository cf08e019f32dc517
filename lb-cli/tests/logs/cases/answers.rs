//! Answers that fail, and those that are tried again.

use super::*;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "server-timeout",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let _origin = s.request().await;
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "server-timeout-in-body",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let (mut origin, _) = s.request().await;
                origin.send(&ok()[..ok().len() - 3]).await;
                client.rest().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "truncated",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let (mut origin, _) = s.request().await;
                origin.send(&ok()[..ok().len() - 3]).await;
                client.up_to(b"he").await;
                drop(origin);
                client.rest().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "reset-in-body",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let (mut origin, _) = s.request().await;
                origin.send(&ok()[..ok().len() - 3]).await;
                client.up_to(b"he").await;
                origin.reset();
                client.rest().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "bad-chunk",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let (mut origin, _) = s.request().await;
                origin.send("HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 11:00:00 GMT\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").await;
                client.up_to(b"hello").await;
                origin.send("zz\r\n").await;
                client.rest().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "empty-response",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let (origin, _) = s.request().await;
                drop(origin);
                client.response().await;
            })
        },
        lb: ["", "retry_on = [\"conn-failure\"]"],
        ..USUAL
    },
    Case {
        name: "reset-response",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let (origin, _) = s.request().await;
                origin.reset();
                client.response().await;
            })
        },
        lb: ["", "retry_on = [\"conn-failure\"]"],
        ..USUAL
    },
    Case {
        name: "half-a-head",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let (mut origin, _) = s.request().await;
                origin.send("HTTP/1.1 200 OK\r\nDate: ").await;
                drop(origin);
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "junk",
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let (mut origin, _) = s.request().await;
                origin.send("220 mail.example ESMTP\r\n\r\n").await;
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "empty-response-retried",
        lb: ["", "retry_on = [\"empty-response\"]"],
        haproxy: ["", "retry-on empty-response"],
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                drop(s.request().await);
                let (mut origin, _) = s.request().await;
                origin.send(ok()).await;
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "status-retried",
        lb: ["", "retry_on = [\"503\"]"],
        haproxy: ["", "retry-on 503"],
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                for _ in 0..2 {
                    let (mut origin, _) = s.request().await;
                    origin
                        .send(response("503 Busy", "Connection: close\r\n", ""))
                        .await;
                }
                client.response().await;
            })
        },
        ..USUAL
    },
];
