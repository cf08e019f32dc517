//! Rules: what they do, and what is wrong with those that are not.

use http::{Request, StatusCode};
use lb_core::condition::Scope;

use super::{RequestRules, Verdict};
use crate::{exchange::Failure, fetch::HttpVocabulary, page::Pages, transaction::Transaction};

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
    let rules = [
        "dney if old",
        "deny deny_status 99",
        "deny deny_status",
        "deny now if { path / }",
        "allow if nothing { pth / }",
    ];
    let errors = compile(&rules).unwrap_err();
    assert_eq!(
        errors,
        [
            "dney: there is no action `dney` on requests",
            "99: expected a status, a number from 200 to 599",
            ": expected a status here",
            "now: `now` is not expected here",
            "nothing: no acl is named `nothing`",
            "pth: there is no fetch `pth`",
        ]
    );
}
