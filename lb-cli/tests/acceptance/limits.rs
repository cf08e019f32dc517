//! Sizes and times that end a request.

use crate::scene::{Fate, OK, Outcome, Scene, check, get, is_one_of, post};
use crate::{Case, case};

pub(crate) const CASES: &[Case] = &[
    case(
        "field_large",
        "9110 5.4",
        "a field of 6 KiB is forwarded",
        |s| {
            let value = "v".repeat(6 << 10);
            let (request, _) = s.exchange(get(&format!("Cookie: {value}\r\n")), OK)?;
            check(request.get("cookie") == Some(value.as_str()), || {
                request.show()
            })
        },
    ),
    case(
        "field_too_large",
        "9110 5.4",
        "a field of 200 KiB is answered with a 4xx",
        |s| too_much(s, &format!("X-A: {}\r\n", "v".repeat(200 << 10))),
    ),
    case(
        "section_too_large",
        "9110 5.4",
        "a header section of 200 KiB is answered with a 4xx",
        |s| {
            let lines: String = (0..50)
                .map(|n| format!("X-{n}: {}\r\n", "v".repeat(4 << 10)))
                .collect();
            too_much(s, &lines)
        },
    ),
    case(
        "fields_too_many",
        "9110 5.4",
        "twenty thousand fields are answered with a 4xx",
        |s| too_much(s, &"X: y\r\n".repeat(20_000)),
    ),
    case(
        "section_never_ends",
        "9110 5.4",
        "a header section without end is answered with a 4xx, or the connection closed",
        |s| {
            let client = s.send("GET / HTTP/1.1\r\nHost: a\r\n")?;
            // More than any proxy holds; those that stop reading have answered.
            for n in 0..3000 {
                client.send(format!("X-{n}: {}\r\n", "v".repeat(100)));
            }
            too_much_fate(s.fate(&client))?;
            nothing_sent(s)
        },
    ),
    case(
        "header_timeout",
        "9110 15.5.9",
        "a header section that stalls ends in 408 or a closed connection",
        |s| {
            let client = s.send("GET / HTTP/1.1\r\nHost: a\r\nX-A:")?;
            match s.fate(&client)? {
                Fate::Refused(answer) => is_one_of(&answer, &[408])?,
                Fate::Dropped => {}
                Fate::Relayed(_, _, request) => return Err(format!("relayed: {}", request.show())),
            }
            client.closed()?;
            nothing_sent(s)
        },
    ),
    case(
        "idle_timeout",
        "9112 9.5",
        "a connection idle between requests is closed, with no second response but 408",
        |s| {
            let client = s.send(get(""))?;
            s.answer(&client, OK)?;
            let rest = client.rest()?;
            check(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), || {
                rest.escape_ascii().to_string()
            })
        },
    ),
    case(
        "response_field_large",
        "9110 5.4",
        "a response field of 3 KiB is forwarded",
        |s| {
            let value = "v".repeat(3 << 10);
            let (_, answer) = s.exchange(
                get(""),
                format!("HTTP/1.1 200 OK\r\nX-A: {value}\r\nContent-Length: 2\r\n\r\nok"),
            )?;
            check(answer.get("x-a") == Some(value.as_str()), || answer.show())
        },
    ),
    case(
        "extension_large",
        "9112 7.1.1",
        "a chunk extension of a megabyte is refused, or left out",
        |s| {
            let extension = "x".repeat(1 << 20);
            let body = format!("5;{extension}\r\nhello\r\n0\r\n\r\n");
            let client = s.send(post("Transfer-Encoding: chunked\r\n", &body))?;
            match s.fate(&client)? {
                Fate::Relayed(..) => check(s.received().len() < 1 << 16, || "forwarded".into()),
                fate => too_much_fate(Ok(fate)),
            }
        },
    ),
    case(
        "body_unlimited",
        "9110 5.4",
        "a header section at the limit does not limit the body",
        |s| {
            let (request, _) = s.exchange(
                format!(
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n{}",
                    "b".repeat(300_000)
                ),
                OK,
            )?;
            check(request.body.len() == 300_000, || request.show())
        },
    ),
];

/// A request is not for the origin before its header section is whole (RFC 9110, 5.3).
fn nothing_sent(s: &Scene) -> Outcome {
    let received = s.received();
    check(received.is_empty(), || {
        format!("the origin has {} bytes", received.len())
    })
}

fn too_much(s: &Scene, fields: &str) -> Outcome {
    let client = s.send(get(fields))?;
    match s.fate(&client)? {
        Fate::Refused(answer) => check((400..500).contains(&answer.status()), || answer.show()),
        Fate::Dropped => Err("closed without an answer".into()),
        Fate::Relayed(_, _, request) => Err(format!("relayed: {:.200}", request.show())),
    }
}

fn too_much_fate(fate: Result<Fate, String>) -> Outcome {
    match fate? {
        Fate::Refused(answer) => check((400..500).contains(&answer.status()), || answer.show()),
        Fate::Dropped => Ok(()),
        Fate::Relayed(_, _, request) => Err(format!("relayed: {:.200}", request.show())),
    }
}
