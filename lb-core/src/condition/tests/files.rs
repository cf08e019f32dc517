//! Files of patterns that change under conditions.

use std::sync::Arc;

use super::{Words, text};
use crate::condition::{PatternFiles, Scope};

fn scope(patterns: &Arc<PatternFiles>) -> Scope<Words> {
    let (scope, errors) = Scope::builder(Words)
        .patterns(Arc::clone(patterns))
        .files(|name| match name {
            "hosts" => Ok(b"# of ours\na.example\n\n  b.example\r\n".to_vec()),
            "nets" => Ok(b"10.0.0.0/8\n".to_vec()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        })
        .build();
    assert!(errors.is_empty());
    scope
}

#[test]
fn a_change_is_seen_by_all_that_name_the_file() {
    let patterns = Arc::default();
    let (one, other) = (scope(&patterns), scope(&patterns));
    let same = one.condition("text -i -f hosts more.example").unwrap();
    let ends = other.condition("text_end -f hosts").unwrap();
    assert!(same.eval(&text("A.example")) && same.eval(&text("more.example")));
    assert!(!same.eval(&text("c.example")) && !ends.eval(&text("www.c.example")));

    let file = patterns.find("hosts").expect("it has been named");
    let lines: Vec<_> = file.entries().iter().map(|entry| entry.line).collect();
    assert_eq!(lines, [Some(2), Some(4)]);
    file.add("c.example").unwrap();
    assert!(same.eval(&text("C.example")) && ends.eval(&text("www.c.example")));

    assert_eq!(file.delete(|entry| &*entry.text == b"a.example"), 1);
    assert!(!same.eval(&text("a.example")) && same.eval(&text("b.example")));
    assert_eq!(file.delete(|_| true), 2);
    assert!(!ends.eval(&text("b.example")) && same.eval(&text("more.example")));
    assert_eq!(file.delete(|_| true), 0);
}

#[test]
fn a_pattern_that_is_none_to_a_test_is_not_added() {
    let patterns = Arc::default();
    let scope = scope(&patterns);
    let condition = scope.condition("text -m ip -f nets").unwrap();
    let file = patterns.find("nets").unwrap();
    assert!(file.add("nonsense").is_err());
    assert_eq!(file.entries().len(), 1);
    file.add("192.0.2.0/24").unwrap();
    assert!(condition.eval(&text("192.0.2.9")) && condition.eval(&text("10.1.1.1")));
}

#[test]
fn a_version_is_seen_when_it_is_committed() {
    let patterns = Arc::default();
    let scope = scope(&patterns);
    let nets = scope.condition("text -m ip -f nets").unwrap();
    let file = patterns.find("nets").unwrap();
    assert_eq!(file.prepare(), 1);
    file.add_to(1, "192.0.2.0/24").unwrap();
    assert!(file.add_to(1, "nonsense").is_err() && file.add_to(2, "192.0.2.1").is_err());
    file.add_to(0, "198.51.100.0/24").unwrap();
    assert!(!nets.eval(&text("192.0.2.9")) && nets.eval(&text("198.51.100.9")));
    assert_eq!(file.versions(), (0, 1, 3));
    assert_eq!(file.entries_of(1).unwrap().len(), 1);
    let found = file.matching("10.1.2.3");
    assert_eq!((found.len(), found[0].method), (1, "ip"));
    assert_eq!(found[0].pattern.as_deref(), Some("10.0.0.0/8"));

    file.commit(1).unwrap();
    assert!(nets.eval(&text("192.0.2.9")) && !nets.eval(&text("10.1.2.3")));
    assert!(file.commit(1).is_err() && file.entries_of(0).is_err());
    file.clear(1).unwrap();
    assert!(!nets.eval(&text("192.0.2.9")));
}

#[test]
fn a_trace_tells_the_line_that_matched() {
    let scope = scope(&Arc::default());
    let condition = scope.condition("text_end -f hosts x").unwrap();
    let mut trace = crate::condition::Trace::default();
    assert!(condition.eval_traced(&text("www.b.example"), &mut trace));
    assert_eq!(
        trace.terms[0].tests[0].matched.as_deref(),
        Some("b.example")
    );
}
