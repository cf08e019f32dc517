//! The Connection field and the fields that are for one connection only.

use crate::scene::{Fate, OK, Outcome, Scene, check, get, is_one_of, ok};
use crate::{Case, case};

pub(crate) const CASES: &[Case] = &[
    case(
        "named_field",
        "9110 7.6.1",
        "a request field named in Connection is not forwarded",
        |s| gone(s, "Connection: X-A\r\nX-A: b\r\n", &["x-a"]),
    ),
    case(
        "named_field_case",
        "9110 7.6.1",
        "connection options are case-insensitive",
        |s| gone(s, "connection: x-HOP\r\nX-Hop: b\r\n", &["x-hop"]),
    ),
    case(
        "named_before_connection",
        "9110 7.6.1",
        "a field that stands before the Connection that names it goes too",
        |s| gone(s, "X-A: b\r\nConnection: X-A\r\n", &["x-a"]),
    ),
    case(
        "named_in_list",
        "9110 7.6.1",
        "every member of the list counts, empty ones do not",
        |s| {
            gone(
                s,
                "Connection: , keep-alive ,,X-A,\tX-B ,\r\nX-A: b\r\nX-B: c\r\nKeep-Alive: 5\r\n",
                &["x-a", "x-b", "keep-alive"],
            )
        },
    ),
    case(
        "named_in_second_line",
        "9110 7.6.1",
        "every Connection line counts",
        |s| {
            gone(
                s,
                "Connection: X-A\r\nX-A: b\r\nConnection: X-B\r\nX-B: c\r\n",
                &["x-a", "x-b"],
            )
        },
    ),
    case(
        "named_field_repeated",
        "9110 7.6.1",
        "all lines of a field named in Connection go",
        |s| gone(s, "X-A: 1\r\nConnection: X-A\r\nX-A: 2\r\n", &["x-a"]),
    ),
    case(
        "options_not_forwarded",
        "9110 7.6.1",
        "the client's connection options do not reach the origin",
        |s| {
            let (request, _) = s.exchange(get("Connection: X-A, X-B\r\n"), OK)?;
            let options = request.fields.list("connection");
            check(
                !options.iter().any(|option| option.starts_with("x-")),
                || request.show(),
            )
        },
    ),
    case(
        "close_not_blindly_forwarded",
        "9110 7.6.1",
        "other fields stay when Connection: close goes",
        |s| {
            let (request, _) = s.exchange(get("X-A: b\r\nConnection: close\r\n"), OK)?;
            check(request.get("x-a") == Some("b"), || request.show())
        },
    ),
    case(
        "keep_alive_field",
        "9110 7.6.1",
        "Keep-Alive is not forwarded",
        |s| {
            gone(
                s,
                "Keep-Alive: timeout=5\r\nConnection: keep-alive\r\n",
                &["keep-alive"],
            )
        },
    ),
    case(
        "proxy_connection",
        "9110 7.6.1",
        "Proxy-Connection is not forwarded",
        |s| gone(s, "Proxy-Connection: keep-alive\r\n", &["proxy-connection"]),
    ),
    case(
        "te_removed",
        "9110 10.1.4",
        "TE goes, or is the proxy's own and named in Connection",
        |s| {
            let (request, _) =
                s.exchange(get("TE: trailers, deflate;q=0.5\r\nConnection: TE\r\n"), OK)?;
            let own = request.fields.list("te") == ["trailers"]
                && request.fields.list("connection").contains(&"te".into());
            check(!request.has("te") || own, || request.show())
        },
    ),
    case(
        "te_unnamed",
        "9110 7.6.1",
        "TE that Connection does not name is not forwarded without that name",
        |s| {
            let (request, _) = s.exchange(get("TE: trailers\r\n"), OK)?;
            check(
                !request.has("te") || request.fields.list("connection").contains(&"te".into()),
                || request.show(),
            )
        },
    ),
    case(
        "upgrade_unnamed",
        "9110 7.8",
        "Upgrade that Connection does not name is not forwarded without that name",
        |s| {
            let (request, _) = s.exchange(get("Upgrade: frob/1\r\n"), OK)?;
            check(
                !request.has("upgrade")
                    || request
                        .fields
                        .list("connection")
                        .contains(&"upgrade".into()),
                || request.show(),
            )
        },
    ),
    case(
        "host_named",
        "9110 7.6.1",
        "naming Host in Connection does not take the Host away",
        |s| match s.attempt(get("Connection: Host\r\n"))? {
            Fate::Relayed(_, _, request) => {
                check(request.fields.all("host").len() == 1, || request.show())
            }
            Fate::Refused(answer) => is_one_of(&answer, &[400]),
            Fate::Dropped => Ok(()),
        },
    ),
    case(
        "response_named_field",
        "9110 7.6.1",
        "a response field named in Connection is not forwarded",
        |s| {
            let (_, answer) = s.exchange(
                get(""),
                ok(
                    "X-A: b\r\nConnection: X-A\r\nX-C: d\r\nContent-Length: 2\r\n",
                    "ok",
                ),
            )?;
            check(!answer.has("x-a") && answer.get("x-c") == Some("d"), || {
                answer.show()
            })
        },
    ),
    case(
        "response_options_not_forwarded",
        "9110 7.6.1",
        "the origin's connection options do not reach the client",
        |s| {
            let (_, answer) = s.exchange(
                get(""),
                ok("Connection: X-A\r\nContent-Length: 2\r\n", "ok"),
            )?;
            check(
                !answer.fields.list("connection").contains(&"x-a".into()),
                || answer.show(),
            )
        },
    ),
    case(
        "response_keep_alive_field",
        "9110 7.6.1",
        "the origin's Keep-Alive does not reach the client",
        |s| {
            let (_, answer) = s.exchange(
                get(""),
                ok(
                    "Connection: keep-alive\r\nKeep-Alive: timeout=77\r\nContent-Length: 2\r\n",
                    "ok",
                ),
            )?;
            check(answer.get("keep-alive") != Some("timeout=77"), || {
                answer.show()
            })
        },
    ),
    case(
        "client_close",
        "9112 9.6",
        "after Connection: close the proxy answers and closes",
        |s| {
            let client = s.send(get("Connection: close\r\n"))?;
            s.answer(&client, OK)?;
            client.closed()
        },
    ),
    case(
        "client_close_announced",
        "9112 9.6",
        "the answer to Connection: close says close",
        |s| {
            let (_, answer) = s.exchange(get("Connection: close\r\n"), OK)?;
            check(
                answer.fields.list("connection").contains(&"close".into()),
                || answer.show(),
            )
        },
    ),
    case(
        "client_close_case",
        "9110 7.6.1",
        "Connection: Close, Foo is close as well",
        |s| {
            let client = s.send(get("Connection: Foo, CLOSE\r\n"))?;
            s.answer(&client, OK)?;
            client.closed()
        },
    ),
    case(
        "nothing_after_close",
        "9112 9.6",
        "requests after the one with close are not processed",
        |s| {
            let client = s.send([get("Connection: close\r\n"), get("X-Late: 1\r\n")].concat())?;
            s.answer(&client, OK)?;
            client.closed()?;
            s.untouched()
        },
    ),
    case(
        "close_announced_is_kept",
        "9112 9.6",
        "a proxy that says close closes",
        |s| {
            let client = s.send(get(""))?;
            let (_, answer) = s.answer(
                &client,
                ok("Connection: close\r\nContent-Length: 2\r\n", "ok"),
            )?;
            if answer.fields.list("connection").contains(&"close".into()) {
                return client.closed();
            }
            client.send(get(""));
            s.answer(&client, OK).map(drop)
        },
    ),
    case(
        "origin_close",
        "9112 9.6",
        "no request follows on a connection that the origin said to close",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send(ok("Connection: close\r\nContent-Length: 2\r\n", "ok"));
            client.response()?;
            let second = s.client()?;
            second.send(get("X-Second: 1\r\n"));
            let (other, _) = s.request()?;
            other.send(OK);
            is_one_of(&second.response()?, &[200])?;
            origin
                .closed()
                .or_else(|_| check(s.connections() == 2, || "reused".into()))
        },
    ),
];

/// The request is relayed without those fields, and with the rest.
fn gone(s: &Scene, fields: &str, names: &[&str]) -> Outcome {
    let (request, answer) = s.exchange(get(&format!("X-Stays: 1\r\n{fields}")), OK)?;
    check(
        names.iter().all(|name| !request.has(name)) && request.has("x-stays"),
        || request.show(),
    )?;
    is_one_of(&answer, &[200])
}
