//! From text to conditions: which kind of text it is, and what its names stand for.

use std::sync::Arc;

use super::{
    Alternative, Condition, Inner, Term,
    error::{ConditionError, Span},
    fetch::{Known, Vocabulary},
    file::PatternFiles,
    pattern::Method,
    predefined,
    scope::Files,
    terms::TermReader,
    word::{Word, words},
};

/// What a name stands for.
pub(super) type Acl<F> = Arc<[Alternative<F>]>;

/// Where definitions are looked up: in a scope, or among those that are being compiled.
pub(super) trait Names<F> {
    /// `None` if nobody defined it.
    fn acl(&self, name: &str) -> Option<Resolved<F>>;
    fn is_defined(&self, name: &str) -> bool;
    fn names(&self) -> Vec<&str>;
}

pub(super) enum Resolved<F> {
    Acl(Acl<F>),
    /// Its definition is wrong.
    Wrong(Wrong),
    /// It refers to itself, by way of these.
    Circle(Vec<String>),
    TooDeep,
}

/// What is wrong with a definition.
#[derive(Debug, Clone)]
pub(super) enum Wrong {
    /// It has been reported.
    Reported,
    /// It is right in another place: its uses here are wrong.
    Misplaced(Box<ConditionError>),
}

/// Stands before the cause where a name cannot be used.
const MISPLACED: &str = "cannot be used here: ";

pub(super) struct Parser<'s, V: Vocabulary> {
    pub(super) vocabulary: &'s V,
    pub(super) files: &'s Files,
    pub(super) patterns: &'s PatternFiles,
    pub(super) names: &'s dyn Names<V::Fetch>,
}

impl<V: Vocabulary> Parser<'_, V> {
    /// `if COND` or `unless COND`.
    pub(super) fn suffix(&self, text: &str) -> Result<Condition<V::Fetch>, Vec<ConditionError>> {
        let words = words(text).map_err(|error| vec![error])?;
        self.ending(text, &words)
    }

    /// The same of words that are cut already.
    pub(super) fn ending(
        &self,
        text: &str,
        words: &[Word],
    ) -> Result<Condition<V::Fetch>, Vec<ConditionError>> {
        let unless = match words.first() {
            Some(word) if word.is("if") => false,
            Some(word) if word.is("unless") => true,
            other => {
                let span = other.map_or(end(text), Word::span);
                return Err(vec![ConditionError::new(span, "expected `if` or `unless`")]);
            }
        };
        self.terms(text, &words[1..], unless)
    }

    /// Terms and nothing else.
    pub(super) fn bare_terms(
        &self,
        text: &str,
    ) -> Result<Condition<V::Fetch>, Vec<ConditionError>> {
        let words = words(text).map_err(|error| vec![error])?;
        self.terms(text, &words, false)
    }

    /// Terms, or the bare text of one test.
    pub(super) fn condition(&self, text: &str) -> Result<Condition<V::Fetch>, Vec<ConditionError>> {
        let alternative = self.definition(text)?;
        Ok(match alternative {
            Alternative::Condition(condition) => condition,
            Alternative::Test(test) => {
                let term = Term {
                    text: text.into(),
                    negated: false,
                    acl: Arc::new([Alternative::Test(test)]),
                };
                Condition::new(text, false, vec![vec![term]])
            }
        })
    }

    pub(super) fn definition(
        &self,
        text: &str,
    ) -> Result<Alternative<V::Fetch>, Vec<ConditionError>> {
        let words = words(text).map_err(|error| vec![error])?;
        if let Some(first) = words.first()
            && !self.starts_terms(first)
        {
            return match self.test(text, &words) {
                Ok(test) => Ok(Alternative::Test(test)),
                Err(error) => Err(vec![error]),
            };
        }
        self.terms(text, &words, false).map(Alternative::Condition)
    }

    /// Whether a text that starts with this word has terms; otherwise it is one test. A fetch goes before a name.
    fn starts_terms(&self, word: &Word) -> bool {
        let name = word.lossy();
        if word.is("{") || name.starts_with('!') {
            return true;
        }
        let is_fetch = self.vocabulary.knows(&name) != Known::No
            || Method::split_suffix(&name)
                .is_some_and(|(base, _)| self.vocabulary.knows(base) != Known::No);
        !is_fetch && self.is_defined(&name)
    }

    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.names.is_defined(name) || predefined::definition(name).is_some()
    }

    fn terms(
        &self,
        text: &str,
        words: &[Word],
        unless: bool,
    ) -> Result<Condition<V::Fetch>, Vec<ConditionError>> {
        let groups = TermReader::new(self, text, words).read()?;
        Ok(Condition::new(text, unless, groups))
    }

    /// The definition of a name; `None` if it has one that is wrong, which has been reported.
    pub(super) fn name(
        &self,
        word: &Word,
        name: &str,
    ) -> Result<Option<Acl<V::Fetch>>, ConditionError> {
        let error = |message: String| ConditionError::new(word.span(), message);
        match self.names.acl(name) {
            Some(Resolved::Acl(acl)) => return Ok(Some(acl)),
            Some(Resolved::Wrong(Wrong::Reported)) => return Ok(None),
            Some(Resolved::Wrong(Wrong::Misplaced(cause))) => {
                let root = match cause.message.split_once(MISPLACED) {
                    Some((_, root)) => root,
                    None => &cause.message,
                };
                let mut error = error(format!("`{name}` {MISPLACED}{root}")).misplaced();
                error.help = cause.help;
                return Err(error);
            }
            Some(Resolved::Circle(through)) => {
                let circle = through.join("` uses `");
                return Err(error(format!(
                    "the definition is circular: `{circle}` uses `{name}`"
                )));
            }
            Some(Resolved::TooDeep) => {
                return Err(error("definitions refer to one another too deeply".into()));
            }
            None => {}
        }
        if let Some(definition) = predefined::definition(name) {
            let words = words(definition).map_err(|_| error(format!("`{name}` is broken")))?;
            let test = self.test(definition, &words).map_err(|inner| {
                let mut outer = error(format!(
                    "`{name}` stands for `{definition}`: {}",
                    inner.message
                ));
                outer.misplaced = inner.misplaced;
                if inner.misplaced {
                    outer.help = inner.help;
                }
                outer
            })?;
            return Ok(Some(Arc::new([Alternative::Test(test)])));
        }
        Err(self.unknown_name(word, name))
    }

    fn unknown_name(&self, word: &Word, name: &str) -> ConditionError {
        let error = ConditionError::new(word.span(), format!("no acl is named `{name}`"));
        let base = name.split(['(', ',']).next().unwrap_or(name);
        let is_fetch = |name: &str| self.vocabulary.knows(name) != Known::No;
        let suffixed = Method::split_suffix(base).is_some_and(|(base, _)| is_fetch(base));
        if name.starts_with('{') || name.ends_with('}') || name.ends_with('{') {
            return error.help("put blanks around `{` and `}`");
        }
        if name == "and" || name == "&&" {
            return error.help("terms side by side already mean and");
        }
        if is_fetch(base) || suffixed {
            return error.help(format!("a test stands in braces: `{{ {name} … }}`"));
        }
        let defined = self.names.names().into_iter();
        error.suggest(
            name,
            defined.chain(predefined::names().map(|name| name as &str)),
        )
    }
}

pub(super) fn end(text: &str) -> Span {
    Span {
        offset: text.len(),
        len: 0,
    }
}

impl<F> Condition<F> {
    fn new(text: &str, unless: bool, groups: Vec<Vec<Term<F>>>) -> Self {
        let groups = groups.into_iter().map(Vec::into_boxed_slice).collect();
        Self {
            inner: Arc::new(Inner {
                text: text.into(),
                unless,
                groups,
            }),
        }
    }
}
