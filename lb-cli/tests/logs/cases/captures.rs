//! Captured fields and cookies, and lines that are written early.

use super::*;

const FIELDS: &str = r#"capture = { request = [{ header = "Host", len = 5 }, { header = "X-A", len = 40 }], response = [{ header = "X-R", len = 6 }, { header = "X-None", len = 9 }], cookie = { name = "SID", len = 12 } }"#;
const HAPROXYS_FIELDS: &str = "capture request header Host len 5\n  capture request header X-A len 40\n  \
    capture response header X-R len 6\n  capture response header X-None len 9\n  capture cookie SID len 12";

/// Both declare the same.
const CAPTURES: Case = Case {
    lb: [FIELDS, ""],
    haproxy: [HAPROXYS_FIELDS, ""],
    ..USUAL
};

/// The rest of a request with these fields, and an answer with these.
macro_rules! exchange {
    ($request:expr, $response:expr) => {
        |s| {
            Box::pin(async move {
                let answer = response("200 OK", $response, "hello");
                drop(s.exchange(get("/", $request), answer).await);
            })
        }
    };
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "captures",
        play: exchange!("X-A: one, two\r\n", "X-R: a longer one\r\n"),
        ..CAPTURES
    },
    Case {
        name: "captures-repeated",
        play: exchange!("X-A: one\r\nX-A: two\r\n", "X-R: r1\r\nX-R: r2\r\n"),
        ..CAPTURES
    },
    Case {
        name: "captures-absent",
        play: exchange!("", ""),
        ..CAPTURES
    },
    Case {
        name: "captures-escaped",
        play: exchange!("X-A: a\"#{|}\\ \t\u{e9} x\r\n", "X-R: {|}\"#\r\n"),
        ..CAPTURES
    },
    Case {
        name: "captured-cookie",
        play: exchange!(
            "Cookie: a=b; SID=abcdefghijkl; SID=2\r\n",
            "Set-Cookie: SID=x; path=/\r\n"
        ),
        ..CAPTURES
    },
    Case {
        name: "captured-cookie-prefix",
        play: exchange!(
            "Cookie: SIDX=1\r\nCookie: SID=2\r\n",
            "Set-Cookie: a=SID\r\nSet-Cookie: SID=3\r\nSet-Cookie: SID=4\r\n"
        ),
        ..CAPTURES
    },
    Case {
        name: "captured-cookie-whole-name",
        lb: [r#"capture = { cookie = { name = "SID=", len = 40 } }"#, ""],
        haproxy: ["capture cookie SID= len 40", ""],
        play: exchange!("Cookie: SIDX=1;SID=2\r\n", "Set-Cookie: SIDX=3\r\n"),
        ..USUAL
    },
    Case {
        name: "captures-of-bad-request",
        play: |s| Box::pin(async move { drop(s.send("BAD\r\n\r\n").await.rest().await) }),
        ..CAPTURES
    },
    Case {
        name: "captures-before-rules",
        lb: [
            r#"capture = { request = [{ header = "X-A", len = 40 }], response = [{ header = "X-R", len = 40 }] }
http_request = ["set-header X-A changed"]"#,
            "",
        ],
        haproxy: [
            "capture request header X-A len 40\n  capture response header X-R len 40\n  \
             http-request set-header X-A changed",
            "",
        ],
        play: exchange!("X-A: came\r\n", "X-R: sent\r\n"),
        ..USUAL
    },
    Case {
        name: "captures-of-what-is-denied",
        lb: [
            r#"capture = { request = [{ header = "X-A", len = 40 }], response = [{ header = "X-R", len = 40 }, { header = "Y", len = 9 }] }
http_request = ["deny"]"#,
            "",
        ],
        haproxy: [
            "capture request header X-A len 40\n  capture response header X-R len 40\n  \
             capture response header Y len 9\n  http-request deny",
            "",
        ],
        play: |s| {
            Box::pin(async move { drop(s.send(get("/", "X-A: came\r\n")).await.response().await) })
        },
        ..USUAL
    },
    Case {
        name: "captures-of-a-client-that-left",
        lb: [FIELDS, "abortonclose = true"],
        haproxy: [HAPROXYS_FIELDS, "option abortonclose"],
        play: |s| {
            Box::pin(async move {
                let client = s.send(get("/", "X-A: came\r\n")).await;
                let (mut origin, _) = s.request().await;
                drop(client);
                origin.rest().await;
            })
        },
        differs: &[("status", "nothing is sent to a client that has gone")],
        ..USUAL
    },
    Case {
        name: "as-soon-as-possible",
        lb: ["logasap = true", ""],
        haproxy: ["option logasap", ""],
        play: |s| {
            Box::pin(async move {
                let mut client = s.send(get("/", "")).await;
                let (mut origin, _) = s.request().await;
                let answer = ok();
                origin.send(&answer[..answer.len() - 3]).await;
                client.up_to(b"he").await;
                s.settle().await;
                origin.send(&answer[answer.len() - 3..]).await;
                client.up_to(b"llo").await;
            })
        },
        ..USUAL
    },
    Case {
        name: "as-soon-as-possible-bad",
        lb: ["logasap = true", ""],
        haproxy: ["option logasap", ""],
        play: |s| Box::pin(async move { drop(s.send("BAD\r\n\r\n").await.rest().await) }),
        ..USUAL
    },
];
