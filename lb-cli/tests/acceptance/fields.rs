//! Field lines: their grammar, what is forwarded, and what a proxy adds.

use crate::scene::{Fate, OK, Outcome, Scene, check, get, ok};
use crate::{Case, case};

pub(crate) const CASES: &[Case] = &[
    case(
        "space_before_colon",
        "9112 5.1",
        "whitespace between field name and colon is answered 400",
        |s| s.malformed(get("X-A : b\r\n")),
    ),
    case(
        "tab_before_colon",
        "9112 5.1",
        "a tab between field name and colon is answered 400",
        |s| s.malformed(get("X-A\t: b\r\n")),
    ),
    case(
        "space_before_colon_in_response",
        "9112 5.1",
        "whitespace before the colon is removed from a response",
        |s| {
            let (_, answer) = s.exchange(get(""), ok("X-A : b\r\nContent-Length: 2\r\n", "ok"))?;
            check(
                answer.status() == 502 || answer.get("x-a") == Some("b"),
                || answer.show(),
            )
        },
    ),
    case(
        "obs_fold",
        "9112 5.2",
        "a folded line in a request is answered 400 or unfolded",
        |s| match s.attempt(get("X-A: b\r\n c\r\n"))? {
            Fate::Relayed(_, _, request) => {
                let words = request
                    .get("x-a")
                    .unwrap_or_default()
                    .split_whitespace()
                    .collect::<Vec<_>>();
                check(words == ["b", "c"], || request.show())
            }
            Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
            Fate::Dropped => Err("closed without an answer".into()),
        },
    ),
    case(
        "obs_fold_in_response",
        "9112 5.2",
        "a folded line in a response becomes 502 or is unfolded",
        |s| {
            let (_, answer) =
                s.exchange(get(""), ok("X-A: b\r\n\tc\r\nContent-Length: 2\r\n", "ok"))?;
            let words: Vec<&str> = answer
                .get("x-a")
                .unwrap_or_default()
                .split_whitespace()
                .collect();
            check(answer.status() == 502 || words == ["b", "c"], || {
                answer.show()
            })
        },
    ),
    case(
        "empty_name",
        "9112 5",
        "a field line with an empty name is refused",
        |s| s.malformed(get(": b\r\n")),
    ),
    case(
        "name_with_space",
        "9112 5",
        "a field name with a space in it is refused",
        |s| s.malformed(get("X A: b\r\n")),
    ),
    case(
        "name_no_token",
        "9112 5",
        "a field name that is no token is not forwarded",
        |s| unsent(s, b"X(A): b\r\n", "x(a)"),
    ),
    case(
        "name_with_control",
        "9112 5",
        "a field name with a control character is not forwarded",
        |s| unsent(s, b"X\x01A: b\r\n", "x\x01a"),
    ),
    case(
        "name_with_high_octet",
        "9112 5",
        "a field name with an octet above 127 is not forwarded",
        |s| unsent(s, b"X\xe9A: b\r\n", "x\u{e9}a"),
    ),
    case(
        "no_colon",
        "9112 5",
        "a field line without a colon is not forwarded",
        |s| match s.attempt(get("X-A\r\n"))? {
            Fate::Relayed(_, _, request) => check(!request.has("x-a"), || request.show()),
            Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
            Fate::Dropped => Ok(()),
        },
    ),
    case(
        "nul_in_value",
        "9110 5.5",
        "a NUL in a field value is refused or becomes a space",
        |s| no_octets(s, get("X-A: b\0c\r\n"), b"\0"),
    ),
    case(
        "bare_cr_in_value",
        "9112 2.2",
        "a bare CR in a field value is refused or becomes a space",
        |s| match s.attempt(get("X-A: b\rX-B: c\r\n"))? {
            Fate::Relayed(_, _, request) => check(!request.has("x-b"), || request.show()),
            Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
            Fate::Dropped => Ok(()),
        },
    ),
    case(
        "bare_cr_before_crlf",
        "9112 2.2",
        "a CR before the CRLF is refused or becomes a space",
        |s| no_octets(s, get("X-A: b\r\r\n"), b"\r\r"),
    ),
    case(
        "nul_in_response",
        "9110 5.5",
        "a NUL in a response's field value becomes 502 or a space",
        |s| response_octet(s, "X-A: b\0c\r\n"),
    ),
    case(
        "bare_cr_in_response",
        "9112 2.2",
        "a bare CR in a response's field value becomes 502 or a space",
        |s| response_octet(s, "X-A: b\rX-B: c\r\n"),
    ),
    case(
        "bad_name_in_response",
        "9112 5",
        "a response's field name that is no token is not forwarded",
        |s| response_octet(s, "X(A): b\r\n"),
    ),
    case(
        "empty_name_in_response",
        "9112 5",
        "a response's field line with an empty name is not forwarded",
        |s| response_octet(s, ": b\r\n"),
    ),
    case(
        "unknown_forwarded",
        "9110 5.1",
        "fields the proxy does not know are forwarded both ways",
        |s| {
            let (request, answer) = s.exchange(
                get("X-Frob: one\r\n"),
                ok("X-Nicate: two\r\nContent-Length: 2\r\n", "ok"),
            )?;
            check(request.get("x-frob") == Some("one"), || request.show())?;
            check(answer.get("x-nicate") == Some("two"), || answer.show())
        },
    ),
    case(
        "all_token_characters",
        "9110 5.6.2",
        "every token character may stand in a name, and is forwarded",
        |s| {
            let (request, _) = s.exchange(get("X!#$%&'*+-.^_`|~1: b\r\n"), OK)?;
            check(request.get("X!#$%&'*+-.^_`|~1") == Some("b"), || {
                request.show()
            })
        },
    ),
    case(
        "underscore_forwarded",
        "9110 5.1",
        "a name with an underscore is forwarded",
        |s| {
            let (request, _) = s.exchange(get("X_A: b\r\n"), OK)?;
            check(request.get("x_a") == Some("b"), || request.show())
        },
    ),
    case(
        "order_kept",
        "9110 5.3",
        "lines of one name keep their order in requests",
        |s| {
            let (request, _) =
                s.exchange(get("X-A: 1\r\nX-B: x\r\nX-A: 2\r\nX-A: 3, 4\r\n"), OK)?;
            check(request.fields.list("x-a") == ["1", "2", "3", "4"], || {
                request.show()
            })
        },
    ),
    case(
        "order_kept_in_response",
        "9110 5.3",
        "lines of one name keep their order in responses",
        |s| {
            let (_, answer) = s.exchange(
                get(""),
                ok(
                    "X-A: 1\r\nX-B: x\r\nX-A: 2\r\nContent-Length: 2\r\nX-A: 3\r\n",
                    "ok",
                ),
            )?;
            check(answer.fields.list("x-a") == ["1", "2", "3"], || {
                answer.show()
            })
        },
    ),
    case(
        "set_cookie_separate",
        "9110 5.3",
        "Set-Cookie lines are never joined",
        |s| {
            let (_, answer) = s.exchange(
                get(""),
                ok(
                    "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2, c\r\nContent-Length: 2\r\n",
                    "ok",
                ),
            )?;
            check(
                answer.fields.all("set-cookie") == ["a=1; Path=/", "b=2, c"],
                || answer.show(),
            )
        },
    ),
    case(
        "empty_value",
        "9110 5.5",
        "a field with an empty value is forwarded",
        |s| {
            let (request, answer) =
                s.exchange(get("X-A:\r\n"), ok("X-B: \r\nContent-Length: 2\r\n", "ok"))?;
            check(
                request.get("x-a") == Some("") && answer.get("x-b") == Some(""),
                || format!("{} / {}", request.show(), answer.show()),
            )
        },
    ),
    case(
        "whitespace_around_value",
        "9112 5.1",
        "whitespace around a value is no part of it",
        |s| {
            let request = "POST / HTTP/1.1\r\nHost: \t a.example \t\r\nContent-Length:\t 2 \t\r\nX-A:b\r\n\r\nhi";
            let (request, _) = s.exchange(request, OK)?;
            check(
                request.get("host") == Some("a.example")
                    && request.body == b"hi"
                    && request.get("x-a") == Some("b"),
                || request.show(),
            )
        },
    ),
    case(
        "high_octets_kept",
        "9110 5.5",
        "octets above 127 in a value pass unchanged",
        |s| {
            let (request, _) = s.exchange(
                b"GET / HTTP/1.1\r\nHost: a\r\nX-A: \xe9\xff\x80\r\n\r\n",
                OK,
            )?;
            check(request.get("x-a") == Some("\u{e9}\u{ff}\u{80}"), || {
                request.show()
            })
        },
    ),
    case(
        "ninety_fields",
        "9110 5.4",
        "ninety fields are forwarded",
        |s| {
            let lines: String = (0..90).map(|n| format!("X-{n}: {n}\r\n")).collect();
            let (request, _) = s.exchange(get(&lines), OK)?;
            check(
                (0..90).all(|n| request.get(&format!("x-{n}")) == Some(&n.to_string())),
                || request.show(),
            )
        },
    ),
    case(
        "via_in_request",
        "9110 7.6.3",
        "the proxy appends itself to Via of the request",
        |s| {
            let (request, _) = s.exchange(get(""), OK)?;
            check(
                request
                    .fields
                    .list("via")
                    .iter()
                    .any(|via| via.trim_start_matches("http/").starts_with("1.1 ")),
                || request.show(),
            )
        },
    ),
    case(
        "via_after_others",
        "9110 7.6.3",
        "Via members received stay, in order, before the proxy's own",
        |s| {
            let (request, _) = s.exchange(get("Via: 1.0 fred, 1.1 p.example\r\n"), OK)?;
            let via = request.fields.list("via");
            check(
                via.len() == 3 && via[..2] == ["1.0 fred", "1.1 p.example"],
                || request.show(),
            )
        },
    ),
    case(
        "via_received_protocol",
        "9110 7.6.3",
        "Via tells the version received, not the one sent",
        |s| {
            let (request, _) = s.exchange("GET / HTTP/1.0\r\nHost: a\r\n\r\n", OK)?;
            check(
                request
                    .fields
                    .list("via")
                    .iter()
                    .any(|via| via.trim_start_matches("http/").starts_with("1.0 ")),
                || request.show(),
            )
        },
    ),
    case(
        "date_added",
        "9110 6.6.1",
        "a response without Date gets one",
        |s| {
            let (_, answer) = s.exchange(get(""), OK)?;
            let date = answer.get("date").unwrap_or_default();
            check(date.len() == 29 && date.ends_with(" GMT"), || answer.show())
        },
    ),
    case(
        "date_kept",
        "9110 6.6.1",
        "the Date of the origin stays as it is",
        |s| {
            const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
            let (_, answer) = s.exchange(
                get(""),
                ok(&format!("Date: {DATE}\r\nContent-Length: 2\r\n"), "ok"),
            )?;
            check(answer.fields.all("date") == [DATE], || answer.show())
        },
    ),
    case(
        "allow_unchanged",
        "9110 10.2.1",
        "Allow is not modified",
        |s| {
            let (_, answer) = s.exchange(
                get(""),
                "HTTP/1.1 405 No\r\nAllow: GET, FROB, PUT\r\nContent-Length: 0\r\n\r\n",
            )?;
            check(
                answer.status() == 405 && answer.fields.all("allow") == ["GET, FROB, PUT"],
                || answer.show(),
            )
        },
    ),
    case(
        "no_transform",
        "9110 7.7",
        "content under no-transform, and what describes it, passes unchanged",
        |s| {
            let fields = "Cache-Control: no-transform\r\nContent-Encoding: gzip\r\nContent-Type: text/plain\r\nETag: \"x\"\r\n\
                      Content-Range: bytes 0-3/9\r\nContent-Length: 4\r\n";
            let (request, answer) = s.exchange(
                get("Accept-Encoding: gzip\r\nRange: bytes=0-3\r\n"),
                ok(fields, "\x1f\x08ab"),
            )?;
            check(
                request.get("accept-encoding") == Some("gzip")
                    && request.get("range") == Some("bytes=0-3"),
                || request.show(),
            )?;
            let same = answer.get("content-encoding") == Some("gzip")
                && answer.get("etag") == Some("\"x\"");
            check(
                same && answer.has("content-range") && answer.body == b"\x1f\x08ab",
                || answer.show(),
            )
        },
    ),
];

/// The request is refused, or relayed without the field.
fn unsent(s: &Scene, line: &[u8], name: &str) -> Outcome {
    let request = [b"GET / HTTP/1.1\r\nHost: a\r\n", line, b"\r\n"].concat();
    match s.attempt(request)? {
        Fate::Relayed(_, _, request) => check(!request.has(name), || request.show()),
        Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
        Fate::Dropped => Ok(()),
    }
}

/// The request is refused, or relayed without those octets.
fn no_octets(s: &Scene, request: String, octets: &[u8]) -> Outcome {
    match s.attempt(request)? {
        Fate::Relayed(..) => {
            let received = s.received();
            let seen = received.windows(octets.len()).any(|w| w == octets);
            check(!seen, || "the octets were forwarded".into())
        }
        Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
        Fate::Dropped => Ok(()),
    }
}

/// The response with that line becomes a 502, or is relayed as a well-formed one: the client's reader
/// takes no other.
fn response_octet(s: &Scene, line: &str) -> Outcome {
    let (_, answer) = s.exchange(get(""), ok(&format!("{line}Content-Length: 2\r\n"), "ok"))?;
    check(
        answer.status() == 502 || (answer.status() == 200 && !answer.has("x-b")),
        || answer.show(),
    )
}
