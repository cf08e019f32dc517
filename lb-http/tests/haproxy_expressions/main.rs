//! The same expressions on the same requests and responses, here and in HAProxy.
//!
//! Needs HAProxy 2.6 (`apt-get install haproxy`).
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod haproxy;
mod here;

use haproxy::Haproxy;
use here::Here;

/// Reads a list; `>` starts what the lines after it stand under.
fn lines(text: &str) -> Vec<(&str, &str)> {
    let mut under = "";
    let mut all = Vec::new();
    for line in text.lines() {
        if let Some(request) = line.strip_prefix("> ") {
            under = request;
        } else if !line.is_empty() && !line.starts_with('#') {
            all.push((under, line));
        }
    }
    all
}

#[test]
fn expressions_on_requests_come_to_what_haproxy_says() {
    let cases = lines(include_str!("expressions.txt"));
    let expressions: Vec<&str> = cases.iter().map(|(_, expression)| *expression).collect();
    let haproxy = Haproxy::start(&expressions);
    let here = Here::new(&haproxy.directory);
    let mut wrong = Vec::new();
    for (at, (request, expression)) in cases.iter().enumerate() {
        let expected = haproxy.ask(at, request);
        let found = here.of_request(expression, request);
        if found != expected {
            wrong.push(format!(
                "{expression} of {request}: HAProxy says {expected:?}, here it is {found:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() > 400, "only {} were read", cases.len());
}

#[test]
fn expressions_on_responses_come_to_what_haproxy_says() {
    let cases = lines(include_str!("response.txt"));
    let expressions: Vec<&str> = cases.iter().map(|(_, expression)| *expression).collect();
    let haproxy = Haproxy::start_with_responses(&expressions);
    let here = Here::new(&haproxy.directory);
    let told = haproxy.responses(expressions.len());
    let mut wrong = Vec::new();
    for (expression, expected) in expressions.iter().zip(told) {
        let found = here.of_response(expression);
        if found != expected {
            wrong.push(format!(
                "{expression}: HAProxy says {expected:?}, here it is {found:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_haproxy_refuses_is_refused() {
    let haproxy = Haproxy::start(&["str(a)"]);
    let here = Here::new(&haproxy.directory);
    for (_, expression) in lines(include_str!("refused.txt")) {
        assert!(haproxy.refuses(expression), "HAProxy takes {expression}");
        assert!(here.refuses(expression), "{expression} is taken here");
    }
}
