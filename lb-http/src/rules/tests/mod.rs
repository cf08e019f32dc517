//! Rules: what they do, and what is wrong with those that are not.

mod kept;
mod mutated;

use std::sync::Arc;

use http::{Request, StatusCode};
use lb_core::condition::Scope;
use proptest::prelude::*;

use super::{RequestRules, Section, Verdict};
use crate::{
    exchange::Failure,
    fetch::{HttpVocabulary, Place, Registry},
    page::Pages,
    transaction::{LogLevel, Slot, Transaction, VariableScope},
};

fn compile(texts: &[&str]) -> Result<RequestRules, Vec<String>> {
    let (scope, _) = Scope::builder(HttpVocabulary::default())
        .acl("old", &["path_beg /old"])
        .build();
    RequestRules::compile(texts, &scope).map_err(|errors| {
        let line = |error: &super::RuleError| {
            let (text, source) = (texts[error.rule], &error.source);
            let words = &text[source.offset..source.offset + source.len];
            format!("{words}: {}", source.message)
        };
        errors.iter().map(line).collect()
    })
}

fn verdict(texts: &[&str], uri: &str) -> Verdict {
    let mut request = Request::get(uri).body(()).unwrap();
    let rules = compile(texts).unwrap();
    rules.apply(&mut request, &mut Transaction::new(), &Pages::default())
}

#[test]
fn the_first_rule_that_ends_the_matter_does() {
    let rules = [
        "allow if { path /old/x }",
        "deny if old",
        "tarpit unless { path / }",
    ];
    assert!(matches!(verdict(&rules, "/old/x"), Verdict::Pass));
    assert!(matches!(verdict(&rules, "/"), Verdict::Pass));
    match verdict(&rules, "/old/y") {
        Verdict::Answer(answer) => {
            assert_eq!(answer.response.status(), StatusCode::FORBIDDEN);
            assert_eq!(answer.failure, Failure::Denied);
        }
        other => panic!("{other:?}"),
    }
    match verdict(&rules, "/new") {
        Verdict::Tarpit(answer) => assert_eq!(answer.response.status(), 500),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_mistake_is_told_with_its_place() {
    for (rule, error) in [
        ("dney if old", "dney: there is no action `dney` on requests"),
        (
            "set-status 200",
            "set-status: there is no action `set-status` on requests",
        ),
        (
            "set-nice 1",
            "set-nice: `set-nice` is HAProxy's, and not built yet",
        ),
        (
            "set-nice 5",
            "set-nice: `set-nice` is HAProxy's, and not built yet",
        ),
        (
            "deny deny_status 99",
            "99: expected a status, a number from 200 to 599",
        ),
        ("deny deny_status", ": expected a status here"),
        (
            "deny deny_status 418",
            "418: there is no error page for 418",
        ),
        ("deny now if { path / }", "now: `now` is not expected here"),
        (
            "allow if nothing { path / }",
            "nothing: no acl is named `nothing`",
        ),
        ("allow if { pth / }", "pth: there is no fetch `pth`"),
        (
            "return string a",
            "string: the content needs a `content-type`",
        ),
        (
            "return content-type a",
            "content-type: there is no content that this could be the type of",
        ),
        (
            "return content-type a string b file c",
            "file: there is a content already",
        ),
        (
            "return status 204 content-type a string b",
            "string: a response with status 204 has no content",
        ),
        (
            "return hdr content-type a",
            "content-type: the word for this is `content-type`",
        ),
        (
            "return hdr content-length 1",
            "content-length: `content-length` is written by lb alone",
        ),
        (
            "return default-errorfiles hdr a b",
            "default-errorfiles: an error page has its own headers",
        ),
        (
            "redirect",
            "redirect: expected `location`, `prefix` or `scheme` and a text",
        ),
        (
            "redirect location /a prefix /b",
            "prefix: a redirect has one of `location`, `prefix` and `scheme`",
        ),
        (
            "redirect location /a code 304",
            "304: a redirect has the status 301, 302, 303, 307 or 308",
        ),
        (
            "redirect location /a keep-query",
            "keep-query: `keep-query` is of later versions of HAProxy, and not built yet",
        ),
        (
            "redirect location /a drop-query",
            "drop-query: `location` is taken as it is",
        ),
        (
            "redirect location /a set-cookie A clear-cookie B",
            "clear-cookie: a redirect has one cookie",
        ),
        ("redirect location %[pth]", "pth: there is no fetch `pth`"),
        (
            "redirect location /%Tr",
            "/%Tr: `%Tr` is of log lines: it is not known yet",
        ),
        ("set-header x", ": expected a value here"),
        ("set-header x \"\"", "\"\": expected a value, not nothing"),
        ("set-header x y z", "z: `z` is not expected here"),
        (
            "set-header a:b c",
            "a:b: `a:b` cannot be the name of a header",
        ),
        (
            "set-header connection close",
            "connection: `connection` is written by lb alone",
        ),
        (
            "set-header Upgrade x",
            "Upgrade: `upgrade` is written by lb alone",
        ),
        (
            "del-header transfer-encoding",
            "transfer-encoding: `transfer-encoding` is written by lb alone",
        ),
        ("add-header host b", "host: a request has one `host`"),
        ("del-header x -m dom", "dom: `dom` does not match names"),
        ("replace-header x ( y", "(: `(`: unclosed group"),
        ("set-path relative", "relative: a path begins with `/`"),
        ("set-uri a/b", "a/b: this is no request target"),
        (
            "set-uri http://user@a/b",
            "http://user@a/b: this is no request target",
        ),
        (
            "set-method \"A B\"",
            "\"A B\": this is no method that a request can be given",
        ),
        (
            "set-method CONNECT",
            "CONNECT: this is no method that a request can be given",
        ),
        ("set-var(a) src", "a: `a` names no variable"),
        ("set-var(foo.a) src", "foo.a: there is no scope `foo`"),
        (
            "set-var src",
            "set-var: `set-var` needs a variable, as `txn.user`",
        ),
        (
            "set-var(res.a) src",
            "res.a: variables of `res` begin with the response",
        ),
        ("set-var(txn.a) scr", "scr: there is no fetch `scr`"),
        (
            "capture hdr(x)",
            "hdr(x): expected `len N` or `id N` after the expression",
        ),
        (
            "capture hdr(x) len 0",
            "0: expected a length, a number from 1 to 65535",
        ),
        (
            "capture hdr(x) id 1",
            "1: there is no slot 1 to capture into",
        ),
        ("set-log-level loud", "loud: `loud` is no level of a log"),
        ("strict-mode maybe", "maybe: expected `on` or `off`"),
        (
            "return errorfile /none/there",
            "/none/there: cannot read `/none/there`: No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(compile(&[rule]).unwrap_err(), [error], "{rule}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let rules = ["dney if old", "deny deny_status 99 if { pth / }", "allow"];
    let errors = compile(&rules).unwrap_err();
    assert_eq!(errors.len(), 3, "{errors:?}");
}

#[test]
fn what_is_kept_is_there_for_whoever_comes_later() {
    let rules = [
        "set-var(txn.path) path",
        "set-var(txn.path) hdr(none)",
        "set-var-fmt(req.line) \"%HM of %[path]\"",
        "capture hdr(x) len 3",
        "capture hdr(y) len 9",
        "set-log-level silent",
        "set-var(txn.gone) path",
        "unset-var(txn.gone)",
    ];
    let registry = Arc::new(Registry::new());
    let vocabulary = HttpVocabulary::new(Place::Request, Arc::clone(&registry));
    let (scope, _) = Scope::builder(vocabulary).build();
    let rules = RequestRules::compile(&rules, &scope).unwrap();
    assert_eq!(rules.captures(), 2);
    let mut request = Request::get("/p").header("x", "abcd").body(()).unwrap();
    let mut kept = Transaction::new();
    let verdict = rules.apply(&mut request, &mut kept, &Pages::default());
    assert!(matches!(verdict, Verdict::Pass));
    let value = |scope, name| {
        let value = kept.variable(&registry.variable(scope, name));
        value.map(|value| value.as_sample().to_string())
    };
    assert_eq!(value(VariableScope::Transaction, "path").unwrap(), "/p");
    assert_eq!(value(VariableScope::Request, "line").unwrap(), "GET of /p");
    assert_eq!(value(VariableScope::Transaction, "gone"), None);
    assert_eq!(kept.captures.find(Slot::Request(0)), Some(&b"abc"[..]));
    assert_eq!(kept.captures.find(Slot::Request(1)), None);
    assert_eq!(kept.log_level, Some(LogLevel::Silent));
}

#[test]
fn a_rule_sees_what_those_before_it_have_made() {
    let rules = [
        "set-path /new if old",
        "set-header x %[path]",
        "deny unless { path /new } { hdr(x) /new }",
    ];
    assert!(matches!(verdict(&rules, "/old/a"), Verdict::Pass));
    assert!(matches!(verdict(&rules, "/other"), Verdict::Answer(_)));
}

#[test]
fn slots_of_rules_follow_those_that_are_declared() {
    let (scope, _) = Scope::builder(HttpVocabulary::default()).build();
    let section = Section::new("f").captures(&[2, 5], &[]);
    let rules = ["capture hdr(x) len 9", "capture hdr(x) id 0"];
    let rules = RequestRules::compile_in(&rules, &scope, section).unwrap();
    let mut request = Request::get("/").header("x", "abcd").body(()).unwrap();
    let mut kept = Transaction::new();
    rules.apply(&mut request, &mut kept, &Pages::default());
    assert_eq!(kept.captures.find(Slot::Request(0)), Some(&b"ab"[..]));
    assert_eq!(kept.captures.find(Slot::Request(2)), Some(&b"abcd"[..]));
    let backend = Section::new("b").foreign_captures();
    assert!(RequestRules::compile_in(&["capture hdr(x) len 9"], &scope, backend).is_err());
    assert!(RequestRules::compile_in(&["capture hdr(x) id 7"], &scope, backend).is_ok());
}

#[test]
fn a_trace_tells_of_every_rule() {
    let rules = [
        "set-header x %[path]",
        "deny if old",
        "redirect location /there unless { path /here }",
        "allow",
    ];
    let rules = compile(&rules).unwrap();
    let mut request = Request::get("/a").body(()).unwrap();
    let mut traces = Vec::new();
    let pages = Pages::default();
    rules.apply_traced(&mut request, &mut Transaction::new(), &pages, &mut traces);
    let told: Vec<_> = traces.iter().map(|t| (t.holds, t.done.as_str())).collect();
    assert_eq!(
        told,
        [
            (Some(true), "x: /a"),
            (Some(false), ""),
            (Some(true), "302 Found, /there"),
            (None, ""),
        ]
    );
    assert_eq!(traces[1].condition.terms.len(), 1);
}

proptest! {
    #[test]
    fn nothing_panics(
        action in proptest::sample::select(NAMES.to_vec()),
        rest in "[ -~]{0,30}",
        uri in "/[a-z?%]{0,6}",
    ) {
        if let Ok(rules) = compile(&[&format!("{action} {rest}")]) {
            let mut request = Request::get(uri).header("x", "a, b").body(()).unwrap();
            let _ = rules.apply(&mut request, &mut Transaction::new(), &Pages::default());
            let target = request.uri().path_and_query();
            prop_assert!(target.is_none_or(|t| t.as_str().starts_with('/')));
        }
    }
}

const NAMES: &[&str] = &[
    "add-header",
    "auth",
    "capture",
    "del-header",
    "deny",
    "redirect",
    "replace-header x",
    "replace-path",
    "replace-uri .",
    "replace-value x .",
    "return",
    "set-header x",
    "set-method",
    "set-path",
    "set-pathq",
    "set-query",
    "set-uri",
    "set-var(txn.a)",
    "set-var-fmt(txn.a)",
];
