//! Conditions on responses, as HAProxy 2.6 was seen to judge them.

use super::{expect::Expect, response::Response};

fn judge(expect: &str, bytes: &str) -> String {
    let mut headers = [httparse::EMPTY_HEADER; 101];
    let response = Response::parse(bytes.as_bytes(), &mut headers, &::http::Method::GET, false);
    let response = response.expect("is HTTP").expect("is whole");
    let expect: Expect = expect.parse().expect("a condition");
    match expect.judge(&response).expect("the body is whole") {
        Ok(()) => "ok".to_owned(),
        Err(verdict) => format!(
            "{} {}",
            verdict.status().code(),
            verdict.info().unwrap_or("-")
        ),
    }
}

#[test]
fn conditions_hold_as_haproxy_has_them() {
    let page = "HTTP/1.1 210 Fine\r\nX-A: a, b\r\nX-B: c\r\n\r\nall is well";
    for (expect, result) in [
        ("status 200,210", "ok"),
        ("status 200-209, 211", "L7STS Fine"),
        ("! status 210", "L7STS Fine"),
        ("!status 500-599", "ok"),
        ("rstatus ^2", "ok"),
        ("! rstatus ^[345]", "ok"),
        ("rstatus ^3", "L7STS Fine"),
        ("string is well", "ok"),
        ("string \"is well\"", "ok"),
        ("string is\\ well", "ok"),
        ("string unwell", "L7RSP HTTP content check did not match"),
        ("! string unwell", "ok"),
        ("! string well", "L7RSP HTTP check matched unwanted content"),
        ("rstring ^all.*well$", "ok"),
        ("rstring ^ALL", "L7RSP HTTP content check did not match"),
        ("hdr name x-a", "ok"),
        ("hdr name x-c", "L7STS Fine"),
        ("! hdr name x-c", "ok"),
        ("hdr name X-A value b", "ok"),
        ("fhdr name X-A value b", "L7STS Fine"),
        ("fhdr name X-A value \"a, b\"", "ok"),
        ("hdr name -m beg x- value -m reg ^c$", "ok"),
        ("hdr name -m end -B value -m sub x", "L7STS Fine"),
    ] {
        assert_eq!(judge(expect, page), result, "{expect}");
    }
}

#[test]
fn there_must_be_a_body_to_look_at() {
    let missing = "L7RSP HTTP content check could not find a response body";
    for page in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 204 OK\r\n\r\nnot a body",
    ] {
        for expect in [
            "string body",
            "! string error",
            "! rstring err",
            "rstring ^$",
        ] {
            assert_eq!(judge(expect, page), missing, "{expect}");
        }
    }
}

#[test]
fn a_body_is_seen_without_its_framing() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nO\r\n1;x=y\r\nK\r\n0\r\n\r\n";
    assert_eq!(judge("rstring ^OK$", chunked), "ok");
    let counted = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK and more";
    assert_eq!(judge("rstring ^OK$", counted), "ok");
}

#[test]
fn what_is_no_condition_is_refused_with_the_reason() {
    for (text, error) in [
        (
            "",
            "`` is not one of status, rstatus, string, rstring, hdr, fhdr",
        ),
        (
            "code 200",
            "`code` is not one of status, rstatus, string, rstring, hdr, fhdr",
        ),
        ("status", "`status` needs a pattern"),
        ("! string", "`string` needs a pattern"),
        (
            "status 2xx",
            "`2xx` is not a status code or a range of them, such as 200-399",
        ),
        (
            "status 300-200",
            "`300-200` is not a status code or a range of them, such as 200-399",
        ),
        ("rstring (", "`(` is not a regular expression"),
        (
            "hdr x-a",
            "after `hdr`, expected `name [-m METHOD] NAME [value [-m METHOD] VALUE]`, found `x-a`",
        ),
        (
            "hdr name -m glob x",
            "after `hdr`, expected `name [-m METHOD] NAME [value [-m METHOD] VALUE]`, found `-m glob`",
        ),
        ("hdr", "`hdr` needs a pattern"),
        ("string \"open", "a quote does not end"),
    ] {
        let refused = text.parse::<Expect>().expect_err(text);
        assert_eq!(refused.to_string(), error);
    }
}
