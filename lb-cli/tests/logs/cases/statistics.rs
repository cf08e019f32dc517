//! Requests that the statistics page answers.

use super::*;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "statistics",
        lines: 3,
        servers: &[],
        lb: [
            "stats = { uri = \"/st\", auth = [\"u:p\"], admin = \"if TRUE\" }",
            "",
        ],
        haproxy: ["stats uri /st\n  stats auth u:p\n  stats admin if TRUE", ""],
        play: |s| {
            Box::pin(async move {
                let user = "Authorization: Basic dTpw\r\n";
                let mut client = s.send(get("/st", user)).await;
                client.response().await;
                client.send(get("/st;csv", user)).await;
                client.response().await;
                let form = "s=a&action=drain&b=nobody";
                let length = form.len();
                client
                    .send(format!(
                        "POST /st HTTP/1.1\r\nHost: a\r\n{user}Content-Length: {length}\r\n\r\n{form}"
                    ))
                    .await;
                client.response().await;
            })
        },
        ..USUAL
    },
    Case {
        name: "statistics-refused",
        servers: &[],
        lb: ["stats = { uri = \"/st\", auth = [\"u:p\"] }", ""],
        haproxy: ["stats uri /st\n  stats auth u:p", ""],
        play: |s| {
            Box::pin(async move {
                let wrong = "Authorization: Basic dTpx\r\n";
                s.send(get("/st", wrong)).await.response().await;
            })
        },
        differs: &[
            ("status", "HAProxy 2.6 logs 400 for the 401 that it sends"),
            ("Tr", "and that nobody answered"),
        ],
        ..USUAL
    },
];
