//! The request line: its grammar, the versions, the forms of the target.

use crate::scene::{Fate, OK, Outcome, Scene, check};
use crate::{Case, case};

pub(crate) const CASES: &[Case] = &[
    case(
        "leading_empty_line",
        "9112 2.2",
        "an empty line before the request line is ignored",
        |s| {
            s.exchange("\r\nGET /path HTTP/1.1\r\nHost: a\r\n\r\n", OK)
                .map(drop)
        },
    ),
    case(
        "bare_lf_not_forwarded",
        "9112 2.2",
        "a bare LF as line end is refused or repaired, never forwarded",
        |s| {
            // The origin's reader takes CRLF only.
            refused_or(s, "GET /path HTTP/1.1\nHost: a\nX-A: b\n\n", |target| {
                target == "/path"
            })
        },
    ),
    case(
        "bare_cr_in_line",
        "9112 2.2",
        "a bare CR in the request line is refused",
        |s| s.rejected("GET /pa\rth HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    case(
        "bare_cr_as_line_end",
        "9112 2.2",
        "a bare CR does not end a line",
        |s| s.rejected("GET /path HTTP/1.1\rHost: a\r\r"),
    ),
    case(
        "space_before_first_field",
        "9112 2.2",
        "a line with leading whitespace after the request line is refused or dropped",
        space_before_first_field,
    ),
    case(
        "own_version_up",
        "9112 2.3",
        "a request of HTTP/1.0 goes on as the proxy's own HTTP/1.1",
        |s| version(s, "HTTP/1.0"),
    ),
    case(
        "minor_version_above",
        "9110 2.5",
        "HTTP/1.2 is taken for the highest minor version known, and not forwarded",
        |s| version(s, "HTTP/1.2"),
    ),
    case(
        "major_version_above",
        "9110 15.6.6",
        "HTTP/2.0 in a request line is refused with 505 or 400",
        |s| {
            s.refused("GET /path HTTP/2.0\r\nHost: a\r\n\r\n", &[400, 505])
                .map(drop)
        },
    ),
    case(
        "version_two_digits",
        "9112 2.3",
        "HTTP/1.10 is no version",
        |s| {
            s.refused("GET / HTTP/1.10\r\nHost: a\r\n\r\n", &[400, 505])
                .map(drop)
        },
    ),
    case(
        "version_leading_zero",
        "9112 2.3",
        "HTTP/01.1 is no version",
        |s| {
            s.refused("GET / HTTP/01.1\r\nHost: a\r\n\r\n", &[400, 505])
                .map(drop)
        },
    ),
    case(
        "version_no_minor",
        "9112 2.3",
        "HTTP/1 is no version",
        |s| {
            s.refused("GET / HTTP/1\r\nHost: a\r\n\r\n", &[400, 505])
                .map(drop)
        },
    ),
    case(
        "version_lower_case",
        "9112 2.3",
        "the version's name is case-sensitive",
        |s| {
            s.refused("GET / http/1.1\r\nHost: a\r\n\r\n", &[400, 505])
                .map(drop)
        },
    ),
    case(
        "version_other_protocol",
        "9112 2.3",
        "a name other than HTTP is refused",
        |s| {
            s.refused("GET / SIP/2.0\r\nHost: a\r\n\r\n", &[400, 505])
                .map(drop)
        },
    ),
    case(
        "version_trailing_word",
        "9112 3",
        "a fourth word in the request line is refused",
        |s| s.malformed("GET / HTTP/1.1 x\r\nHost: a\r\n\r\n"),
    ),
    case(
        "no_target",
        "9112 3",
        "a request line without a target is refused",
        |s| s.malformed("GET HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    case(
        "no_method",
        "9112 3",
        "a request line without a method is refused",
        |s| s.malformed(" /path HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    case(
        "no_version",
        "9112 2.3",
        "a request line without a version is not forwarded as such",
        |s| {
            s.send("GET /path\r\n\r\n")?.close();
            s.untouched()
        },
    ),
    case(
        "space_in_target",
        "9112 3.2",
        "whitespace in the target is refused",
        |s| s.malformed("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    case(
        "two_spaces",
        "9112 3",
        "two spaces in the request line are refused, or forwarded as one",
        |s| {
            refused_or(s, "GET  /path  HTTP/1.1\r\nHost: a\r\n\r\n", |target| {
                target == "/path"
            })
        },
    ),
    case(
        "tab_as_separator",
        "9112 3",
        "a tab in the request line is refused, or forwarded as a space",
        |s| {
            refused_or(s, "GET\t/path\tHTTP/1.1\r\nHost: a\r\n\r\n", |target| {
                target == "/path"
            })
        },
    ),
    case(
        "control_in_target",
        "9112 3.2",
        "a control character in the target is refused",
        |s| s.malformed("GET /a\x01b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    case(
        "nul_in_target",
        "9112 3.2",
        "a NUL in the target is refused",
        |s| s.malformed("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    case(
        "del_in_target",
        "9112 3.2",
        "a DEL in the target is refused",
        |s| s.malformed("GET /a\x7fb HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    case(
        "fragment_in_target",
        "9112 3.2",
        "a fragment is no part of a target",
        |s| s.malformed("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    case(
        "relative_target",
        "9112 3.2",
        "a target that is in none of the four forms is refused",
        |s| s.malformed("GET path HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    case(
        "asterisk_with_get",
        "9110 7.1",
        "the asterisk form is for OPTIONS only",
        |s| s.malformed("GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    case(
        "asterisk_with_options",
        "9112 3.2.4",
        "OPTIONS * goes on as OPTIONS *",
        |s| target(s, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "*"),
    ),
    case(
        "options_absolute_without_path",
        "9112 3.2.4",
        "OPTIONS of an absolute form without path goes on as OPTIONS *",
        |s| {
            target(
                s,
                "OPTIONS http://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n",
                "*",
            )
        },
    ),
    case(
        "absolute_form",
        "9112 3.2.2",
        "the absolute form is accepted, the path goes on unchanged",
        |s| {
            target(
                s,
                "GET http://a.example/p?q=1 HTTP/1.1\r\nHost: a.example\r\n\r\n",
                "/p?q=1",
            )
        },
    ),
    case(
        "absolute_form_scheme_case",
        "9110 4.2.3",
        "the scheme of an absolute form is case-insensitive",
        |s| {
            target(
                s,
                "GET HTTP://a.example/p HTTP/1.1\r\nHost: a.example\r\n\r\n",
                "/p",
            )
        },
    ),
    case(
        "absolute_form_empty_path",
        "9112 3.2.1",
        "an absolute form without path goes on as /",
        |s| {
            target(
                s,
                "GET http://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n",
                "/",
            )
        },
    ),
    case(
        "absolute_form_only_query",
        "9112 3.2.1",
        "an absolute form with an empty path and a query goes on as /?query",
        |s| {
            target(
                s,
                "GET http://a.example?q HTTP/1.1\r\nHost: a.example\r\n\r\n",
                "/?q",
            )
        },
    ),
    case(
        "absolute_form_empty_host",
        "9110 4.2.1",
        "an http URI with an empty host is refused",
        |s| s.malformed("GET http:///p HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    case(
        "absolute_form_in_http10",
        "9112 3.2.2",
        "the absolute form is accepted in HTTP/1.0 too",
        |s| target(s, "GET http://a.example/p HTTP/1.0\r\n\r\n", "/p"),
    ),
    case(
        "path_unchanged",
        "9110 7.7",
        "path and query are forwarded octet by octet",
        |s| {
            const TARGET: &str = "/a//b/../c/./%7e%2F%0d%0A;x=1,2/'()?x=%20&y=//?&z=a@b:c+%00";
            target(
                s,
                &format!("GET {TARGET} HTTP/1.1\r\nHost: a\r\n\r\n"),
                TARGET,
            )
        },
    ),
    case(
        "long_target",
        "9112 3",
        "a request line of 8000 octets is forwarded",
        |s| {
            let path = format!("/{}", "a".repeat(8000 - "GET / HTTP/1.1".len()));
            target(s, &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"), &path)
        },
    ),
    case(
        "target_too_long",
        "9112 3",
        "a target longer than the proxy parses is answered 414",
        |s| {
            s.refused(
                format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(100_000)),
                &[414],
            )
            .map(drop)
        },
    ),
    case(
        "method_case",
        "9110 9.1",
        "methods are case-sensitive: get is not GET",
        |s| match s.attempt("get /path HTTP/1.1\r\nHost: a\r\n\r\n")? {
            Fate::Relayed(_, _, request) => check(request.method() == "get", || request.show()),
            Fate::Refused(answer) => {
                check(matches!(answer.status(), 400 | 405 | 501), || answer.show())
            }
            Fate::Dropped => Ok(()),
        },
    ),
    case(
        "method_no_token",
        "9110 9.1",
        "a method that is no token is refused",
        |s| {
            s.refused("GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", &[400, 501])
                .map(drop)
        },
    ),
    case(
        "method_unknown",
        "9110 9.1",
        "a method the proxy does not know is the origin's business",
        |s| {
            let (request, answer) =
                s.exchange("FROBNICATE /path HTTP/1.1\r\nHost: a\r\n\r\n", OK)?;
            check(
                request.method() == "FROBNICATE" && answer.status() == 200,
                || request.show(),
            )
        },
    ),
];

fn space_before_first_field(s: &Scene) -> Outcome {
    match s.attempt("GET /path HTTP/1.1\r\n X-Bad: 1\r\nHost: a\r\nX-A: b\r\n\r\n")? {
        Fate::Relayed(_, _, request) => check(
            !request.has("x-bad") && request.get("host") == Some("a"),
            || request.show(),
        ),
        Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
        Fate::Dropped => Ok(()),
    }
}

/// The request is relayed as HTTP/1.1, and so is its answer.
fn version(s: &Scene, version: &str) -> Outcome {
    let (request, answer) = s.exchange(format!("GET /path {version}\r\nHost: a\r\n\r\n"), OK)?;
    check(request.start[2] == "HTTP/1.1", || request.show())?;
    check(answer.start[0] == "HTTP/1.1", || answer.show())
}

/// The request reaches the origin with that target.
fn target(s: &Scene, request: &str, target: &str) -> Outcome {
    let (request, answer) = s.exchange(request, OK)?;
    check(request.target() == target, || request.show())?;
    check(answer.status() == 200, || answer.show())
}

/// Refused with 400, or relayed (well-formed, else the reader would say so) with a target that will do.
fn refused_or(s: &Scene, request: &str, good: fn(&str) -> bool) -> Outcome {
    match s.attempt(request)? {
        Fate::Relayed(_, _, request) => check(good(request.target()), || request.show()),
        Fate::Refused(answer) => check(answer.status() == 400, || answer.show()),
        Fate::Dropped => Ok(()),
    }
}
