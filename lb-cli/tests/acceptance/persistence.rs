//! Connections that carry more than one exchange.

use crate::scene::{Fate, OK, Outcome, Scene, check, get, is_one_of, ok, post};
use crate::wire::Wire;
use crate::{Case, case};

pub(crate) const CASES: &[Case] = &[
    case(
        "keep_alive",
        "9112 9.3",
        "an HTTP/1.1 connection stays open for the next request",
        |s| {
            let client = s.client()?;
            for _ in 0..5 {
                client.send(get(""));
                let (_, answer) = s.answer(&client, OK)?;
                is_one_of(&answer, &[200])?;
            }
            Ok(())
        },
    ),
    case(
        "keep_alive_after_error_status",
        "9112 9.3",
        "a 404 or 500 of the origin does not end the connection",
        |s| {
            let client = s.client()?;
            for status in [404, 500, 503] {
                client.send(get(""));
                let (_, answer) = s.answer(
                    &client,
                    format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nno"),
                )?;
                check(answer.status() == status && answer.body == b"no", || {
                    answer.show()
                })?;
            }
            Ok(())
        },
    ),
    case(
        "keep_alive_after_chunked",
        "9112 9.3",
        "a chunked exchange does not end the connection",
        |s| {
            let client = s.client()?;
            for _ in 0..2 {
                client.send(post(
                    "Transfer-Encoding: chunked\r\n",
                    "2\r\nhi\r\n0\r\n\r\n",
                ));
                let (_, answer) = s.answer(
                    &client,
                    ok("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n"),
                )?;
                check(answer.body == b"ok", || answer.show())?;
            }
            Ok(())
        },
    ),
    case(
        "pipelining",
        "9112 9.3.2",
        "pipelined requests are answered in order",
        |s| {
            let requests: String = (0..10)
                .map(|n| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n"))
                .collect();
            pipelined(s, &requests, 10)
        },
    ),
    case(
        "pipelining_with_bodies",
        "9112 9.3.2",
        "pipelined requests with bodies are told apart",
        |s| {
            let requests: String = (0..6)
            .map(|n| match n % 3 {
                0 => format!("POST /{n} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /"),
                1 => format!("POST /{n} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n"),
                _ => format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n"),
            })
            .collect();
            pipelined(s, &requests, 6)
        },
    ),
    case(
        "pipelining_out_of_order_origin",
        "9112 9.3.2",
        "the answer to the second request does not overtake the first",
        |s| {
            let client =
                s.send("GET /0 HTTP/1.1\r\nHost: a\r\n\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n")?;
            let (first, _) = s.request()?;
            // A proxy may already have sent the second one on; if so, that is answered first.
            first.dribble("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n");
            first.send("\r\n/0");
            check(client.response()?.body == b"/0", || "another answer".into())?;
            let (second, request) = s.request()?;
            second.send(ok("Content-Length: 2\r\n", request.target()));
            check(client.response()?.body == b"/1", || "another answer".into())
        },
    ),
    case(
        "half_close",
        "9112 9.6",
        "a client that has finished sending still gets its answer",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            client.finish();
            origin.send(OK);
            is_one_of(&client.response()?, &[200])
        },
    ),
    case(
        "answers_not_mixed",
        "9112 9.2",
        "each of several clients gets the answer to its own request",
        |s| {
            let clients = (0..8)
                .map(|n| s.send(format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n")))
                .collect::<Result<Vec<Wire>, _>>()?;
            let mut waiting = (0..8).map(|_| s.request()).collect::<Result<Vec<_>, _>>()?;
            // The last request is answered first.
            while let Some((origin, request)) = waiting.pop() {
                origin.send(ok("Content-Length: 2\r\n", request.target()));
            }
            for (n, client) in clients.iter().enumerate() {
                let answer = client.response()?;
                check(answer.body == format!("/{n}").as_bytes(), || answer.show())?;
            }
            Ok(())
        },
    ),
    case(
        "idle_close_get",
        "9110 9.2.2",
        "a GET that meets the origin's close of an idle connection is sent again",
        |s| {
            let (client, origin) = idle(s)?;
            client.send(get("X-Second: 1\r\n"));
            origin.close();
            let (_, answer) = s.answer(&client, OK)?;
            is_one_of(&answer, &[200])
        },
    ),
    case(
        "idle_closed_before",
        "9112 9.3.1",
        "a request after the origin has closed its idle connection is served",
        |s| {
            let (client, origin) = idle(s)?;
            origin.close();
            client.send(get("X-Second: 1\r\n"));
            let (_, answer) = s.answer(&client, OK)?;
            is_one_of(&answer, &[200])
        },
    ),
    case(
        "reused_then_closed_get",
        "9110 9.2.2",
        "a GET on a reused connection that is closed unanswered is sent again",
        |s| {
            let (client, _) = idle(s)?;
            client.send(get("X-Second: 1\r\n"));
            let (origin, _) = s.request()?;
            origin.close();
            let (request, answer) = s.answer(&client, OK)?;
            check(
                request.get("x-second") == Some("1") && answer.status() == 200,
                || answer.show(),
            )
        },
    ),
    case(
        "reused_then_closed_post",
        "9110 9.2.2",
        "a POST on a reused connection that is closed unanswered is sent once",
        |s| {
            let (client, _) = idle(s)?;
            client.send(post("Content-Length: 2\r\n", "hi"));
            let (origin, _) = s.request()?;
            origin.close();
            // Closing tells the client as well that it has to decide by itself.
            match s.fate(&client)? {
                Fate::Refused(answer) => is_one_of(&answer, &[502, 503, 504])?,
                Fate::Dropped => {}
                Fate::Relayed(_, _, request) => {
                    return Err(format!("sent again: {}", request.show()));
                }
            }
            s.untouched()
        },
    ),
    case(
        "half_answered_not_retried",
        "9110 9.2.2",
        "a GET that has part of its answer is not sent again",
        |s| {
            let (client, _) = idle(s)?;
            client.send(get("X-Second: 1\r\n"));
            let (origin, _) = s.request()?;
            origin.send(ok("Content-Length: 10\r\n", "half"));
            client.some()?;
            origin.close();
            client.broken()?;
            s.untouched()
        },
    ),
    case(
        "until_close_not_reused",
        "9112 9.3",
        "no request follows on a connection whose response ended with it",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send(ok("", "until the end"));
            origin.finish();
            client.response()?;
            let other = s.send(get(""))?;
            let (again, _) = s.request()?;
            again.send(OK);
            is_one_of(&other.response()?, &[200])?;
            check(s.connections() == 2, || "reused".into())
        },
    ),
    case(
        "closed_after_bad_request",
        "9112 6.3",
        "after a 400 for framing nothing more is read from the connection",
        |s| {
            let client = s.send(
                [
                    post("Content-Length: x\r\n", "").as_str(),
                    &get("X-Late: 1\r\n"),
                ]
                .concat(),
            )?;
            is_one_of(&client.response()?, &[400])?;
            client.closed()?;
            s.untouched()
        },
    ),
    case(
        "client_gone",
        "9112 9.6",
        "a client that goes away does not keep the origin's connection in a wrong state",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            client.close();
            origin.send(ok("X-Old: 1\r\nContent-Length: 3\r\n", "old"));
            let next = s.send(get("X-Second: 1\r\n"))?;
            let (_, answer) = s.answer(&next, OK)?;
            check(answer.body == b"ok" && !answer.has("x-old"), || {
                answer.show()
            })
        },
    ),
    case(
        "crlf_after_body",
        "9112 2.2",
        "an extra CRLF after a POST's body is ignored",
        |s| {
            let client = s.send(
                [
                    post("Content-Length: 2\r\n", "hi\r\n").as_str(),
                    &get("X-Next: 1\r\n"),
                ]
                .concat(),
            )?;
            s.answer(&client, OK)?;
            let (next, _) = s.answer(&client, OK)?;
            check(next.get("x-next") == Some("1"), || next.show())
        },
    ),
];

/// A client connection after one exchange, and the connection to the origin it left behind.
fn idle(s: &Scene) -> Result<(Wire, Wire), String> {
    let client = s.send(get(""))?;
    let (origin, _) = s.request()?;
    origin.send(OK);
    is_one_of(&client.response()?, &[200])?;
    Ok((client, origin))
}

/// Each answer names the target of the request it is for.
fn pipelined(s: &Scene, requests: &str, count: usize) -> Outcome {
    let client = s.send(requests)?;
    for n in 0..count {
        let Fate::Relayed(_, origin, request) = s.fate(&client)? else {
            return Err(format!("request {n} was not relayed"));
        };
        check(request.target() == format!("/{n}"), || request.show())?;
        origin.send(ok("Content-Length: 2\r\n", request.target()));
        let answer = client.response()?;
        check(answer.body == format!("/{n}").as_bytes(), || answer.show())?;
    }
    Ok(())
}
