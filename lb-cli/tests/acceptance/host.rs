//! The Host field: required once, valid, forwarded as it came or as the absolute form has it.

use crate::scene::{Fate, OK, Outcome, Scene, check};
use crate::{Case, case};

pub(crate) const CASES: &[Case] = &[
    case(
        "missing",
        "9112 3.2",
        "an HTTP/1.1 request without Host is answered 400",
        |s| s.malformed("GET / HTTP/1.1\r\nX-A: b\r\n\r\n"),
    ),
    case(
        "two_different",
        "9112 3.2",
        "two Host lines are answered 400",
        |s| s.malformed(with("Host: a\r\nHost: b\r\n")),
    ),
    case(
        "two_identical",
        "9112 3.2",
        "two identical Host lines are answered 400",
        |s| s.malformed(with("Host: a\r\nHost: a\r\n")),
    ),
    case(
        "two_in_http10",
        "9112 3.2",
        "two Host lines are answered 400 in HTTP/1.0 as well",
        |s| s.malformed("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    ),
    case(
        "with_space",
        "9112 3.2",
        "a Host with a space in it is answered 400",
        |s| s.malformed(with("Host: a b\r\n")),
    ),
    case(
        "with_path",
        "9112 3.2",
        "a Host with a path is answered 400",
        |s| s.malformed(with("Host: a.example/x\r\n")),
    ),
    case(
        "with_userinfo",
        "9112 3.2",
        "a Host with userinfo is answered 400",
        |s| s.malformed(with("Host: user@a.example\r\n")),
    ),
    case(
        "bad_port",
        "9112 3.2",
        "a Host whose port is no number is answered 400",
        |s| s.malformed(with("Host: a.example:80x\r\n")),
    ),
    case(
        "bad_ip_literal",
        "9112 3.2",
        "a Host with an unclosed [ is answered 400",
        |s| s.malformed(with("Host: [::1\r\n")),
    ),
    case(
        "with_backslash",
        "9112 3.2",
        "a Host with a character no host can have is answered 400",
        |s| s.malformed(with("Host: a\\b\r\n")),
    ),
    case(
        "forwarded",
        "9110 7.2",
        "the Host of the request is the Host at the origin",
        |s| host(s, with("Host: a.example:8080\r\n"), "a.example:8080"),
    ),
    case(
        "ip_literal",
        "9110 7.2",
        "an IPv6 literal with a port is a valid Host",
        |s| {
            host(
                s,
                with("Host: [2001:db8::1]:8080\r\n"),
                "[2001:db8::1]:8080",
            )
        },
    ),
    case(
        "name_case",
        "9110 5.1",
        "field names are case-insensitive: hOsT is Host",
        |s| host(s, with("hOsT: a.example\r\n"), "a.example"),
    ),
    case(
        "host_not_first",
        "9110 5.3",
        "Host may stand anywhere in the header section",
        |s| host(s, with("X-A: b\r\nHost: a.example\r\n"), "a.example"),
    ),
    case(
        "empty",
        "9112 3.2",
        "an empty Host is a valid one: the request goes on with one Host line, or is answered 400",
        |s| match s.attempt(with("Host:\r\n"))? {
            Fate::Relayed(_, _, request) => {
                check(request.fields.all("host").len() == 1, || request.show())
            }
            Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
            Fate::Dropped => Err("closed without an answer".into()),
        },
    ),
    case(
        "missing_in_http10",
        "9112 3.2",
        "an HTTP/1.0 request without Host is served; as HTTP/1.1 it goes on with a Host",
        |s| {
            let (request, answer) = s.exchange("GET / HTTP/1.0\r\n\r\n", OK)?;
            check(answer.status() == 200, || answer.show())?;
            check(
                request.start[2] == "HTTP/1.0" || request.fields.all("host").len() == 1,
                || request.show(),
            )
        },
    ),
    case(
        "absolute_form_wins",
        "9112 3.2.2",
        "the authority of an absolute form replaces the Host received",
        |s| {
            let request = "GET http://right.example:81/p HTTP/1.1\r\nHost: wrong.example\r\n\r\n";
            // Refusing a contradiction is not in the RFC, but forwarding the wrong Host is what it forbids.
            match s.attempt(request)? {
                Fate::Relayed(_, _, request) => {
                    check(request.fields.all("host") == ["right.example:81"], || {
                        request.show()
                    })
                }
                Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
                Fate::Dropped => Err("closed without an answer".into()),
            }
        },
    ),
    case(
        "absolute_form_keeps_port",
        "9112 3.2.2",
        "the Host generated from an absolute form has its port",
        |s| {
            host(
                s,
                "GET http://a.example:81/p HTTP/1.1\r\nHost: a.example:81\r\n\r\n".into(),
                "a.example:81",
            )
        },
    ),
    case(
        "absolute_form_without_userinfo",
        "9110 4.2.4",
        "userinfo of an absolute form is not sent on",
        |s| match s.attempt("GET http://user:pw@a.example/p HTTP/1.1\r\nHost: a.example\r\n\r\n")? {
            Fate::Relayed(_, _, request) => check(!request.show().contains('@'), || request.show()),
            Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
            Fate::Dropped => Ok(()),
        },
    ),
];

fn with(fields: &str) -> String {
    format!("GET /path HTTP/1.1\r\n{fields}\r\n")
}

/// The request is relayed with that one Host.
fn host(s: &Scene, request: String, host: &str) -> Outcome {
    let (request, answer) = s.exchange(request, OK)?;
    check(request.fields.all("host") == [host], || request.show())?;
    check(answer.status() == 200, || answer.show())
}
