//! HTTP/1.0 on either side.

use crate::message::Framing;
use crate::scene::{Fate, OK, Outcome, Scene, check, get, is_one_of, ok};
use crate::{Case, case};

const GET: &str = "GET /path HTTP/1.0\r\nHost: a\r\n\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

pub(crate) const CASES: &[Case] = &[
    case(
        "closes_by_default",
        "9112 9.3",
        "a connection to an HTTP/1.0 client that does not ask is closed",
        |s| {
            let client = s.send(GET)?;
            s.answer(&client, OK)?;
            client.closed()
        },
    ),
    case(
        "keep_alive_asked",
        "9112 9.3",
        "keep-alive to an HTTP/1.0 client is announced, or the connection closed",
        |s| {
            let client = s.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")?;
            let (_, answer) = s.answer(&client, OK)?;
            if !answer
                .fields
                .list("connection")
                .contains(&"keep-alive".into())
            {
                return client.closed();
            }
            client.send(GET);
            s.answer(&client, OK).map(drop)
        },
    ),
    case(
        "never_chunked",
        "9112 6.1",
        "an HTTP/1.0 client gets no Transfer-Encoding, and the whole body",
        |s| {
            let client = s.send(GET)?;
            let (_, answer) = s.answer(
                &client,
                ok(CHUNKED, "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
            )?;
            check(
                !answer.has("transfer-encoding") && answer.body == b"hello world",
                || answer.show(),
            )?;
            client.closed()
        },
    ),
    case(
        "never_chunked_when_kept_alive",
        "9112 6.1",
        "nor does one that asked for keep-alive",
        |s| {
            let client = s.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")?;
            let (_, answer) = s.answer(&client, ok(CHUNKED, "5\r\nhello\r\n0\r\n\r\n"))?;
            check(
                !answer.has("transfer-encoding") && answer.body == b"hello",
                || answer.show(),
            )
        },
    ),
    case(
        "until_close",
        "9112 6.3",
        "a body without length reaches an HTTP/1.0 client whole",
        |s| {
            let client = s.send(GET)?;
            let (origin, _) = s.request()?;
            origin.send(ok("", "hello"));
            origin.close();
            let answer = client.response()?;
            check(
                !answer.has("transfer-encoding") && answer.body == b"hello",
                || answer.show(),
            )
        },
    ),
    case(
        "no_interim",
        "9110 15.2",
        "an HTTP/1.0 client gets no 103",
        |s| interim(s, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    ),
    case(
        "no_continue",
        "9110 15.2",
        "an HTTP/1.0 client gets no 100",
        |s| interim(s, "HTTP/1.1 100 Continue\r\n\r\n"),
    ),
    case(
        "expectation_ignored",
        "9110 10.1.1",
        "Expect in HTTP/1.0 is ignored",
        |s| {
            let client = s.send("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")?;
            let (origin, request) = s.request()?;
            check(request.body == b"hello", || request.show())?;
            origin.send(OK);
            is_one_of(&client.response()?, &[200])
        },
    ),
    case(
        "upgrade_ignored",
        "9110 7.8",
        "Upgrade in HTTP/1.0 is ignored",
        |s| {
            let request =
                "GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: frob/1\r\n\r\n";
            let (request, answer) = s.exchange(request, OK)?;
            check(!request.has("upgrade"), || request.show())?;
            is_one_of(&answer, &[200])
        },
    ),
    case(
        "body",
        "9112 6.3",
        "an HTTP/1.0 request body with Content-Length is relayed",
        |s| {
            let (request, answer) = s.exchange(
                "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                OK,
            )?;
            check(request.body == b"hello", || request.show())?;
            is_one_of(&answer, &[200])
        },
    ),
    case(
        "own_version_in_response",
        "9112 2.3",
        "the response of an HTTP/1.0 origin goes on as HTTP/1.1",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
            origin.finish();
            let answer = client.response()?;
            check(
                answer.start[0] == "HTTP/1.1" && answer.body == b"ok",
                || answer.show(),
            )
        },
    ),
    case(
        "origin_not_reused",
        "9112 9.3",
        "a connection is not reused after an HTTP/1.0 response without keep-alive",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
            client.response()?;
            client.send(get(""));
            if let Fate::Relayed(_, again, _) = s.fate(&client)? {
                again.send(OK);
                is_one_of(&client.response()?, &[200])?;
            }
            check(s.connections() == 2, || "reused".into())
        },
    ),
    case(
        "origin_until_close",
        "9112 6.3",
        "an HTTP/1.0 response that ends with the connection is relayed whole",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello");
            origin.close();
            let answer = client.response()?;
            check(
                answer.body == b"hello"
                    && matches!(answer.framing, Framing::Chunked | Framing::Close),
                || answer.show(),
            )
        },
    ),
];

fn interim(s: &Scene, interim: &str) -> Outcome {
    let (_, answer) = s.exchange(GET, [interim, OK].concat())?;
    is_one_of(&answer, &[200])
}
