//! Named conditions.

use super::{Input, Words, text};
use crate::condition::{AclError, Scope};

fn build(definitions: &[(&str, &[&str])]) -> (Scope<Words>, Vec<AclError>) {
    definitions
        .iter()
        .fold(Scope::builder(Words), |builder, (name, texts)| {
            builder.acl(name, texts)
        })
        .build()
}

#[test]
fn any_alternative_makes_a_name_hold() {
    let (scope, errors) = build(&[("x", &["text a", "text b"]), ("y", &["text_beg c"])]);
    assert!(errors.is_empty());
    let condition = scope.suffix("if x || y").unwrap();
    for (given, verdict) in [("a", true), ("b", true), ("cd", true), ("d", false)] {
        assert_eq!(condition.eval(&text(given)), verdict, "{given}");
    }
}

#[test]
fn a_name_defined_twice_has_the_alternatives_of_both() {
    let (scope, errors) = Scope::builder(Words)
        .acl("x", &["text a"])
        .acl("x", &["text b"])
        .build();
    assert!(errors.is_empty());
    let condition = scope.suffix("if x").unwrap();
    assert!(condition.eval(&text("a")) && condition.eval(&text("b")));
}

#[test]
fn a_definition_may_combine_names_defined_anywhere() {
    let (scope, errors) = build(&[
        ("a_first", &["z_last !middle"]),
        ("middle", &["{ text_end x } || FALSE"]),
        ("z_last", &["text_beg a"]),
    ]);
    assert!(errors.is_empty(), "{errors:?}");
    let condition = scope.suffix("if a_first").unwrap();
    assert!(condition.eval(&text("ab")));
    assert!(!condition.eval(&text("ax")));
    assert!(!condition.eval(&text("b")));
}

#[test]
fn a_name_may_hide_a_predefined_one() {
    let (scope, errors) = build(&[("TRUE", &["always_false"])]);
    assert!(errors.is_empty());
    assert!(!scope.suffix("if TRUE").unwrap().eval(&Input::default()));
}

#[test]
fn a_circle_is_reported_where_it_closes() {
    let (_, errors) = build(&[("a", &["b TRUE"]), ("b", &["TRUE !c"]), ("c", &["a"])]);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!((&*errors[0].name, errors[0].alternative), ("c", Some(0)));
    let message = &errors[0].source.message;
    assert_eq!(
        message,
        "the definition is circular: `a` uses `b` uses `c` uses `a`"
    );
    assert_eq!((errors[0].source.offset, errors[0].source.len), (0, 1));
}

#[test]
fn a_name_may_be_a_fetch_too_and_is_the_fetch_in_a_definition() {
    let (scope, errors) = build(&[("text", &["text a"])]);
    assert!(errors.is_empty(), "{errors:?}");
    assert!(scope.suffix("if text").unwrap().eval(&text("a")));
}

#[test]
fn a_chain_too_long_is_an_error_and_no_overflow() {
    let names: Vec<_> = (0..5000).map(|n| format!("n{n:04}")).collect();
    let builder = names
        .windows(2)
        .fold(Scope::builder(Words), |builder, pair| {
            builder.acl(&pair[0], &[format!("{} TRUE", pair[1])])
        });
    let (_, errors) = builder.acl("n4999", &["always_true"]).build();
    assert!(
        errors
            .iter()
            .any(|e| e.source.message.contains("too deeply"))
    );
}

#[test]
fn every_mistake_is_reported_and_a_wrong_name_stays_known() {
    let (scope, errors) = build(&[
        ("a", &["txet x", "text x", "number y"]),
        ("b", &["nope || also_nope"]),
        ("bad name", &["text x"]),
        ("or", &["text x"]),
    ]);
    let found: Vec<_> = errors
        .iter()
        .map(|e| (&*e.name, e.alternative, e.source.offset, e.source.len))
        .collect();
    assert_eq!(
        found,
        [
            ("bad name", None, 0, 8),
            ("or", None, 0, 2),
            ("a", Some(0), 0, 4),
            ("a", Some(2), 7, 1),
            ("b", Some(0), 0, 4),
        ]
    );
    assert!(
        scope.suffix("if a").is_ok(),
        "its definition has been reported"
    );
}
