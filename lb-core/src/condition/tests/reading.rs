//! Words, operators, and where a condition starts.

use super::{Input, condition, holds, scope, text};
use crate::condition::{Trace, find_suffix, words};

/// HAProxy 2.6.12 was made to name each word back in an error message.
#[test]
fn words_are_unquoted_as_haproxy_does() {
    for (written, word) in [
        (r"a\.b", r"a\.b"),
        (r"a\\b", r"a\b"),
        (r"a\ b", "a b"),
        (r#""a b""#, "a b"),
        ("'a b'", "a b"),
        (r#""a\.b""#, r"a\.b"),
        (r"'a\.b'", r"a\.b"),
        (r#""a\\b""#, r"a\b"),
        (r"'a\\b'", r"a\\b"),
        (r#"\"a\""#, r#""a""#),
        (r"\'a\'", "'a'"),
        (r"a\x41b", "aAb"),
        (r#""a\x41b""#, "aAb"),
        (r"'a\x41b'", r"a\x41b"),
        (r"a\#b", "a#b"),
        (r##""a#b""##, "a#b"),
        (r#""a\$b""#, "a$b"),
        (r"a\$b", r"a\$b"),
        ("a$b", "a$b"),
        (r#""a\"b""#, r#"a"b"#),
        (r#""a'b""#, "a'b"),
        (r#"'a"b'"#, r#"a"b"#),
        (r#"a"b c"d"#, "ab cd"),
        (r#""\ ""#, " "),
        (r"a\{b", r"a\{b"),
        (r"a\|b", r"a\|b"),
        (r##""\#""##, "#"),
        (r#""a\qb""#, r"a\qb"),
        (r"a\nb", "a\nb"),
    ] {
        let words = words(written).unwrap();
        assert_eq!(words.len(), 1, "{written}");
        assert_eq!(words[0].value(), word.as_bytes(), "{written}");
        assert_eq!(words[0].span().len, written.len(), "{written}");
    }
}

#[test]
fn operators_bind_as_in_haproxy() {
    for (text, verdict) in [
        ("TRUE", true),
        ("!TRUE", false),
        ("!!TRUE", true),
        ("! ! TRUE", true),
        ("! !TRUE", true),
        ("TRUE FALSE", false),
        ("FALSE or TRUE", true),
        ("FALSE OR TRUE", true),
        ("FALSE || TRUE", true),
        ("TRUE FALSE || TRUE", true),
        ("FALSE || TRUE FALSE", false),
        ("!FALSE !FALSE", true),
        ("!{ always_true }", false),
        ("! { always_false } TRUE", true),
    ] {
        assert_eq!(holds(text, &Input::default()), verdict, "{text}");
    }
}

#[test]
fn a_suffix_says_if_or_unless() {
    let scope = scope();
    let eval = |text: &str| scope.suffix(text).unwrap().eval(&Input::default());
    assert!(eval("if TRUE"));
    assert!(!eval("unless TRUE"));
    assert!(eval("unless TRUE FALSE"));
    assert_eq!(scope.suffix("unless TRUE").unwrap().text(), "unless TRUE");
}

#[test]
fn a_condition_may_be_one_bare_test() {
    assert!(holds("text -i A", &text("a")));
    assert!(holds("text_beg a", &text("abc")));
    assert!(
        holds(r#"text "or" "||" "{""#, &text("||")),
        "quoted words are patterns"
    );
}

#[test]
fn braces_and_operators_are_patterns_when_quoted() {
    assert!(holds(r#"{ text "}" } TRUE"#, &text("}")));
    assert!(holds("{ text a} }", &text("a}")));
    assert!(holds("{ text -- -i }", &text("-i")));
    assert!(
        holds("{ text x -i }", &text("-i")),
        "flags end at the first pattern"
    );
}

#[test]
fn the_suffix_of_a_rule_is_found_outside_quotes() {
    let rule = r#"return status 200 string "what if" if TRUE"#;
    assert_eq!(find_suffix(rule), Ok(rule.rfind("if")));
    assert_eq!(find_suffix("deny unless x"), Ok(Some(5)));
    assert_eq!(find_suffix("deny"), Ok(None));
}

#[test]
fn a_trace_tells_what_was_seen_and_what_was_not_reached() {
    let condition =
        condition("{ text a b } !TRUE || { text_beg B -- } || { text_beg x b } || FALSE");
    let mut trace = Trace::default();
    assert!(condition.eval_traced(&text("b"), &mut trace));
    let terms: Vec<_> = trace.terms.iter().map(|t| (&*t.text, t.verdict)).collect();
    assert_eq!(
        terms,
        [
            ("{ text a b }", Some(true)),
            ("!TRUE", Some(false)),
            ("{ text_beg B -- }", Some(false)),
            ("{ text_beg x b }", Some(true)),
            ("FALSE", None),
        ]
    );
    let test = &trace.terms[3].tests[0];
    assert_eq!(test.text, "text_beg x b");
    assert_eq!(test.samples, ["b"]);
    assert_eq!(test.matched.as_deref(), Some("b"));
    assert!(test.verdict);
    assert!(trace.terms[4].tests.is_empty());
}

#[test]
fn a_trace_names_the_operator_and_escapes_bytes() {
    let mut trace = Trace::default();
    condition("number 1 lt 0").eval_traced(&super::number(-3), &mut trace);
    assert_eq!(trace.terms[0].tests[0].matched.as_deref(), Some("lt 0"));

    let mut trace = Trace::default();
    condition("text -m found").eval_traced(&text("a\u{1b}[0m"), &mut trace);
    assert_eq!(trace.terms[0].tests[0].samples, [r"a\x1b[0m"]);
    assert_eq!(trace.terms[0].tests[0].matched, None);
}
