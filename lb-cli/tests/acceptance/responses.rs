//! What an origin may get wrong, and statuses with rules of their own.

use crate::methods::next_is_good;
use crate::scene::{Fate, OK, Outcome, Scene, check, get, is_one_of, ok, post};
use crate::{Case, case};

pub(crate) const CASES: &[Case] = &[
    case(
        "no_content",
        "9110 15.3.5",
        "a 204 has no body and no length fields",
        |s| {
            let client = s.send(get(""))?;
            let (_, answer) = s.answer(&client, "HTTP/1.1 204 None\r\n\r\n")?;
            check(
                !answer.has("content-length") && !answer.has("transfer-encoding"),
                || answer.show(),
            )?;
            next_is_good(s, &client)
        },
    ),
    case(
        "no_content_with_length",
        "9110 8.6",
        "a Content-Length in a 204 is not forwarded",
        |s| {
            let client = s.send(get(""))?;
            let (_, answer) =
                s.answer(&client, "HTTP/1.1 204 None\r\nContent-Length: 0\r\n\r\n")?;
            check(
                !answer.has("content-length") || answer.status() == 502,
                || answer.show(),
            )?;
            next_is_good(s, &client)
        },
    ),
    case(
        "no_content_with_body",
        "9112 6.3",
        "a body the origin wrongly sends with a 204 goes nowhere",
        |s| surplus(s, "HTTP/1.1 204 None\r\nContent-Length: 42\r\n\r\n"),
    ),
    case(
        "no_content_chunked",
        "9112 6.1",
        "a 204 with Transfer-Encoding has no body, and goes on without it",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send("HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
            let answer = client.response()?;
            check(!answer.has("transfer-encoding"), || answer.show())?;
            next_is_good(s, &client)
        },
    ),
    case(
        "not_modified",
        "9112 6.3",
        "a 304 has no body, whatever its Content-Length",
        |s| {
            let client = s.send(get("If-None-Match: \"x\"\r\n"))?;
            let (_, answer) = s.answer(
                &client,
                "HTTP/1.1 304 Same\r\nETag: \"x\"\r\nContent-Length: 1000\r\n\r\n",
            )?;
            check(
                answer.status() == 304 && answer.get("etag") == Some("\"x\""),
                || answer.show(),
            )?;
            next_is_good(s, &client)
        },
    ),
    case(
        "not_modified_with_body",
        "9112 6.3",
        "a body the origin wrongly sends with a 304 goes nowhere",
        |s| surplus(s, "HTTP/1.1 304 Same\r\nContent-Length: 42\r\n\r\n"),
    ),
    case(
        "cut_short",
        "9112 8",
        "a response that ends before its Content-Length can be seen to be incomplete",
        |s| cut(s, &ok("Content-Length: 10\r\n", "hello")),
    ),
    case(
        "cut_in_header",
        "9112 8",
        "a response that ends within its header section becomes 502",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send("HTTP/1.1 200 OK\r\nX-A: b\r\n");
            origin.close();
            is_one_of(&client.response()?, &[502])
        },
    ),
    case(
        "reset_in_body",
        "9112 8",
        "a response cut by a reset can be seen to be incomplete",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send(ok("Content-Length: 10\r\n", "hello"));
            // Something of it first, so that the reset comes within the body.
            client.some()?;
            origin.reset()?;
            client.broken()
        },
    ),
    case(
        "stalls_in_body",
        "9112 6.3",
        "a response that stalls is given up, and can be seen to be incomplete",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send(ok("Content-Length: 10\r\n", "hello"));
            client.broken()
        },
    ),
    case(
        "nothing",
        "9110 15.6.3",
        "a connection closed without a response becomes 502",
        |s| {
            let client = s.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")?;
            let (origin, _) = s.request()?;
            origin.close();
            is_one_of(&client.response()?, &[502])
        },
    ),
    case(
        "never",
        "9110 15.6.5",
        "no response in time becomes 504",
        |s| {
            let client = s.send(get(""))?;
            s.request()?;
            is_one_of(&client.response()?, &[504])
        },
    ),
    case(
        "refused_connection",
        "9110 15.6.4",
        "an origin that refuses connections becomes 503 or 502",
        |s| {
            s.stop_origin();
            let client = s.send(get(""))?;
            is_one_of(&client.response()?, &[502, 503, 504])
        },
    ),
    case(
        "garbage",
        "9110 15.6.3",
        "a response that is not HTTP becomes 502",
        |s| bad(s, "hello, world\r\n\r\n"),
    ),
    case(
        "status_line_no_number",
        "9112 4",
        "a status that is no number becomes 502",
        |s| bad(s, "HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok"),
    ),
    case(
        "status_line_two_digits",
        "9112 4",
        "a status of two digits becomes 502",
        |s| bad(s, "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok"),
    ),
    case(
        "status_line_four_digits",
        "9112 4",
        "a status of four digits becomes 502",
        |s| bad(s, "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok"),
    ),
    case(
        "status_line_no_status",
        "9112 4",
        "a status line without a status becomes 502",
        |s| bad(s, "HTTP/1.1\r\nContent-Length: 2\r\n\r\nok"),
    ),
    case(
        "status_line_other_protocol",
        "9112 4",
        "a status line of another protocol becomes 502",
        |s| bad(s, "ICY 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ),
    case(
        "status_line_version",
        "9112 2.3",
        "a response of HTTP/3.7 becomes 502, or goes on in the proxy's own version",
        |s| {
            let answer = "HTTP/3.7 200 OK\r\nContent-Length: 2\r\n\r\nok";
            is_one_of(&s.exchange(get(""), answer)?.1, &[200, 502])
        },
    ),
    case(
        "no_colon",
        "9112 5",
        "a response's field line without colon becomes 502 or goes",
        |s| {
            let (_, answer) = s.exchange(get(""), ok("X-A\r\nContent-Length: 2\r\n", "ok"))?;
            check(
                matches!(answer.status(), 200 | 502) && !answer.has("x-a"),
                || answer.show(),
            )
        },
    ),
    case(
        "bare_lf",
        "9112 2.2",
        "a response with bare LF goes on with CRLF, or becomes 502",
        |s| {
            let (_, answer) = s.exchange(get(""), "HTTP/1.1 200 OK\nContent-Length: 2\n\nok")?;
            check(answer.status() == 502 || answer.body == b"ok", || {
                answer.show()
            })
        },
    ),
    case(
        "no_reason",
        "9112 4",
        "a status line without reason and without its space goes on with the space",
        |s| {
            let (_, answer) = s.exchange(get(""), "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok")?;
            is_one_of(&answer, &[200, 502])
        },
    ),
    case("empty_reason", "9112 4", "an empty reason is fine", |s| {
        let (_, answer) = s.exchange(get(""), "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok")?;
        is_one_of(&answer, &[200])
    }),
    case(
        "reason_high_octets",
        "9112 4",
        "a reason may have octets above 127",
        |s| {
            let answer = b"HTTP/1.1 200 \xc3\xa9t\xe9\r\nContent-Length: 2\r\n\r\nok";
            is_one_of(&s.exchange(get(""), answer)?.1, &[200])
        },
    ),
    case(
        "reset_before_response",
        "9110 15.6.3",
        "a connection reset without a response becomes 502",
        |s| {
            let client = s.send(post("Content-Length: 2\r\n", "hi"))?;
            s.request()?.0.reset()?;
            is_one_of(&client.response()?, &[502])
        },
    ),
    case(
        "unknown_status",
        "9110 15",
        "an unknown status of a known class is forwarded as it is",
        |s| {
            let (_, answer) =
                s.exchange(get(""), "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok")?;
            is_one_of(&answer, &[299])
        },
    ),
    case(
        "unknown_error_status",
        "9110 15",
        "an unknown error status is forwarded with its body",
        |s| {
            let (_, answer) =
                s.exchange(get(""), "HTTP/1.1 499 Odd\r\nContent-Length: 2\r\n\r\nok")?;
            check(answer.status() == 499 && answer.body == b"ok", || {
                answer.show()
            })
        },
    ),
    case(
        "coding_not_chunked",
        "9112 6.3",
        "a response whose coding is not chunked at the end lasts until the connection closes",
        |s| {
            let client = s.send(get("TE: gzip\r\nConnection: TE\r\n"))?;
            let (origin, _) = s.request()?;
            origin.send(ok("Transfer-Encoding: gzip\r\n", "5\r\nhello\r\n0\r\n\r\n"));
            origin.close();
            let answer = client.response()?;
            // Undecoded, it may only go on named as what it is.
            let same = answer.body == b"5\r\nhello\r\n0\r\n\r\n"
                && answer
                    .fields
                    .list("transfer-encoding")
                    .contains(&"gzip".into());
            check(same || answer.status() == 502, || answer.show())
        },
    ),
    case(
        "header_too_large",
        "9110 15.6.3",
        "a response header section without end becomes 502",
        |s| {
            let lines: String = (0..40_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
            bad(s, &ok(&lines, ""))
        },
    ),
    case(
        "unasked_on_idle",
        "9112 9.2",
        "a response that comes before its request is not taken for the answer",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send(OK);
            client.response()?;
            origin.send(ok("Content-Length: 4\r\n", "evil"));
            let second = s.send(get("X-Second: 1\r\n"))?;
            match s.fate(&second)? {
                Fate::Relayed(_, origin, _) => {
                    origin.send(ok("Content-Length: 4\r\n", "good"));
                    let answer = second.response()?;
                    check(answer.body == b"good", || answer.show())
                }
                Fate::Refused(answer) => is_one_of(&answer, &[502, 503]),
                Fate::Dropped => Ok(()),
            }
        },
    ),
    case(
        "after_error_usable",
        "9112 9.3",
        "after a 502 the next request is served",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send("hello, world\r\n\r\n");
            is_one_of(&client.response()?, &[502])?;
            next_is_good(s, &client)
        },
    ),
    case(
        "redirect_unchanged",
        "9110 15.4",
        "a redirect is forwarded, not followed",
        |s| {
            let (_, answer) = s.exchange(
                get(""),
                "HTTP/1.1 302 Found\r\nLocation: http://b.example/x\r\nContent-Length: 0\r\n\r\n",
            )?;
            check(
                answer.status() == 302 && answer.get("location") == Some("http://b.example/x"),
                || answer.show(),
            )
        },
    ),
    case(
        "unauthorized_unchanged",
        "9110 11.6.1",
        "WWW-Authenticate and Authorization pass unchanged",
        |s| {
            let (request, answer) = s.exchange(get("Authorization: Basic eDp5\r\n"), "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")?;
            check(request.get("authorization") == Some("Basic eDp5"), || {
                request.show()
            })?;
            check(
                answer.get("www-authenticate") == Some("Basic realm=\"x\""),
                || answer.show(),
            )
        },
    ),
];

fn cut(s: &Scene, answer: &str) -> Outcome {
    let client = s.send(get(""))?;
    let (origin, _) = s.request()?;
    origin.send(answer);
    origin.close();
    client.broken()
}

/// The response becomes a 502.
fn bad(s: &Scene, answer: &str) -> Outcome {
    let client = s.send(get(""))?;
    let (origin, _) = s.request()?;
    origin.send(answer);
    origin.finish();
    is_one_of(&client.response()?, &[502])
}

/// After a head that has no body comes what looks like a response; the next request must not get it.
fn surplus(s: &Scene, head: &str) -> Outcome {
    let client = s.send(get(""))?;
    let (origin, _) = s.request()?;
    origin.send([head, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"].concat());
    let answer = client.response()?;
    check(matches!(answer.status(), 204 | 304 | 502), || answer.show())?;
    next_is_good(s, &client)
}
