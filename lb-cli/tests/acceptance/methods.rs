//! Methods with rules of their own.

use crate::message::Message;
use crate::scene::{Fate, OK, Outcome, Scene, check, is_one_of};
use crate::{Case, case};

const HEAD: &str = "HEAD /path HTTP/1.1\r\nHost: a\r\n\r\n";
const GET: &str = "GET /path HTTP/1.1\r\nHost: a\r\n\r\n";

pub(crate) const CASES: &[Case] = &[
    case(
        "head",
        "9110 9.3.2",
        "the answer to HEAD has no body, whatever its Content-Length",
        |s| {
            let client = s.send([HEAD, GET].concat())?;
            let (_, answer) =
                s.answer(&client, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")?;
            check(
                answer
                    .get("content-length")
                    .is_none_or(|length| length == "1000"),
                || answer.show(),
            )?;
            let (_, answer) = s.answer(&client, OK)?;
            check(answer.body == b"ok", || answer.show())
        },
    ),
    case(
        "head_with_body",
        "9110 9.3.2",
        "a body the origin wrongly sends to HEAD is not forwarded, nor read as the next response",
        |s| {
            let client = s.send(HEAD)?;
            let (origin, _) = s.request()?;
            origin.send("HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\nHTTP/1.1 666 Evil\r\nContent-Length: 0\r\n\r\n");
            is_one_of(&client.head_response()?, &[200])?;
            next_is_good(s, &client)
        },
    ),
    case(
        "head_chunked",
        "9112 6.3",
        "the answer to HEAD has no body, whatever its Transfer-Encoding",
        |s| {
            let client = s.send(HEAD)?;
            s.answer(
                &client,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            )?;
            next_is_good(s, &client)
        },
    ),
    case(
        "head_without_length",
        "9112 6.3",
        "the answer to HEAD need not say a length",
        |s| {
            let client = s.send(HEAD)?;
            s.answer(&client, "HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n")?;
            next_is_good(s, &client)
        },
    ),
    case(
        "head_http10",
        "9112 6.3",
        "the answer to HEAD in HTTP/1.0 ends with its header section",
        |s| {
            let client = s.send("HEAD / HTTP/1.0\r\nHost: a\r\n\r\n")?;
            s.answer(&client, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")?;
            client.closed()
        },
    ),
    case(
        "head_error",
        "9110 9.3.2",
        "the proxy's own error answer to HEAD has no body",
        |s| {
            s.stop_origin();
            let client = s.send(HEAD)?;
            is_one_of(&client.head_response()?, &[502, 503, 504])?;
            // Anything but a response here would be the error's body.
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            match &client.rest()?[..] {
                [] => Ok(()),
                more => check(more.starts_with(b"HTTP/1.1 "), || {
                    more.escape_ascii().to_string()
                }),
            }
        },
    ),
    case(
        "options_max_forwards_zero",
        "9110 7.6.2",
        "OPTIONS with Max-Forwards: 0 is answered by the proxy",
        |s| {
            answered(
                s,
                "OPTIONS /path HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n",
            )
        },
    ),
    case(
        "options_max_forwards",
        "9110 7.6.2",
        "OPTIONS with Max-Forwards is forwarded with one less",
        |s| {
            let (request, _) = s.exchange(
                "OPTIONS /path HTTP/1.1\r\nHost: a\r\nMax-Forwards: 5\r\n\r\n",
                OK,
            )?;
            check(request.fields.all("max-forwards") == ["4"], || {
                request.show()
            })
        },
    ),
    case(
        "options_max_forwards_large",
        "9110 7.6.2",
        "a Max-Forwards too large to count is lowered, not refused or wrapped",
        |s| {
            let (request, _) = s.exchange(
                "OPTIONS /path HTTP/1.1\r\nHost: a\r\nMax-Forwards: 18446744073709551617\r\n\r\n",
                OK,
            )?;
            let value = request.get("max-forwards").unwrap_or_default();
            check(value.len() > 2 && value != "18446744073709551617", || {
                request.show()
            })
        },
    ),
    case(
        "trace_max_forwards_zero",
        "9110 7.6.2",
        "TRACE with Max-Forwards: 0 is answered by the proxy",
        |s| {
            answered(
                s,
                "TRACE /path HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n",
            )
        },
    ),
    case(
        "trace_max_forwards",
        "9110 7.6.2",
        "TRACE with Max-Forwards is forwarded with one less, or refused",
        |s| match s.attempt("TRACE /path HTTP/1.1\r\nHost: a\r\nMax-Forwards: 1\r\n\r\n")? {
            Fate::Relayed(_, _, request) => {
                check(request.fields.all("max-forwards") == ["0"], || {
                    request.show()
                })
            }
            Fate::Refused(answer) => is_one_of(&answer, &[403, 405, 501]),
            Fate::Dropped => Err("closed without an answer".into()),
        },
    ),
    case(
        "max_forwards_not_added",
        "9110 9.3.7",
        "the proxy adds no Max-Forwards of its own",
        |s| {
            let (request, _) = s.exchange("OPTIONS /path HTTP/1.1\r\nHost: a\r\n\r\n", OK)?;
            check(!request.has("max-forwards"), || request.show())
        },
    ),
    case(
        "connect_empty_port",
        "9110 9.3.6",
        "CONNECT to an empty port is refused",
        |s| rejected(s, "CONNECT a.example: HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    ),
    case(
        "connect_invalid_port",
        "9110 9.3.6",
        "CONNECT to a port that is no number is refused",
        |s| {
            rejected(
                s,
                "CONNECT a.example:http HTTP/1.1\r\nHost: a.example\r\n\r\n",
            )
        },
    ),
    case(
        "connect_origin_form",
        "9112 3.2.3",
        "CONNECT with a path is refused",
        |s| rejected(s, "CONNECT /path HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    ),
    case(
        "connect",
        "9110 9.3.6",
        "CONNECT is refused, or a 2xx makes it a tunnel without length fields",
        |s| {
            let client = s.send("CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\n")?;
            match s.fate(&client)? {
                Fate::Refused(answer) => {
                    check((400..600).contains(&answer.status()), || answer.show())
                }
                Fate::Dropped => Err("closed without an answer".into()),
                Fate::Relayed(_, origin, _) => {
                    origin.send("HTTP/1.1 200 Yes\r\nContent-Length: 5\r\n\r\nhello tunnel");
                    let answer = client.head_response()?;
                    check(
                        !answer.has("content-length") && !answer.has("transfer-encoding"),
                        || answer.show(),
                    )?;
                    check(client.bytes(12)? == b"hello tunnel", || {
                        "other bytes in the tunnel".into()
                    })?;
                    client.send("back");
                    check(origin.bytes(4)? == b"back", || {
                        "other bytes in the tunnel".into()
                    })
                }
            }
        },
    ),
    case(
        "patch_put_delete",
        "9110 9.1",
        "PUT, PATCH and DELETE go on with their bodies",
        |s| {
            let client = s.client()?;
            for method in ["PUT", "PATCH", "DELETE", "QUERY"] {
                client.send(format!(
                    "{method} /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
                ));
                let (request, answer) = s.answer(&client, OK)?;
                check(
                    request.method() == method && request.body == b"body",
                    || request.show(),
                )?;
                is_one_of(&answer, &[200])?;
            }
            Ok(())
        },
    ),
    case(
        "post_not_retried",
        "9110 9.2.2",
        "a POST whose connection broke is not sent again",
        |s| {
            let client = s.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")?;
            let (origin, _) = s.request()?;
            origin.close();
            is_one_of(&client.response()?, &[502, 503, 504])?;
            s.untouched()
        },
    ),
];

/// The proxy itself answers; 405 and 501 are answers of a final recipient too.
fn answered(s: &Scene, request: &str) -> Outcome {
    let answer: Message = match s.attempt(request)? {
        Fate::Refused(answer) => answer,
        Fate::Dropped => return Err("closed without an answer".into()),
        Fate::Relayed(_, _, request) => return Err(format!("relayed: {}", request.show())),
    };
    is_one_of(&answer, &[200, 204, 403, 405, 501])
}

fn rejected(s: &Scene, request: &str) -> Outcome {
    s.refused(request, &[400, 403, 405, 501]).map(drop)
}

/// The next request, on the same connection if that is open, gets its own response.
pub(crate) fn next_is_good(s: &Scene, client: &crate::wire::Wire) -> Outcome {
    client.send(GET);
    let client = match s.fate(client)? {
        Fate::Relayed(client, origin, _) => {
            origin.send(OK);
            client
        }
        Fate::Refused(answer) => {
            return Err(format!("the next request was answered {}", answer.show()));
        }
        Fate::Dropped => {
            let again = s.send(GET)?;
            let (origin, _) = s.request()?;
            origin.send(OK);
            again
        }
    };
    let answer = client.response()?;
    check(answer.status() == 200 && answer.body == b"ok", || {
        answer.show()
    })
}
