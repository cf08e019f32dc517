//! Laws that hold for any text and any input.

use proptest::prelude::*;

use super::{Input, Words, holds, scope, text};
use crate::condition::{Condition, Scope, Trace};

/// A condition in disjunctive form over names and anonymous tests.
#[derive(Debug, Clone)]
struct Term {
    bangs: usize,
    /// Index of a name, and whether it is written in braces instead.
    which: usize,
    anonymous: bool,
}

fn term() -> impl Strategy<Value = Term> {
    (0..4usize, 0..4usize, any::<bool>()).prop_map(|(bangs, which, anonymous)| Term {
        bangs,
        which,
        anonymous,
    })
}

/// The name `nX` holds where the input has the text `X`.
fn written(groups: &[Vec<Term>]) -> String {
    let term = |term: &Term| {
        let bangs = "!".repeat(term.bangs);
        if term.anonymous {
            format!("{bangs}{{ text {} }}", term.which)
        } else {
            format!("{bangs}n{}", term.which)
        }
    };
    let group = |group: &Vec<Term>| group.iter().map(term).collect::<Vec<_>>().join(" ");
    groups.iter().map(group).collect::<Vec<_>>().join(" || ")
}

proptest! {
    #[test]
    fn a_condition_is_its_model(
        groups in prop::collection::vec(prop::collection::vec(term(), 1..4), 1..4),
        present in prop::collection::vec(any::<bool>(), 4),
        unless in any::<bool>(),
    ) {
        let (scope, errors) = (0..4)
            .fold(Scope::builder(Words), |b, n| b.acl(&format!("n{n}"), &[format!("text {n}")]))
            .build();
        prop_assert!(errors.is_empty());
        let holds = |term: &Term| present[term.which] != (term.bangs % 2 == 1);
        let expected = groups.iter().any(|group| group.iter().all(holds)) != unless;

        let word = if unless { "unless" } else { "if" };
        let condition = scope.suffix(&format!("{word} {}", written(&groups))).unwrap();
        let input = Input {
            texts: (0..4).filter(|n| present[*n]).map(|n| n.to_string().into_bytes()).collect(),
            ..Input::default()
        };
        prop_assert_eq!(condition.eval(&input), expected);
        let mut trace = Trace::default();
        prop_assert_eq!(condition.eval_traced(&input, &mut trace), expected);
        prop_assert_eq!(trace.terms.len(), groups.iter().map(Vec::len).sum::<usize>());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,60}") {
        check(&text);
    }

    #[test]
    fn no_words_make_the_parser_panic(words in prop::collection::vec(prop::sample::select(PIECES), 0..14)) {
        check(&words.join(" "));
        check(&words.concat());
    }

    #[test]
    fn compiled_sets_match_like_single_patterns(
        matcher in prop::sample::select(&["str", "sub", "beg", "end", "dir", "dom", "len", "int", "ip"][..]),
        patterns in prop::collection::vec("[ab/.]{1,3}", 1..20),
        numbers in prop::collection::vec((0..30u32, 0..5u32), 1..20),
        ignore_case in any::<bool>(),
        sample in "[abAB/.]{0,6}",
        value in 0..40u32,
    ) {
        let flag = if ignore_case { "-i " } else { "" };
        let (patterns, sample) = match matcher {
            "len" | "int" => (numbers.iter().map(|(n, d)| format!("{n}:{}", n + d)).collect(), value.to_string()),
            "ip" => {
                let net = |(n, d): &(u32, u32)| format!("10.0.0.{n}/{}", 32 - d);
                (numbers.iter().map(net).collect(), format!("10.0.0.{value}"))
            }
            _ => (patterns, sample),
        };
        let input = text(&sample);
        let all = format!("text -m {matcher} {flag}-- {}", patterns.join(" "));
        let one = |pattern: &String| holds(&format!("text -m {matcher} {flag}-- {pattern}"), &input);
        let condition: Condition<_> = super::condition(&all);
        prop_assert_eq!(condition.eval(&input), patterns.iter().any(one), "{}", all);

        // The trace compares pattern by pattern, not with the compiled set.
        let mut trace = Trace::default();
        let verdict = condition.eval_traced(&input, &mut trace);
        prop_assert_eq!(trace.terms[0].tests[0].matched.is_some(), verdict, "{}", all);
    }
}

/// Words that mean something, so that random texts get past the first.
const PIECES: &[&str] = &[
    "{",
    "}",
    "!",
    "||",
    "or",
    "TRUE",
    "n",
    "text",
    "text_beg",
    "number",
    "src",
    "blob",
    "(",
    ")",
    "(a,b)",
    ",",
    "-i",
    "-f",
    "hosts.lst",
    "-m",
    "reg",
    "ip",
    "int",
    "dom",
    "--",
    "-u",
    "1",
    "10.0.0.0/8",
    "::/0",
    "1:2",
    "lt",
    "\"",
    "'",
    "\\",
    "\\x4",
    "é",
    "[",
    "#",
    "if",
    "unless",
    " ",
];

fn check(text: &str) {
    let scope = scope();
    for errors in [scope.condition(text).err(), scope.suffix(text).err()]
        .into_iter()
        .flatten()
    {
        assert!(!errors.is_empty());
        for error in errors {
            assert!(
                error.offset + error.len <= text.len(),
                "{text:?}: {error:?}"
            );
            assert!(text.is_char_boundary(error.offset), "{text:?}: {error:?}");
            assert!(
                text.is_char_boundary(error.offset + error.len),
                "{text:?}: {error:?}"
            );
        }
    }
    // Definitions take the same text; a name in it may be the one defined.
    drop(Scope::builder(Words).acl("n", &[text]).build());
}
