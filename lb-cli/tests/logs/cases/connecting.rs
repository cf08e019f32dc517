//! Servers that cannot be reached, and those that come next.

use super::*;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "no-server",
        lb: ["", "|disabled = true"],
        haproxy: ["", "|disabled"],
        play: |s| Box::pin(async move { drop(s.send(get("/", "")).await.response().await) }),
        ..USUAL
    },
    Case {
        name: "refused",
        servers: &[Refuses],
        play: |s| Box::pin(async move { drop(s.send(get("/", "")).await.response().await) }),
        ..USUAL
    },
    Case {
        name: "refused-redispatch-one",
        servers: &[Refuses],
        lb: ["", "redispatch = true"],
        haproxy: ["", "option redispatch"],
        play: |s| Box::pin(async move { drop(s.send(get("/", "")).await.response().await) }),
        ..USUAL
    },
    Case {
        name: "refused-redispatch-one-thrice",
        servers: &[Refuses],
        lb: ["", "retries = 3\nredispatch = true"],
        haproxy: ["", "retries 3\n  option redispatch"],
        play: |s| Box::pin(async move { drop(s.send(get("/", "")).await.response().await) }),
        ..USUAL
    },
    Case {
        name: "refused-bound",
        servers: &[Refuses, Refuses],
        lb: [
            "",
            "retries = 2\nredispatch = true\ncookie = { name = \"SRV\", mode = \"insert\" }|cookie = \"c1\"|cookie = \"c2\"",
        ],
        haproxy: [
            "",
            "retries 2\n  option redispatch\n  cookie SRV insert|cookie c1|cookie c2",
        ],
        play: |s| {
            Box::pin(async move {
                drop(
                    s.send(get("/", "Cookie: SRV=c2\r\n"))
                        .await
                        .response()
                        .await,
                );
            })
        },
        ..USUAL
    },
    Case {
        name: "refused-thrice",
        servers: &[Refuses, Refuses],
        lb: ["", "retries = 3\nredispatch = false"],
        haproxy: ["", "retries 3"],
        play: |s| Box::pin(async move { drop(s.send(get("/", "")).await.response().await) }),
        ..USUAL
    },
    Case {
        name: "connect-timeout-redispatched",
        servers: &[Stalls, Listens],
        lb: ["", "redispatch = true"],
        haproxy: ["", "option redispatch"],
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let mut origin = s.accept(1).await;
                origin.request().await;
                origin.send(ok()).await;
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "refused-then-up",
        servers: &[Refuses],
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                s.settle().await;
                let listener = listen(s.servers[0].address());
                let mut origin = Wire::accept(&listener).await;
                origin.request().await;
                origin.send(ok()).await;
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "refused-twice",
        servers: &[Refuses, Refuses],
        lb: ["", "retries = 2\nredispatch = true"],
        haproxy: ["", "retries 2\n  option redispatch"],
        play: |s| Box::pin(async move { drop(s.send(get("/", "")).await.response().await) }),
        ..USUAL
    },
    Case {
        name: "redispatched",
        servers: &[Refuses, Listens],
        lb: ["", "redispatch = true"],
        haproxy: ["", "option redispatch"],
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let mut origin = s.accept(1).await;
                origin.request().await;
                origin.send(ok()).await;
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "connect-timeout",
        servers: &[Stalls],
        lb: ["", "retries = 0"],
        haproxy: ["", "retries 0"],
        play: |s| Box::pin(async move { drop(s.send(get("/", "")).await.response().await) }),
        ..USUAL
    },
    Case {
        name: "connect-timeout-twice",
        servers: &[Stalls],
        play: |s| Box::pin(async move { drop(s.send(get("/", "")).await.response().await) }),
        ..USUAL
    },
];
