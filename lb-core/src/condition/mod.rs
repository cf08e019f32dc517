//! Conditions: HAProxy's ACL expressions, compiled.
//!
//! A condition is a disjunction (`or`, `||`) of conjunctions (terms side by side) of terms, each of which may be
//! negated (`!`). A term is the name of an `acl` or an anonymous `{ fetch flags patterns… }`. What can be fetched is
//! not this module's business: a [`Vocabulary`] knows the names, a [`Fetch`] takes the samples. HAProxy: chapter 7 of
//! its configuration manual; where the manual and a running 2.6.12 differ, what was observed counts.
//!
//! A [`Scope`] holds the named conditions of a section and turns text into [`Condition`]s:
//!
//! ```
//! use lb_core::condition::{Call, ConditionError, Fetch, Known, Sample, SampleExpr, SampleType, Scope, Vocabulary};
//!
//! struct Path;
//! impl Fetch for Path {
//!     type Context<'a> = &'a str;
//!     fn sample_type(&self) -> SampleType { SampleType::Str }
//!     fn each(&self, path: &&str, visit: &mut dyn FnMut(Sample<'_>) -> bool) -> bool {
//!         visit(Sample::Str(path.as_bytes()))
//!     }
//! }
//! # struct Words;
//! # impl Vocabulary for Words {
//! #     type Fetch = Path;
//! #     fn knows(&self, name: &str) -> Known { if name == "path" { Known::Built } else { Known::No } }
//! #     fn names(&self) -> Vec<&'static str> { vec!["path"] }
//! #     fn resolve(&self, _: &SampleExpr) -> Result<Path, ConditionError> { Ok(Path) }
//! # }
//! let (scope, errors) = Scope::builder(Words).acl("static", &["path_beg /img/ /css/", "path_end .js"]).build();
//! assert!(errors.is_empty());
//! let condition = scope.suffix("if static !{ path_dir private }").expect("valid");
//! assert!(condition.eval(&"/img/logo.png"));
//! assert!(!condition.eval(&"/img/private/key.png"));
//! ```

mod call;
mod error;
mod expression;
mod fetch;
mod file;
mod inspect;
mod parse;
mod pattern;
mod predefined;
mod sample;
mod scope;
mod terms;
mod trace;
mod value;
mod version;
mod word;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::pattern::Matcher;
pub use self::{
    call::{Arg, Call, SampleExpr},
    error::{ConditionError, Span},
    fetch::{Fetch, Known, Vocabulary},
    file::{EditError, PatternEntry, PatternFile, PatternFiles, PatternMatch},
    inspect::Equality,
    pattern::{SinglePattern, embedded_ipv4},
    sample::{Sample, SampleType, leading_int, leading_ipv4},
    scope::{AclError, Scope, ScopeBuilder},
    trace::{TermTrace, TestTrace, Trace},
    value::Value,
    version::{VersionError, Versions},
    word::{Word, find_suffix, words},
};

/// A compiled condition. Cheap to clone; evaluating it neither allocates nor locks.
#[derive(Debug)]
pub struct Condition<F> {
    inner: Arc<Inner<F>>,
}

#[derive(Debug)]
struct Inner<F> {
    text: Box<str>,
    /// `unless` stood before it.
    unless: bool,
    /// Any of these, of which all terms.
    groups: Box<[Box<[Term<F>]>]>,
}

#[derive(Debug)]
struct Term<F> {
    text: Box<str>,
    negated: bool,
    acl: Arc<[Alternative<F>]>,
}

/// One of the definitions of a name.
#[derive(Debug)]
enum Alternative<F> {
    Test(Test<F>),
    Condition(Condition<F>),
}

/// A fetch and what its samples are compared with.
#[derive(Debug)]
struct Test<F> {
    text: Box<str>,
    fetch: F,
    matcher: Matcher,
}

impl<F> Clone for Condition<F> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<F> Condition<F> {
    /// The text it was made from, with its `if` or `unless`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.inner.text
    }
}

impl<F: Fetch> Condition<F> {
    /// Whether the condition holds; for `unless COND`, whether COND does not.
    pub fn eval(&self, cx: &F::Context<'_>) -> bool {
        let holds = self
            .inner
            .groups
            .iter()
            .any(|group| group.iter().all(|term| term.eval(cx)));
        holds != self.inner.unless
    }

    /// As [`Condition::eval`], and appends to `trace` how it came about.
    pub fn eval_traced(&self, cx: &F::Context<'_>, trace: &mut Trace) -> bool {
        let mut settled = false;
        for group in &self.inner.groups {
            let mut all = !settled;
            for term in group {
                let mut term_trace = TermTrace {
                    text: term.text.to_string(),
                    verdict: None,
                    tests: Vec::new(),
                };
                if all {
                    all = term.eval_traced(cx, &mut term_trace.tests);
                    term_trace.verdict = Some(all);
                }
                trace.terms.push(term_trace);
            }
            settled |= all;
        }
        settled != self.inner.unless
    }
}

impl<F: Fetch> Term<F> {
    fn eval(&self, cx: &F::Context<'_>) -> bool {
        let any = self.acl.iter().any(|alternative| match alternative {
            Alternative::Test(test) => test.eval(cx),
            Alternative::Condition(condition) => condition.eval(cx),
        });
        any != self.negated
    }

    fn eval_traced(&self, cx: &F::Context<'_>, tests: &mut Vec<TestTrace>) -> bool {
        let any = self.acl.iter().any(|alternative| match alternative {
            Alternative::Test(test) => {
                let trace = test.eval_traced(cx);
                let verdict = trace.verdict;
                tests.push(trace);
                verdict
            }
            Alternative::Condition(condition) => {
                let mut trace = Trace::default();
                let verdict = condition.eval_traced(cx, &mut trace);
                tests.extend(trace.terms.into_iter().flat_map(|term| term.tests));
                verdict
            }
        });
        any != self.negated
    }
}

impl<F: Fetch> Test<F> {
    fn eval(&self, cx: &F::Context<'_>) -> bool {
        self.fetch
            .each(cx, &mut |sample| self.matcher.matches(&sample))
    }

    fn eval_traced(&self, cx: &F::Context<'_>) -> TestTrace {
        let mut samples = Vec::new();
        let mut matched = None;
        let verdict = self.fetch.each(cx, &mut |sample| {
            samples.push(sample.to_string());
            matched = self.matcher.which(&sample);
            self.matcher.matches(&sample)
        });
        TestTrace {
            text: self.text.to_string(),
            samples,
            matched,
            verdict,
        }
    }
}
