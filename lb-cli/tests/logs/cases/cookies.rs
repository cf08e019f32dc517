//! The cookie's two characters.

use super::*;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "cookie-none",
        lb: COOKIE_LB,
        haproxy: COOKIE_HAPROXY,
        play: |s| Box::pin(async move { drop(s.exchange(get("/", ""), ok()).await) }),
        ..USUAL
    },
    Case {
        name: "cookie-valid",
        lb: COOKIE_LB,
        haproxy: COOKIE_HAPROXY,
        play: |s| {
            Box::pin(async move { drop(s.exchange(get("/", "Cookie: SRV=c1\r\n"), ok()).await) })
        },
        ..USUAL
    },
    Case {
        name: "cookie-invalid",
        lb: COOKIE_LB,
        haproxy: COOKIE_HAPROXY,
        play: |s| {
            Box::pin(async move { drop(s.exchange(get("/", "Cookie: SRV=c9\r\n"), ok()).await) })
        },
        ..USUAL
    },
    Case {
        name: "cookie-of-who-has-gone",
        lb: [
            COOKIE_LB[0],
            "abortonclose = true\ncookie = { name = \"SRV\", mode = \"insert\" }|cookie = \"c1\"",
        ],
        haproxy: ["", "option abortonclose\n  cookie SRV insert|cookie c1"],
        lines: 3,
        play: |s| {
            Box::pin(async move {
                for cookie in ["", "Cookie: SRV=c1\r\n", "Cookie: SRV=c9\r\n"] {
                    let client = s.send(get("/", cookie)).await;
                    let (mut origin, _) = s.request().await;
                    drop(client);
                    origin.rest().await;
                }
            })
        },
        differs: &[("status", "nothing is sent to a client that has gone")],
        ..USUAL
    },
    Case {
        name: "cookie-down",
        servers: &[Listens, Listens],
        lb: [
            "",
            "cookie = { name = \"SRV\", mode = \"insert\" }|cookie = \"c1\"|cookie = \"c2\"\ndisabled = true",
        ],
        haproxy: ["", "cookie SRV insert|cookie c1|cookie c2 disabled"],
        play: |s| {
            Box::pin(async move { drop(s.exchange(get("/", "Cookie: SRV=c2\r\n"), ok()).await) })
        },
        ..USUAL
    },
    Case {
        name: "cookie-redispatched",
        servers: &[Listens, Refuses],
        lb: [
            "",
            "redispatch = 1\ncookie = { name = \"SRV\", mode = \"insert\" }|cookie = \"c1\"|cookie = \"c2\"",
        ],
        haproxy: [
            "",
            "option redispatch 1\n  cookie SRV insert|cookie c1|cookie c2",
        ],
        play: |s| {
            Box::pin(async move { drop(s.exchange(get("/", "Cookie: SRV=c2\r\n"), ok()).await) })
        },
        ..USUAL
    },
    Case {
        name: "cookie-rewritten",
        lb: [
            "",
            "cookie = { name = \"SRV\", mode = \"rewrite\" }|cookie = \"c1\"",
        ],
        haproxy: ["", "cookie SRV rewrite|cookie c1"],
        play: |s| {
            Box::pin(async move {
                s.exchange(
                    get("/", ""),
                    response("200 OK", "Set-Cookie: SRV=x\r\n", "hello"),
                )
                .await;
            })
        },
        ..USUAL
    },
    Case {
        name: "cookie-provided",
        lb: [
            "",
            "cookie = { name = \"SRV\", mode = \"insert\", preserve = true }|cookie = \"c1\"",
        ],
        haproxy: ["", "cookie SRV insert preserve|cookie c1"],
        play: |s| {
            Box::pin(async move {
                s.exchange(
                    get("/", ""),
                    response("200 OK", "Set-Cookie: SRV=x\r\n", "hello"),
                )
                .await;
            })
        },
        ..USUAL
    },
    Case {
        name: "cookie-no-server",
        lb: [
            "",
            "cookie = { name = \"SRV\", mode = \"insert\" }|cookie = \"c1\"\ndisabled = true",
        ],
        haproxy: ["", "cookie SRV insert|cookie c1 disabled"],
        lines: 2,
        play: |s| {
            Box::pin(async move {
                s.send(get("/", "Cookie: SRV=c1\r\n"))
                    .await
                    .response()
                    .await;
                s.send(get("/", "")).await.response().await;
            })
        },
        ..USUAL
    },
];

const COOKIE_LB: [&str; 2] = [
    "",
    "cookie = { name = \"SRV\", mode = \"insert\" }|cookie = \"c1\"",
];
const COOKIE_HAPROXY: [&str; 2] = ["", "cookie SRV insert|cookie c1"];
