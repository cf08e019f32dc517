//! Requests on whose end two recipients may disagree (RFC 9112, 11.2).
//!
//! Every body here holds what a recipient of the other opinion would take for a second request. It must
//! never reach the origin as one.

use crate::scene::{Fate, OK, Outcome, Scene, check, get, ok, post};
use crate::{Case, case};

/// A second request, to those who think the first has ended.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: a.example\r\n\r\n";

pub(crate) const CASES: &[Case] = &[
    case(
        "cl_te",
        "9112 6.1",
        "Content-Length and Transfer-Encoding: refused, or chunked and then closed",
        |s| {
            both(s, |n| {
                format!("Content-Length: {n}\r\nTransfer-Encoding: chunked\r\n")
            })
        },
    ),
    case("te_cl", "9112 6.1", "the same in the other order", |s| {
        both(s, |n| {
            format!("Transfer-Encoding: chunked\r\nContent-Length: {n}\r\n")
        })
    }),
    case(
        "te_cl_short",
        "9112 6.3",
        "a Content-Length that is too short does not cut the chunks",
        |s| {
            let body = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
            s.no_desync(
                post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", &body),
                HIDDEN.as_bytes(),
            )
        },
    ),
    case(
        "te_xchunked",
        "9112 6.1",
        "an unknown coding is refused",
        |s| {
            s.refused(hidden("Transfer-Encoding: xchunked\r\n"), &[400, 501])?
                .closed()
        },
    ),
    case(
        "te_xchunked_with_length",
        "9112 6.1",
        "an unknown coding is refused, Content-Length or not",
        |s| {
            s.refused(
                hidden_with_length("Transfer-Encoding: xchunked\r\n"),
                &[400, 501],
            )?
            .closed()
        },
    ),
    case(
        "te_chunked_not_last",
        "9112 6.3",
        "chunked before another coding is answered 400 or 501, and closed",
        |s| {
            s.refused(hidden("Transfer-Encoding: chunked, gzip\r\n"), &[400, 501])?
                .closed()
        },
    ),
    case(
        "te_chunked_identity",
        "9112 6.3",
        "\"chunked, identity\" is refused",
        |s| {
            s.refused(
                hidden("Transfer-Encoding: chunked, identity\r\n"),
                &[400, 501],
            )?
            .closed()
        },
    ),
    case("te_identity", "9112 6.3", "\"identity\" is refused", |s| {
        s.refused(
            hidden_with_length("Transfer-Encoding: identity\r\n"),
            &[400, 501],
        )?
        .closed()
    }),
    case(
        "te_two_lines",
        "9112 6.3",
        "chunked on one line and another coding on the next is refused",
        |s| {
            s.refused(
                hidden("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
                &[400, 501],
            )?
            .closed()
        },
    ),
    case(
        "te_chunked_twice",
        "9112 6.1",
        "chunked twice is refused",
        |s| {
            s.refused(
                hidden("Transfer-Encoding: chunked, chunked\r\n"),
                &[400, 501],
            )?
            .closed()
        },
    ),
    case(
        "te_chunked_two_lines",
        "9112 6.1",
        "two lines of chunked are refused",
        |s| {
            s.refused(
                hidden("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                &[400, 501],
            )?
            .closed()
        },
    ),
    case(
        "te_gzip_chunked",
        "9112 6.1",
        "gzip before chunked is refused, or forwarded as both",
        |s| match s.attempt(post(
            "Transfer-Encoding: gzip, chunked\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
        ))? {
            Fate::Relayed(_, _, request) => {
                let codings = request.fields.list("transfer-encoding");
                check(
                    codings == ["gzip", "chunked"] && request.body == b"hello",
                    || request.show(),
                )
            }
            Fate::Refused(answer) => check((400..600).contains(&answer.status()), || answer.show()),
            Fate::Dropped => Err("closed without an answer".into()),
        },
    ),
    case(
        "te_quoted",
        "9112 6.1",
        "a quoted \"chunked\" is not chunked",
        |s| {
            s.refused(
                hidden_with_length("Transfer-Encoding: \"chunked\"\r\n"),
                &[400, 501],
            )?
            .closed()
        },
    ),
    case(
        "te_empty",
        "9112 6.1",
        "an empty Transfer-Encoding beside a Content-Length is refused or dropped",
        |s| consistent(s, "Transfer-Encoding:\r\n"),
    ),
    case(
        "te_vertical_tab",
        "9110 5.5",
        "a vertical tab is no whitespace around chunked",
        |s| {
            s.refused(
                hidden_with_length("Transfer-Encoding: \x0bchunked\r\n"),
                &[400, 501],
            )?
            .closed()
        },
    ),
    case(
        "te_form_feed",
        "9110 5.5",
        "a form feed is no whitespace after chunked",
        |s| {
            s.refused(
                hidden_with_length("Transfer-Encoding: chunked\x0c\r\n"),
                &[400, 501],
            )?
            .closed()
        },
    ),
    case(
        "te_nul",
        "9110 5.5",
        "a NUL after chunked does not hide it",
        |s| {
            s.refused(
                hidden_with_length("Transfer-Encoding: chunked\0\r\n"),
                &[400, 501],
            )?
            .closed()
        },
    ),
    case(
        "te_space_before_colon",
        "9112 5.1",
        "\"Transfer-Encoding : chunked\" is answered 400",
        |s| s.misframed(hidden_with_length("Transfer-Encoding : chunked\r\n")),
    ),
    case(
        "te_vertical_tab_in_name",
        "9112 5.1",
        "\"Transfer-Encoding\\x0b: chunked\" is refused or dropped",
        |s| consistent(s, "Transfer-Encoding\x0b: chunked\r\n"),
    ),
    case(
        "te_underscore",
        "9112 5",
        "Transfer_Encoding is another field",
        |s| consistent(s, "Transfer_Encoding: chunked\r\n"),
    ),
    case(
        "te_after_bare_cr",
        "9112 2.2",
        "a bare CR does not start a line",
        |s| consistent(s, "X-A: b\rTransfer-Encoding: chunked\r\n"),
    ),
    case(
        "te_folded",
        "9112 5.2",
        "a folded \"chunked\" is refused or unfolded, and framed the same on both sides",
        |s| {
            match s.attempt(hidden("Transfer-Encoding:\r\n chunked\r\n"))? {
                // The next request on the connection is what HIDDEN then is: a pipelined one.
                Fate::Relayed(_, _, request) => check(request.body.is_empty(), || request.show()),
                Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
                Fate::Dropped => Ok(()),
            }
        },
    ),
    case(
        "te_space_first",
        "9112 2.2",
        "a first line with leading whitespace is not taken for Transfer-Encoding by one side only",
        |s| {
            let request = format!(
                "POST / HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}",
                LAST.len() + HIDDEN.len(),
                [LAST, HIDDEN].concat()
            );
            agree(s, &request)
        },
    ),
    case(
        "te_in_http10",
        "9112 6.1",
        "Transfer-Encoding in HTTP/1.0 is faulty framing: the connection is closed",
        |s| {
            let request = format!(
                "POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n{LAST}{HIDDEN}"
            );
            s.no_desync(request, b"")
        },
    ),
    case(
        "te_cl_in_http10",
        "9112 6.1",
        "the same with a Content-Length beside it",
        |s| {
            let body = [LAST, HIDDEN].concat();
            let fields = format!(
                "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: {}\r\n",
                body.len()
            );
            let request = format!("POST / HTTP/1.0\r\nHost: a\r\n{fields}\r\n{body}");
            let client = s.send(request)?;
            if let Fate::Relayed(_, origin, request) = s.fate(&client)? {
                check(
                    request.body.is_empty() || request.body == body.as_bytes(),
                    || request.show(),
                )?;
                origin.send(OK);
                client.response()?;
                client.closed()?;
            }
            s.untouched()
        },
    ),
    case(
        "te_connection_option",
        "9110 7.6.1",
        "naming Transfer-Encoding in Connection does not unframe the request",
        |s| match s.attempt(post(
            "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
        ))? {
            Fate::Relayed(_, _, request) => check(request.body == b"hello", || request.show()),
            Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
            Fate::Dropped => Ok(()),
        },
    ),
    case(
        "cl_connection_option",
        "9110 7.6.1",
        "naming Content-Length in Connection does not unframe the request",
        |s| match s.attempt(post(
            "Connection: Content-Length\r\nContent-Length: 5\r\n",
            "hello",
        ))? {
            Fate::Relayed(_, _, request) => check(request.body == b"hello", || request.show()),
            Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
            Fate::Dropped => Ok(()),
        },
    ),
    case(
        "cl_zero_and_more",
        "9112 6.3",
        "Content-Length: 0 and another one is answered 400",
        |s| {
            s.misframed(post(
                &format!("Content-Length: 0\r\nContent-Length: {}\r\n", HIDDEN.len()),
                HIDDEN,
            ))
        },
    ),
    case(
        "cl_space_before_colon",
        "9112 5.1",
        "\"Content-Length : n\" is answered 400",
        |s| {
            s.misframed(post(
                &format!("Content-Length : {}\r\n", HIDDEN.len()),
                HIDDEN,
            ))
        },
    ),
    case(
        "cl_vertical_tab",
        "9110 8.6",
        "a vertical tab is no whitespace before a length",
        |s| {
            s.misframed(post(
                &format!("Content-Length: \x0b{}\r\n", HIDDEN.len()),
                HIDDEN,
            ))
        },
    ),
    case(
        "cl_folded_digits",
        "9112 5.2",
        "a fold within a length is no longer length",
        |s| s.misframed(post("Content-Length: 4\r\n 4\r\n", HIDDEN)),
    ),
    case(
        "get_body_hides_request",
        "9110 9.3.1",
        "the body of a GET is no request (CL.0)",
        |s| {
            let client = s.send(format!(
                "GET /first HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{HIDDEN}",
                HIDDEN.len()
            ))?;
            if let Fate::Relayed(_, origin, request) = s.fate(&client)? {
                check(request.body == HIDDEN.as_bytes(), || request.show())?;
                origin.send(OK);
                client.response()?;
            }
            s.untouched()
        },
    ),
    case(
        "body_after_early_answer",
        "9112 9.3",
        "the rest of a body that the origin did not wait for is no request",
        |s| {
            let client = s.send(post(
                &format!("Content-Length: {}\r\n", HIDDEN.len() + 5),
                "hello",
            ))?;
            let (origin, _) = s.head()?;
            origin.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
            let answer = client.response()?;
            check(answer.status() == 403, || answer.show())?;
            client.send(HIDDEN);
            // Either that was the body's rest, or the connection is closed; the next request decides.
            client.send(get("X-Next: 1\r\n"));
            match s.fate(&client) {
                Ok(Fate::Relayed(_, _, request)) => {
                    check(request.target() != "/hidden", || request.show())
                }
                _ => Ok(()),
            }
        },
    ),
    case(
        "response_cl_te",
        "9112 6.3",
        "a response with both is chunked without Content-Length, or 502",
        |s| {
            let answer = ok(
                "Content-Length: 50\r\nTransfer-Encoding: chunked\r\n",
                "5\r\nhello\r\n0\r\n\r\n",
            );
            let (_, answer) = s.exchange(get(""), answer)?;
            check(answer.status() == 502 || answer.body == b"hello", || {
                answer.show()
            })
        },
    ),
    case(
        "response_te_in_http10",
        "9112 6.1",
        "after an HTTP/1.0 response with Transfer-Encoding the server connection is closed",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 15\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
            origin.finish();
            client
                .final_response()
                .map(drop)
                .or_else(|_| client.rest().map(drop))?;
            s.hung_up()
        },
    ),
];

/// A chunked body's end.
const LAST: &str = "0\r\n\r\n";

/// An empty chunked body, then the hidden request.
fn hidden(fields: &str) -> String {
    post(fields, &[LAST, HIDDEN].concat())
}

/// The same, with a Content-Length that covers the hidden request.
fn hidden_with_length(fields: &str) -> String {
    let body = [LAST, HIDDEN].concat();
    post(
        &format!("Content-Length: {}\r\n{fields}", body.len()),
        &body,
    )
}

fn both(s: &Scene, fields: fn(usize) -> String) -> Outcome {
    let body = [LAST, HIDDEN].concat();
    s.no_desync(post(&fields(body.len()), &body), b"")
}

/// Refused, or relayed by Content-Length without a trace of the line in question.
fn consistent(s: &Scene, line: &str) -> Outcome {
    agree(s, &hidden_with_length(line))
}

fn agree(s: &Scene, request: &str) -> Outcome {
    let client = s.send(request)?;
    match s.fate(&client)? {
        Fate::Relayed(_, origin, request) => {
            check(request.body == [LAST, HIDDEN].concat().as_bytes(), || {
                request.show()
            })?;
            check(!request.has("transfer-encoding"), || request.show())?;
            origin.send(OK);
            client.response()?;
        }
        Fate::Refused(answer) => check(matches!(answer.status(), 400 | 501), || answer.show())?,
        Fate::Dropped => {}
    }
    s.untouched()
}
