//! Responses before the final one, and the expectation of one.

use crate::scene::{Fate, OK, Outcome, Scene, check, get, is_one_of, post};
use crate::{Case, case};

const EXPECT: &str = "Expect: 100-continue\r\nContent-Length: 5\r\n";

pub(crate) const CASES: &[Case] = &[
    case(
        "expectation_forwarded",
        "9110 10.1.1",
        "the header section goes on before the body that waits for a 100",
        |s| {
            let client = s.send(post(EXPECT, ""))?;
            let (origin, head) = s.head()?;
            check(head.method() == "POST", || head.show())?;
            origin.send("HTTP/1.1 100 Continue\r\n\r\n");
            let interim = client.response()?;
            check(interim.status() == 100, || interim.show())?;
            client.send("hello");
            let (origin, request) = s.request()?;
            check(request.body == b"hello", || request.show())?;
            origin.send(OK);
            is_one_of(&client.response()?, &[200])
        },
    ),
    case(
        "expectation_kept",
        "9110 10.1.1",
        "the origin sees the expectation",
        |s| {
            let client = s.send(post(EXPECT, ""))?;
            let (_, head) = s.head()?;
            client.close();
            check(head.fields.list("expect") == ["100-continue"], || {
                head.show()
            })
        },
    ),
    case(
        "refused_without_body",
        "9110 10.1.1",
        "a final answer instead of 100 reaches the client, which has sent no body",
        |s| {
            let client = s.send(post(EXPECT, ""))?;
            let (origin, _) = s.head()?;
            origin.send("HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno");
            let answer = client.final_response()?;
            check(answer.status() == 417 && answer.body == b"no", || {
                answer.show()
            })
        },
    ),
    case(
        "refused_then_next",
        "9112 9.3",
        "after such an answer the next request is not taken for the body",
        |s| {
            let client = s.send(post(EXPECT, ""))?;
            let (origin, _) = s.head()?;
            origin.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
            let answer = client.final_response()?;
            if answer.fields.list("connection").contains(&"close".into()) {
                return client.closed();
            }
            // The client may send the body all the same, or none: five octets of it settle the matter.
            client.send(["hello", &get("X-Next: 1\r\n")].concat());
            match s.fate(&client)? {
                Fate::Relayed(_, _, request) if request.method() == "POST" => Ok(()),
                Fate::Relayed(_, _, request) => {
                    check(request.get("x-next") == Some("1"), || request.show())
                }
                Fate::Refused(_) | Fate::Dropped => Ok(()),
            }
        },
    ),
    case(
        "body_at_once",
        "9110 10.1.1",
        "a client need not wait for the 100",
        |s| {
            let client = s.send(post(EXPECT, "hello"))?;
            let (origin, request) = s.request()?;
            check(request.body == b"hello", || request.show())?;
            origin.send(OK);
            is_one_of(&client.final_response()?, &[200])
        },
    ),
    case(
        "chunked_body",
        "9110 10.1.1",
        "a chunked body may wait for the 100 too",
        |s| {
            let client = s.send(post(
                "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n",
                "",
            ))?;
            let (origin, _) = s.head()?;
            origin.send("HTTP/1.1 100 Continue\r\n\r\n");
            is_one_of(&client.response()?, &[100])?;
            client.send("5\r\nhello\r\n0\r\n\r\n");
            let (_, answer) = s.answer(&client, OK)?;
            is_one_of(&answer, &[200])
        },
    ),
    case(
        "without_body",
        "9110 10.1.1",
        "an expectation without a body is no reason to wait",
        |s| {
            let client = s.send(get("Expect: 100-continue\r\n"))?;
            let (origin, _) = s.request()?;
            origin.send(OK);
            is_one_of(&client.final_response()?, &[200])
        },
    ),
    case(
        "expectation_case",
        "9110 10.1.1",
        "100-Continue is case-insensitive",
        |s| {
            let client = s.send(post("Expect: 100-Continue\r\nContent-Length: 5\r\n", ""))?;
            let (origin, _) = s.head()?;
            origin.send("HTTP/1.1 100 Continue\r\n\r\n");
            is_one_of(&client.response()?, &[100])
        },
    ),
    case(
        "early_hints",
        "9110 15.2",
        "a 103 is forwarded, and is not the final response",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
            let interim = client.response()?;
            check(
                interim.status() == 103 && interim.get("link") == Some("</a.css>"),
                || interim.show(),
            )?;
            origin.send(OK);
            is_one_of(&client.response()?, &[200])
        },
    ),
    case(
        "several",
        "9110 15.2",
        "any number of interim responses is forwarded in order",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            let hint = |n: u8| format!("HTTP/1.1 103 Early Hints\r\nX-N: {n}\r\n\r\n");
            origin.send(
                [
                    hint(1).as_str(),
                    "HTTP/1.1 102 Processing\r\n\r\n",
                    &hint(2),
                    OK,
                ]
                .concat(),
            );
            let seen: Vec<u16> = (0..4)
                .map(|_| client.response().map(|r| r.status()))
                .collect::<Result<_, _>>()?;
            check(seen == [103, 102, 103, 200], || format!("{seen:?}"))
        },
    ),
    case(
        "unknown",
        "9110 15.2",
        "an interim response of unknown status is no final one",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send(["HTTP/1.1 199 Odd\r\n\r\n", OK].concat());
            let answer = client.final_response()?;
            check(answer.status() == 200 && answer.body == b"ok", || {
                answer.show()
            })
        },
    ),
    case(
        "never_final",
        "9110 15.2",
        "a 100 that nobody asked for is not taken for the final response",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send(["HTTP/1.1 100 Continue\r\n\r\n", OK].concat());
            let answer = client.final_response()?;
            check(answer.status() == 200 && answer.body == b"ok", || {
                answer.show()
            })?;
            client.send(get(""));
            let (_, answer) =
                s.answer(&client, "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n")?;
            is_one_of(&answer, &[201])
        },
    ),
    case(
        "length_in_interim",
        "9110 8.6",
        "a Content-Length in a 103 does not make the final response its body",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send(["HTTP/1.1 103 Early Hints\r\nContent-Length: 15\r\n\r\n", OK].concat());
            let answer = client.final_response()?;
            check(matches!(answer.status(), 200 | 502), || answer.show())
        },
    ),
    case(
        "then_nothing",
        "9110 15.2",
        "an interim response followed by the end is an error",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send("HTTP/1.1 103 Early Hints\r\n\r\n");
            origin.close();
            client.broken()
        },
    ),
    case(
        "hop_by_hop",
        "9110 7.6.1",
        "connection fields are removed from interim responses too",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send(
                [
                    "HTTP/1.1 103 Early Hints\r\nConnection: X-A\r\nX-A: b\r\nLink: </a>\r\n\r\n",
                    OK,
                ]
                .concat(),
            );
            loop {
                let answer = client.response()?;
                check(!answer.has("x-a"), || answer.show())?;
                if answer.status() == 200 {
                    return Ok(());
                }
            }
        },
    ),
    case(
        "early_final_answer",
        "9112 9.3",
        "an answer before the end of the request body reaches the client",
        early_final_answer,
    ),
];

fn early_final_answer(s: &Scene) -> Outcome {
    let client = s.send(post("Content-Length: 100000\r\n", "the beginning"))?;
    let (origin, _) = s.head()?;
    origin.send("HTTP/1.1 413 Too much\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
    origin.finish();
    let answer = client.final_response()?;
    check(answer.status() == 413 && answer.body == b"no", || {
        answer.show()
    })
}
