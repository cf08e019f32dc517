//! What is no request, what comes too late, and what looks odd.

use super::*;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "no-request-in-time",
        play: |s| Box::pin(async move { drop(s.send("").await.rest().await) }),
        ..USUAL
    },
    Case {
        name: "half-a-request-in-time",
        play: |s| {
            Box::pin(async move { drop(s.send("GET / HTTP/1.1\r\nHost: a").await.rest().await) })
        },
        ..USUAL
    },
    Case {
        name: "half-a-second-request",
        lines: 2,
        play: |s| {
            Box::pin(async move {
                let mut client = s.exchange(get("/", ""), ok()).await;
                client.send("GET / HTTP/1.1\r\nHost: a").await;
                client.rest().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "bad-request",
        play: |s| {
            Box::pin(async move { drop(s.send("GET /a b HTTP/1.1\r\n\r\n").await.rest().await) })
        },
        ..USUAL
    },
    Case {
        name: "bad-field",
        play: |s| {
            Box::pin(async move {
                drop(
                    s.send("GET / HTTP/1.1\r\nHost: a\r\nbad name: x\r\n\r\n")
                        .await
                        .rest()
                        .await,
                );
            })
        },
        ..USUAL
    },
    Case {
        name: "tls-to-http",
        play: |s| {
            Box::pin(async move {
                drop(
                    s.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
                        .await
                        .rest()
                        .await,
                );
            })
        },
        ..USUAL
    },
    Case {
        name: "long-uri",
        play: |s| {
            Box::pin(async move {
                s.exchange(get(&format!("/{}", "long/".repeat(200)), ""), ok())
                    .await;
            })
        },
        ..USUAL
    },
    Case {
        name: "odd-characters",
        play: |s| {
            Box::pin(async move {
                s.exchange(get("/%22%00?q={a|b}&x='1'~`^[]\\", ""), ok())
                    .await;
            })
        },
        ..USUAL
    },
    Case {
        name: "quote-in-uri",
        play: |s| Box::pin(async move { drop(s.exchange(get("/a\"b", ""), ok()).await) }),
        ..USUAL
    },
    Case {
        name: "odd-method",
        play: |s| {
            Box::pin(async move {
                s.exchange("BREW'1 /pot HTTP/1.1\r\nHost: a.example\r\n\r\n", ok())
                    .await;
            })
        },
        ..USUAL
    },
    Case {
        name: "asterisk",
        play: |s| {
            Box::pin(async move {
                s.exchange("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", ok())
                    .await;
            })
        },
        ..USUAL
    },
    Case {
        name: "absolute",
        play: |s| {
            Box::pin(async move {
                s.exchange(get("http://a.example/x?y", ""), ok()).await;
            })
        },
        ..USUAL
    },
    Case {
        name: "accept-proxy",
        lb: ["accept-proxy", ""],
        haproxy: ["accept-proxy", ""],
        play: |s| {
            Box::pin(async move {
                let request = format!("PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n{}", get("/", ""));
                s.exchange(request, ok()).await;
            })
        },
        ..USUAL
    },
    Case {
        name: "accept-proxy-v6",
        lb: ["accept-proxy", ""],
        haproxy: ["accept-proxy", ""],
        play: |s| {
            Box::pin(async move {
                let request = format!(
                    "PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n{}",
                    get("/", "")
                );
                s.exchange(request, ok()).await;
            })
        },
        ..USUAL
    },
    Case {
        name: "accept-proxy-unknown",
        lb: ["accept-proxy", ""],
        haproxy: ["accept-proxy", ""],
        play: |s| {
            Box::pin(async move {
                s.exchange(format!("PROXY UNKNOWN\r\n{}", get("/", "")), ok())
                    .await;
            })
        },
        ..USUAL
    },
    Case {
        name: "bad-length",
        play: |s| {
            Box::pin(async move {
                drop(
                    s.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5x\r\n\r\n")
                        .await
                        .rest()
                        .await,
                );
            })
        },
        ..USUAL
    },
];
