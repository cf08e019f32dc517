//! What outlives a rule: variables of all scopes, and what is said of the connection.

use std::{net::SocketAddr, time::Duration};

use super::*;
use crate::{Client, fetch::View, proxy::Overrides};

/// Applies the rules to a request of `client`, and gives it back with what they have kept.
fn apply(rules: &RequestRules, client: &Client, x: &str) -> (Request<()>, Transaction) {
    let request = Request::get("/p").header("x", x).extension(client.clone());
    let (mut request, mut kept) = (request.body(()).unwrap(), Transaction::new());
    let verdict = rules.apply(&mut request, &mut kept, &Pages::default());
    assert!(matches!(verdict, Verdict::Pass), "{verdict:?}");
    (request, kept)
}

fn client() -> Client {
    Client::new(address("192.0.2.1:1234"), address("192.0.2.9:80"))
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn header(request: &Request<()>, name: &str) -> String {
    let value = request.headers().get(name).map(|value| value.as_bytes());
    String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
}

#[test]
fn a_variable_of_a_connection_is_seen_by_its_later_requests_only() {
    let rules = ["set-header seen %[var(sess.x)]", "set-var(sess.x) hdr(x)"];
    let rules = compile(&rules).unwrap();
    let (one, other) = (client(), client());
    let seen = |client, x| header(&apply(&rules, client, x).0, "seen");
    assert_eq!(seen(&one, "a"), "");
    assert_eq!(seen(&one, "b"), "a");
    assert_eq!(seen(&other, "c"), "");
    assert_eq!(seen(&one, "d"), "b");
}

#[test]
fn a_variable_of_the_process_is_seen_by_all() {
    let rules = ["set-header seen %[var(proc.x)]", "set-var(proc.x) hdr(x)"];
    let rules = compile(&rules).unwrap();
    let seen = |x| header(&apply(&rules, &client(), x).0, "seen");
    assert_eq!(seen("a"), "");
    assert_eq!(seen("b"), "a");
    assert_eq!(seen("c"), "b");
}

/// A connection may meet another configuration, whose variables are others.
#[test]
fn variables_of_two_configurations_are_apart() {
    let client = client();
    apply(&compile(&["set-var(sess.a) str(a)"]).unwrap(), &client, "");
    let other = compile(&["set-header seen %[var(sess.b)]"]).unwrap();
    assert_eq!(header(&apply(&other, &client, "").0, "seen"), "");
}

#[test]
fn conditions_of_a_variable_are_haproxys() {
    for (rule, before, kept) in [
        ("ifexists", None, None),
        ("ifexists", Some("5"), Some("7")),
        ("ifnotexists", None, Some("7")),
        ("ifnotexists", Some("5"), Some("5")),
        ("ifempty", Some("5"), Some("5")),
        ("ifnotempty", None, Some("7")),
        ("ifset", None, None),
        ("ifset", Some("5"), Some("7")),
        ("ifnotset", None, Some("7")),
        ("ifnotset", Some("5"), Some("5")),
        ("ifgt", Some("9"), Some("7")),
        ("ifgt", Some("5"), Some("5")),
        ("iflt", Some("9"), Some("9")),
        ("iflt", Some("5"), Some("7")),
        ("iflt,ifnotset", Some("5"), Some("5")),
    ] {
        let before = before.map(|number| format!("set-var(txn.x) int({number})"));
        let rule = format!("set-var(txn.x,{rule}) int(7)");
        let texts: Vec<_> = before.as_deref().into_iter().chain([&*rule]).collect();
        let last = ["set-header seen %[var(txn.x)]"];
        let rules = compile(&[&texts[..], &last].concat()).unwrap();
        let seen = header(&apply(&rules, &client(), "").0, "seen");
        assert_eq!(seen, kept.unwrap_or_default(), "{texts:?}");
    }
}

/// Observed: each end keeps what is not stated, a text counts by the address that it begins with, and the next
/// request on the connection has its own ends again.
#[test]
fn ends_that_are_stated_hold_for_one_request() {
    let rules = [
        "set-src hdr(x)",
        "set-dst-port int(8443)",
        "set-header seen \"%[src]:%[src_port] %[dst]:%[dst_port]\"",
    ];
    let rules = compile(&rules).unwrap();
    let client = client();
    for (x, seen) in [
        ("198.51.100.7", "198.51.100.7:1234 192.0.2.9:8443"),
        ("198.51.100.7:80", "198.51.100.7:1234 192.0.2.9:8443"),
        ("2001:db8::7", "2001:db8::7:1234 192.0.2.9:8443"),
        ("nobody", "192.0.2.1:1234 192.0.2.9:8443"),
    ] {
        let (request, _) = apply(&rules, &client, x);
        assert_eq!(header(&request, "seen"), seen);
        let stated: &Client = request.extensions().get().unwrap();
        assert_eq!(stated.local().inet(), Some(address("192.0.2.9:8443")));
        assert_eq!(View::of(&request).source(), stated.peer().inet());
    }
    assert_eq!(client.peer().inet(), Some(address("192.0.2.1:1234")));
}

#[test]
fn ports_and_destinations_are_stated_likewise() {
    let rules = [
        "set-src-port hdr(x)",
        "set-dst str(2001:db8::9)",
        "set-header seen \"%[src]:%[src_port] %[dst]:%[dst_port]\"",
    ];
    let rules = compile(&rules).unwrap();
    for (x, seen) in [
        ("77", "192.0.2.1:77 2001:db8::9:80"),
        // HAProxy takes the lower 16 bits.
        ("65536", "192.0.2.1:1234 2001:db8::9:80"),
    ] {
        assert_eq!(header(&apply(&rules, &client(), x).0, "seen"), seen);
    }
}

#[test]
fn time_outs_of_one_request() {
    let rules = [
        "set-timeout server 3s",
        "set-timeout tunnel hdr(x),mul(10)",
        "set-timeout client 2m",
        "disable-l7-retry if { hdr(x) 5 }",
    ];
    let rules = compile(&rules).unwrap();
    let client = client();
    let overrides = |x| {
        let (request, _) = apply(&rules, &client, x);
        request.extensions().get::<Overrides>().copied().unwrap()
    };
    let expected = |tunnel, no_resend| Overrides {
        server: Some(Duration::from_secs(3)),
        tunnel,
        no_resend,
    };
    let tunnel = Some(Duration::from_millis(50));
    assert_eq!(overrides("5"), expected(tunnel, true));
    assert_eq!(overrides("-1"), expected(None, false));
    assert_eq!(client.timeout(), Some(Duration::from_secs(120)));
}

/// An app's layer cannot wait, and says so.
#[test]
fn nobody_waits_for_a_body_who_has_not_said_so() {
    let rule = "wait-for-body time 1s";
    let message = "wait-for-body: nothing waits for the bodies of these requests";
    assert_eq!(compile(&[rule]).unwrap_err(), [message]);
    let (scope, _) = Scope::builder(HttpVocabulary::default()).build();
    let rules = ["set-method PUT", rule, "deny"];
    let rules = RequestRules::compile_in(&rules, &scope, Section::new("f").waits()).unwrap();
    let mut request = Request::get("/").body(()).unwrap();
    let (mut kept, pages) = (Transaction::new(), Pages::default());
    let Verdict::Wait(wait) = rules.apply(&mut request, &mut kept, &pages) else {
        panic!("it does not wait");
    };
    assert_eq!((wait.time, wait.at_least), (Duration::from_secs(1), None));
    assert_eq!(request.method(), "PUT");
    let verdict = rules.resume(&wait, &mut request, &mut kept, &pages);
    assert!(matches!(verdict, Verdict::Answer(_)), "{verdict:?}");
}

#[test]
fn mistakes_in_these_rules_are_told_with_their_place() {
    for (rule, error) in [
        (
            "set-src",
            ": expected an expression, as `hdr(x-real-ip)` here",
        ),
        (
            "set-src dst_port",
            "dst_port: `set-src` needs a sample of type address, and this is of type integer",
        ),
        (
            "set-dst-port src",
            "src: `set-dst-port` needs a sample of type integer, and this is of type address",
        ),
        (
            "set-timeout sever 5s",
            "sever: there is no time-out `sever` of a request",
        ),
        ("set-timeout server 5x", "5x: `5x` is no time"),
        ("set-timeout server 0", "0: `0` is not between 1us and 24d"),
        (
            "set-timeout server 25d",
            "25d: `25d` is not between 1us and 24d",
        ),
        (
            "set-timeout server src",
            "src: a time is a number, and this is of type address",
        ),
        (
            "set-var(txn.a,ifsett) src",
            "ifsett: there is no condition `ifsett` of a variable",
        ),
        ("disable-l7-retry now", "now: `now` is not expected here"),
    ] {
        assert_eq!(compile(&[rule]).unwrap_err(), [error], "{rule}");
    }
}
