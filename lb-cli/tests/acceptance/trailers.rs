//! Trailer fields. A recipient that decodes the chunked coding may discard them (RFC 9112, 7.1.2);
//! `lb` forwards them, so the two cases that say so are stricter than the RFC.

use crate::scene::{Fate, OK, Outcome, Scene, check, get, is_one_of, ok, post};
use crate::wire::Wire;
use crate::{Case, case};

const TE: &str = "Transfer-Encoding: chunked\r\n";

pub(crate) const CASES: &[Case] = &[
    case(
        "request_forwarded",
        "9110 6.5",
        "trailers of a request reach the origin as trailers",
        |s| {
            let (request, _) = s.exchange(
                post(
                    "Trailer: X-T\r\nTransfer-Encoding: chunked\r\n",
                    "5\r\nhello\r\n0\r\nX-T: v\r\n\r\n",
                ),
                OK,
            )?;
            check(
                request.trailers.get("x-t") == Some("v") && request.body == b"hello",
                || format!("{:?}", request.trailers),
            )
        },
    ),
    case(
        "response_forwarded",
        "9110 6.5",
        "trailers of a response reach the client as trailers",
        |s| {
            let answer = "Trailer: X-T\r\nTransfer-Encoding: chunked\r\n";
            let (_, answer) = s.exchange(
                get("TE: trailers\r\nConnection: TE\r\n"),
                ok(answer, "5\r\nhello\r\n0\r\nX-T: v\r\n\r\n"),
            )?;
            check(
                answer.trailers.get("x-t") == Some("v") && answer.body == b"hello",
                || format!("{:?}", answer.trailers),
            )
        },
    ),
    case(
        "request_not_merged",
        "9112 7.1.2",
        "trailers of a request are not merged into its header section",
        |s| {
            let (request, _) = s.exchange(post(TE, "5\r\nhello\r\n0\r\nX-T: v\r\n\r\n"), OK)?;
            check(!request.has("x-t") && request.body == b"hello", || {
                request.show()
            })
        },
    ),
    case(
        "response_not_merged",
        "9112 7.1.2",
        "trailers of a response are not merged into its header section",
        |s| {
            let (_, answer) = s.exchange(get(""), ok(TE, "5\r\nhello\r\n0\r\nX-T: v\r\n\r\n"))?;
            check(!answer.has("x-t") && answer.body == b"hello", || {
                answer.show()
            })
        },
    ),
    case(
        "framing_fields",
        "9110 6.5.1",
        "framing and routing fields in trailers change nothing",
        |s| {
            let body = "5\r\nhello\r\n0\r\nContent-Length: 50\r\nHost: evil\r\nTransfer-Encoding: gzip\r\n\r\n";
            let client = s.send([post(TE, body).as_str(), &get("")].concat())?;
            match s.fate(&client)? {
                Fate::Relayed(_, origin, request) => {
                    check(
                        request.get("host") == Some("a.example") && request.body == b"hello",
                        || request.show(),
                    )?;
                    check(
                        !request.trailers.has("content-length")
                            && !request.trailers.has("transfer-encoding"),
                        || format!("forwarded {:?}", request.trailers),
                    )?;
                    origin.send(OK);
                    client.response().map(drop)
                }
                Fate::Refused(answer) => is_one_of(&answer, &[400]),
                Fate::Dropped => Ok(()),
            }
        },
    ),
    case(
        "connection_option",
        "9110 7.6.1",
        "a trailer named in Connection is not forwarded",
        |s| {
            let fields = "Connection: X-T\r\nTransfer-Encoding: chunked\r\n";
            let (request, answer) =
                s.exchange(post(fields, "5\r\nhello\r\n0\r\nX-T: v\r\n\r\n"), OK)?;
            check(!request.trailers.has("x-t") && !request.has("x-t"), || {
                format!("{:?}", request.trailers)
            })?;
            is_one_of(&answer, &[200])
        },
    ),
    case(
        "next_request_intact",
        "9112 7.1.2",
        "the request after the trailers is the next one",
        |s| {
            let client = s.send(
                [
                    post(TE, "5\r\nhello\r\n0\r\nX-T: v\r\n\r\n").as_str(),
                    &get("X-Next: 1\r\n"),
                ]
                .concat(),
            )?;
            s.answer(&client, OK)?;
            let (next, _) = s.answer(&client, OK)?;
            check(next.get("x-next") == Some("1"), || next.show())
        },
    ),
    case(
        "malformed",
        "9112 7.1.2",
        "a trailer line without colon is refused, or not forwarded",
        |s| invalid(s, "bad line\r\n"),
    ),
    case(
        "space_before_colon",
        "9112 5.1",
        "whitespace before a trailer's colon is refused, or not forwarded",
        |s| invalid(s, "X-T : v\r\n"),
    ),
    case(
        "bare_cr",
        "9112 2.2",
        "a bare CR in a trailer is refused, or not forwarded",
        |s| invalid(s, "X-T: v\rX-U: w\r\n"),
    ),
    case(
        "nul",
        "9110 5.5",
        "a NUL in a trailer is refused, or not forwarded",
        |s| invalid(s, "X-T: v\0w\r\n"),
    ),
    case(
        "too_large",
        "9110 5.4",
        "a trailer section of 200 KB is refused, or left out",
        |s| {
            let lines: String = (0..20_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
            let client = s.send(post(TE, &format!("5\r\nhello\r\n0\r\n{lines}\r\n")))?;
            match s.fate(&client)? {
                Fate::Refused(answer) => {
                    check((400..500).contains(&answer.status()), || answer.show())?;
                }
                Fate::Dropped => {}
                Fate::Relayed(_, _, request) => {
                    return check(request.trailers.0.is_empty(), || "forwarded".into());
                }
            }
            s.untouched()
        },
    ),
    case(
        "response_to_http10",
        "9112 7.1.2",
        "trailers do not reach an HTTP/1.0 client",
        |s| {
            let (_, answer) = s.exchange(
                "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
                ok(TE, "5\r\nhello\r\n0\r\nX-T: v\r\n\r\n"),
            )?;
            check(
                answer.body == b"hello" && !answer.has("transfer-encoding"),
                || answer.show(),
            )
        },
    ),
];

/// Refused, or relayed in a form the origin's strict reader takes; first when the body is already on
/// its way as the trailer comes, then when all comes at once.
fn invalid(s: &Scene, line: &str) -> Outcome {
    let streaming = s.send(post(TE, "5\r\nhello\r\n"))?;
    s.head()?;
    streaming.send(format!("0\r\n{line}\r\n"));
    refused_or_clean(s, &streaming)?;
    let at_once = s.send(post(TE, &format!("5\r\nhello\r\n0\r\n{line}\r\n")))?;
    refused_or_clean(s, &at_once)
}

fn refused_or_clean(s: &Scene, client: &Wire) -> Outcome {
    match s.fate(client)? {
        Fate::Relayed(_, _, request) => {
            let clean = request.body == b"hello" && !request.trailers.has("x-u");
            check(clean, || request.show())
        }
        Fate::Refused(answer) => {
            is_one_of(&answer, &[400])?;
            s.untouched()
        }
        Fate::Dropped => s.untouched(),
    }
}
