//! The first of many conditions that holds, without trying them one by one.
//!
//! A long list of `use_backend` is mostly one comparison again and again: `{ hdr(host) -i a.example }`. Neighbours that
//! compare one sample with texts become one look-up, so that a thousand cost as one. The order stays: whatever is no
//! such comparison parts those before it from those behind it.

use std::collections::HashMap;

use lb_core::condition::{Condition, Equality, Fetch as _};
use smallvec::SmallVec;

use crate::fetch::{HttpExpr, View};

/// Fewer than this are tried one by one, which is then as fast.
const FEW: usize = 4;

/// Fetches that always give the same samples of one request: one evaluation stands for many.
const STEADY: &[&str] = &[
    "base",
    "baseq",
    "cook",
    "hdr",
    "method",
    "path",
    "pathq",
    "query",
    "req.cook",
    "req.fhdr",
    "req.hdr",
    "src",
    "dst",
    "url",
    "url_param",
    "urlp",
];

/// A condition, with `true` if it is one of `unless`; `None` always holds.
type Entry = Option<(bool, Condition<HttpExpr>)>;

/// A list of conditions, arranged for [`Router::first`].
#[derive(Debug)]
pub struct Router {
    conditions: Box<[Entry]>,
    steps: Box<[Step]>,
}

#[derive(Debug)]
enum Step {
    /// The condition at this place.
    One(usize),
    /// Any of a row of comparisons.
    Map(Box<Map>),
}

/// Which place a text leads to.
#[derive(Debug)]
struct Map {
    fetch: HttpExpr,
    exact: HashMap<Box<[u8]>, usize, ahash::RandomState>,
    /// In lower case.
    caseless: HashMap<Box<[u8]>, usize, ahash::RandomState>,
}

impl Router {
    /// Takes conditions in their order, each with `true` if it is one of `unless`; `None` always holds.
    pub fn new(conditions: impl IntoIterator<Item = Option<(bool, Condition<HttpExpr>)>>) -> Self {
        let conditions: Box<[_]> = conditions.into_iter().collect();
        let mut steps = Vec::new();
        let mut row: Vec<(usize, Equality<'_, HttpExpr>)> = Vec::new();
        for (at, condition) in conditions.iter().enumerate() {
            let equality = match condition {
                Some((false, condition)) => condition.as_equality(),
                _ => None,
            };
            let equality = equality.filter(|equality| is_steady(equality.name));
            let goes_on = |equality: &Equality<'_, HttpExpr>| {
                row.first()
                    .is_none_or(|(_, first)| first.name == equality.name)
            };
            if !equality.as_ref().is_some_and(goes_on) {
                end(&mut row, &mut steps);
            }
            match equality {
                Some(equality) => row.push((at, equality)),
                None => steps.push(Step::One(at)),
            }
        }
        end(&mut row, &mut steps);
        Self {
            steps: steps.into(),
            conditions,
        }
    }

    /// The place of the first condition that holds.
    #[must_use]
    pub fn first(&self, view: &View<'_>) -> Option<usize> {
        self.steps.iter().find_map(|step| match step {
            Step::One(at) => {
                let condition = self.conditions[*at].as_ref();
                let holds = condition.is_none_or(|(unless, c)| c.eval(view) != *unless);
                holds.then_some(*at)
            }
            Step::Map(map) => map.first(view),
        })
    }

    /// There are no conditions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }
}

/// Ends a row of comparisons.
fn end(row: &mut Vec<(usize, Equality<'_, HttpExpr>)>, steps: &mut Vec<Step>) {
    let row = std::mem::take(row);
    match row.first() {
        Some((_, first)) if row.len() >= FEW => {
            let mut map = Map {
                fetch: first.fetch.clone(),
                exact: HashMap::default(),
                caseless: HashMap::default(),
            };
            for (at, equality) in &row {
                for (text, ignore_case) in &equality.texts {
                    let (texts, text) = match ignore_case {
                        true => (&mut map.caseless, text.to_ascii_lowercase()),
                        false => (&mut map.exact, text.to_vec()),
                    };
                    // Of equal ones the first counts.
                    texts.entry(text.into()).or_insert(*at);
                }
            }
            steps.push(Step::Map(Box::new(map)));
        }
        _ => steps.extend(row.iter().map(|(at, _)| Step::One(*at))),
    }
}

fn is_steady(name: &str) -> bool {
    let of_fetch = name.split(['(', ',']).next().unwrap_or_default();
    let of_fetch = of_fetch.strip_suffix("_str").unwrap_or(of_fetch);
    // Converters may keep or draw.
    STEADY.contains(&of_fetch)
        && !["-var", "table_", "in_table", "map", "rand"]
            .iter()
            .any(|word| name.contains(word))
}

impl Map {
    fn first(&self, view: &View<'_>) -> Option<usize> {
        let mut first: Option<usize> = None;
        self.fetch.each(view, &mut |sample| {
            let found = sample.with_text(|text| self.find(text));
            first = match (first, found) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            false
        });
        first
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        let exact = self.exact.get(text).copied();
        if self.caseless.is_empty() {
            return exact;
        }
        // A host's name has at most 253 bytes.
        let mut lower: SmallVec<[u8; 256]> = SmallVec::from_slice(text);
        lower.make_ascii_lowercase();
        let caseless = self.caseless.get(&*lower).copied();
        match (exact, caseless) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use lb_core::condition::Scope;
    use proptest::prelude::*;

    use super::*;
    use crate::fetch::HttpVocabulary;

    fn conditions(texts: &[impl AsRef<str>]) -> Vec<Entry> {
        let (scope, errors) = Scope::builder(HttpVocabulary::default())
            .acl("a", &["hdr(host) -i a.example"])
            .acl(
                "many",
                &["hdr(host) b.example", "hdr(host) -i c.example D.example"],
            )
            .acl("mixed", &["hdr(host) b.example", "path /x"])
            .build();
        assert!(errors.is_empty());
        let compile = |text: &str| match text.strip_prefix("unless ") {
            _ if text.is_empty() => None,
            Some(text) => Some((true, scope.terms(text).unwrap())),
            None => Some((false, scope.terms(text).unwrap())),
        };
        texts.iter().map(|text| compile(text.as_ref())).collect()
    }

    #[test]
    fn a_thousand_comparisons_are_one_step() {
        let texts: Vec<_> = (0..1000)
            .map(|n| format!("{{ hdr(host) -i h{n}.example }}"))
            .collect();
        let router = Router::new(conditions(&texts));
        assert_eq!(router.steps.len(), 1);
        let request = Request::get("/")
            .header("host", "H678.Example")
            .body(())
            .unwrap();
        assert_eq!(router.first(&View::of(&request)), Some(678));
    }

    #[test]
    fn what_is_no_comparison_parts_those_around_it() {
        let same = "{ hdr(host) -i a.example }";
        let steps = |texts: &[&str]| Router::new(conditions(texts)).steps.len();
        assert_eq!(steps(&[same, same, same, same]), 1);
        assert_eq!(steps(&["a", "many", same, "many || a"]), 1);
        assert_eq!(
            steps(&["a", "a", "a", "a", "{ path /x }", "a", "a", "a", "a"]),
            3
        );
        assert_eq!(steps(&["a", "a", "a", "a", "", "a", "a", "a", "a"]), 3);
        for other in [
            "!a",
            "a !many",
            "mixed",
            "unless a",
            "{ hdr(host) -m beg a }",
            "{ hdr(\"host\") a }",
        ] {
            assert_eq!(steps(&["a", "a", "a", "a", other]), 2, "{other}");
        }
    }

    const TEXTS: &[&str] = &[
        "a",
        "many",
        "mixed",
        "!a",
        "unless { path_beg / }",
        "{ hdr(host) a.example }",
        "{ hdr(host) -i B.EXAMPLE }",
        "{ hdr(host) b.example c.example }",
        "{ hdr(host) d.example } or a",
        "{ path /x }",
        "{ path /y }",
        "{ path -i /X }",
        "{ path /z } { hdr(host) a.example }",
        "{ hdr(host),lower a.example }",
    ];

    proptest! {
        #[test]
        fn it_chooses_as_the_list_does(
            texts in prop::collection::vec(proptest::sample::select(TEXTS), 0..30),
            hosts in prop::collection::vec("[a-dA-D]\\.(example|EXAMPLE)", 0..3),
            path in "/[xyzX]",
        ) {
            let mut request = Request::get(path);
            for host in hosts {
                request = request.header("host", host);
            }
            let request = request.body(()).unwrap();
            let view = View::of(&request);
            let list = conditions(&texts);
            let first = list.iter().position(|condition| {
                condition.as_ref().is_none_or(|(unless, c)| c.eval(&view) != *unless)
            });
            prop_assert_eq!(Router::new(list).first(&view), first);
        }
    }
}
