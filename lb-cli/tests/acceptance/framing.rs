//! Where a body ends when Content-Length says so, or nothing does.

use crate::methods::next_is_good;
use crate::scene::{Fate, OK, Outcome, Scene, check, get, is_one_of, ok, post};
use crate::{Case, case};

pub(crate) const CASES: &[Case] = &[
    case(
        "request_body",
        "9112 6.3",
        "a request body of Content-Length octets is relayed whole",
        |s| {
            body(
                s,
                &post("Content-Length: 11\r\n", "hello world"),
                b"hello world",
            )
        },
    ),
    case(
        "empty_body",
        "9112 6.3",
        "Content-Length: 0 is an empty body",
        |s| body(s, &post("Content-Length: 0\r\n", ""), b""),
    ),
    case(
        "no_length",
        "9112 6.3",
        "a request without Content-Length or Transfer-Encoding has no body",
        |s| {
            let client = s.send([post("", ""), get("")].concat())?;
            let (first, _) = s.answer(&client, OK)?;
            let (second, _) = s.answer(&client, OK)?;
            check(
                first.body.is_empty() && first.method() == "POST" && second.method() == "GET",
                || first.show(),
            )
        },
    ),
    case(
        "get_with_body",
        "9110 9.3.1",
        "a GET's body is framed like any other, and goes with it",
        |s| {
            let client =
                s.send([get("Content-Length: 5\r\n").as_str(), "hello", &get("")].concat())?;
            let (first, _) = s.answer(&client, OK)?;
            let (second, _) = s.answer(&client, OK)?;
            check(first.body == b"hello" && second.body.is_empty(), || {
                first.show()
            })
        },
    ),
    case(
        "byte_by_byte",
        "9112 2.2",
        "a request that comes octet by octet is the same request",
        |s| {
            let client = s.client()?;
            client.dribble(post("Content-Length: 5\r\n", "hello"));
            let (request, _) = s.answer(&client, OK)?;
            check(request.body == b"hello", || request.show())
        },
    ),
    case(
        "response_byte_by_byte",
        "9112 2.2",
        "a response that comes octet by octet is the same response",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.dribble(OK);
            let answer = client.response()?;
            check(answer.status() == 200 && answer.body == b"ok", || {
                answer.show()
            })
        },
    ),
    case(
        "large_request",
        "9112 6.3",
        "a request body of a megabyte arrives octet for octet",
        |s| {
            let content = pattern(1 << 20);
            let (request, _) = s.exchange(
                post(&format!("Content-Length: {}\r\n", content.len()), &content),
                OK,
            )?;
            check(request.body == content.as_bytes(), || "another body".into())
        },
    ),
    case(
        "large_response",
        "9112 6.3",
        "a response body of a megabyte arrives octet for octet",
        |s| {
            let content = pattern(1 << 20);
            let (_, answer) = s.exchange(
                get(""),
                ok(&format!("Content-Length: {}\r\n", content.len()), &content),
            )?;
            check(answer.body == content.as_bytes(), || "another body".into())
        },
    ),
    case(
        "length_twice_same",
        "9112 6.3",
        "two identical Content-Length lines are refused or made one",
        |s| {
            same_or_refused(
                s,
                &post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
            )
        },
    ),
    case(
        "length_list_same",
        "9112 6.3",
        "Content-Length: 5, 5 is refused or made one",
        |s| same_or_refused(s, &post("Content-Length: 5, 5\r\n", "hello")),
    ),
    case(
        "length_twice_different",
        "9112 6.3",
        "two different Content-Length lines are answered 400 and closed",
        |s| s.misframed(post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!")),
    ),
    case(
        "length_list_different",
        "9112 6.3",
        "Content-Length: 5, 6 is answered 400 and closed",
        |s| s.misframed(post("Content-Length: 5, 6\r\n", "hello!")),
    ),
    case(
        "length_plus",
        "9110 8.6",
        "Content-Length: +5 is answered 400 and closed",
        |s| s.misframed(post("Content-Length: +5\r\n", "hello")),
    ),
    case(
        "length_negative",
        "9110 8.6",
        "Content-Length: -5 is answered 400 and closed",
        |s| s.misframed(post("Content-Length: -5\r\n", "hello")),
    ),
    case(
        "length_hex",
        "9110 8.6",
        "Content-Length: 0x5 is answered 400 and closed",
        |s| s.misframed(post("Content-Length: 0x5\r\n", "hello")),
    ),
    case(
        "length_inner_space",
        "9110 8.6",
        "Content-Length: 1 1 is answered 400 and closed",
        |s| s.misframed(post("Content-Length: 1 1\r\n", "hello world")),
    ),
    case(
        "length_word",
        "9110 8.6",
        "Content-Length: five is answered 400 and closed",
        |s| s.misframed(post("Content-Length: five\r\n", "hello")),
    ),
    case(
        "length_empty",
        "9110 8.6",
        "an empty Content-Length is answered 400 and closed",
        |s| s.misframed(post("Content-Length:\r\n", "hello")),
    ),
    case(
        "length_fraction",
        "9110 8.6",
        "Content-Length: 5.0 is answered 400 and closed",
        |s| s.misframed(post("Content-Length: 5.0\r\n", "hello")),
    ),
    case(
        "length_overflow",
        "9110 8.6",
        "a Content-Length of 2^64 + 5 is not taken for 5",
        |s| {
            s.refused(
                post("Content-Length: 18446744073709551621\r\n", "hello"),
                &[400, 413],
            )?
            .closed()
        },
    ),
    case(
        "length_leading_zeros",
        "9110 8.6",
        "Content-Length: 0005 is 5",
        |s| body(s, &post("Content-Length: 0005\r\n", "hello"), b"hello"),
    ),
    case(
        "request_cut_short",
        "9112 6.3",
        "a request body that ends early is never passed on as whole",
        |s| {
            let client = s.send(post("Content-Length: 10\r\n", "hello"))?;
            client.close();
            s.hung_up()?;
            s.untouched()
        },
    ),
    case(
        "request_stalls",
        "9112 6.3",
        "a request body that stalls is given up, and both connections closed",
        |s| {
            let client = s.send(post("Content-Length: 10\r\n", "hello"))?;
            client.rest()?;
            s.hung_up()?;
            s.untouched()
        },
    ),
    case(
        "response_length",
        "9112 6.3",
        "the response body ends where its Content-Length says",
        |s| {
            let client = s.send([get(""), get("")].concat())?;
            let (_, first) = s.answer(&client, OK)?;
            let (_, second) = s.answer(&client, ok("Content-Length: 4\r\n", "next"))?;
            check(first.body == b"ok" && second.body == b"next", || {
                second.show()
            })
        },
    ),
    case(
        "response_until_close",
        "9112 6.3",
        "a response without length ends with the connection, and the client sees where",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send(ok("", "all of it"));
            origin.close();
            let answer = client.response()?;
            check(answer.body == b"all of it", || answer.show())
        },
    ),
    case(
        "response_surplus",
        "9112 6.3",
        "octets after a response's end are no second response",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send([OK, &ok("X-Evil: 1\r\nContent-Length: 4\r\n", "evil")].concat());
            client.response()?;
            next_is_good(s, &client)
        },
    ),
    case(
        "response_length_invalid",
        "9112 6.3",
        "a response with a bad Content-Length becomes 502, its connection is closed",
        |s| bad_response(s, "Content-Length: 2x\r\n"),
    ),
    case(
        "response_length_negative",
        "9112 6.3",
        "a response with a negative Content-Length becomes 502",
        |s| bad_response(s, "Content-Length: -2\r\n"),
    ),
    case(
        "response_lengths_differ",
        "9112 6.3",
        "a response with two Content-Lengths becomes 502, its connection is closed",
        |s| bad_response(s, "Content-Length: 2\r\nContent-Length: 1\r\n"),
    ),
    case(
        "response_length_list_differs",
        "9112 6.3",
        "a response with Content-Length: 2, 1 becomes 502",
        |s| bad_response(s, "Content-Length: 2, 1\r\n"),
    ),
    case(
        "response_length_twice_same",
        "9112 6.3",
        "two identical Content-Lengths of a response become 502 or one",
        |s| {
            let (_, answer) = s.exchange(
                get(""),
                ok("Content-Length: 2\r\nContent-Length: 2\r\n", "ok"),
            )?;
            check(answer.status() == 502 || answer.body == b"ok", || {
                answer.show()
            })
        },
    ),
];

/// The request reaches the origin with that body.
fn body(s: &Scene, request: &str, expected: &[u8]) -> Outcome {
    let (request, answer) = s.exchange(request, OK)?;
    check(request.body == expected, || request.show())?;
    is_one_of(&answer, &[200])
}

fn same_or_refused(s: &Scene, request: &str) -> Outcome {
    match s.attempt(request)? {
        Fate::Relayed(_, _, request) => check(request.body == b"hello", || request.show()),
        Fate::Refused(answer) => is_one_of(&answer, &[400]),
        Fate::Dropped => Err("closed without an answer".into()),
    }
}

fn bad_response(s: &Scene, fields: &str) -> Outcome {
    let (_, answer) = s.exchange(get(""), ok(fields, "ok"))?;
    is_one_of(&answer, &[502])?;
    s.hung_up()
}

/// Text in which a lost or doubled piece shows.
fn pattern(len: usize) -> String {
    let mut text: String = (0..len / 8).map(|n| format!("{n:08x}")).collect();
    text.truncate(len);
    text
}
