//! From texts to rules: `action words… if COND`.

use std::{cell::Cell, path::Path};

use lb_core::condition::{Call, ConditionError, SampleExpr, Scope, Span, Word, words};

use super::{Rule, Section, text::Text};
use crate::{fetch::HttpVocabulary, transaction::Slot};

/// A mistake in a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule}")]
#[non_exhaustive]
pub struct RuleError {
    /// Which of the rules, from 0.
    pub rule: usize,
    /// What is wrong, and where in its text.
    pub source: ConditionError,
}

/// The words of an action, read one after another.
pub(super) struct Words<'w> {
    /// The action's name, or the word read last.
    last: &'w Word,
    rest: &'w [Word],
    pub(super) vocabulary: &'w HttpVocabulary,
    pub(super) section: Section<'w>,
    /// Slots that rules have added so far.
    added: &'w Cell<usize>,
}

/// Rules, and the slots for captures that they add.
pub(super) type Compiled<A> = (Box<[Rule<A>]>, usize);

/// Compiles each text with `action`, which reads the words of an action after its name.
pub(super) fn compile<T: AsRef<str>, A>(
    texts: &[T],
    scope: &Scope<HttpVocabulary>,
    section: Section<'_>,
    action: impl Fn(&str, &mut Words<'_>) -> Result<A, ConditionError>,
) -> Result<Compiled<A>, Vec<RuleError>> {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    let added = Cell::new(0);
    for (at, text) in texts.iter().enumerate() {
        match rule(text.as_ref(), scope, section, &added, &action) {
            Ok(rule) => rules.push(rule),
            Err(found) => errors.extend(
                found
                    .into_iter()
                    .map(|source| RuleError { rule: at, source }),
            ),
        }
    }
    match errors.is_empty() {
        true => Ok((rules.into(), added.get())),
        false => Err(errors),
    }
}

fn rule<A>(
    text: &str,
    scope: &Scope<HttpVocabulary>,
    section: Section<'_>,
    added: &Cell<usize>,
    action: impl Fn(&str, &mut Words<'_>) -> Result<A, ConditionError>,
) -> Result<Rule<A>, Vec<ConditionError>> {
    let words = words(text).map_err(|error| vec![error])?;
    let Some((name, rest)) = words.split_first() else {
        let span = Span { offset: 0, len: 0 };
        return Err(vec![ConditionError::new(span, "expected an action")]);
    };
    let is_end = |word: &Word| word.is("if") || word.is("unless");
    if is_end(name) {
        let error = ConditionError::new(name.span(), "expected an action before the condition");
        return Err(vec![error.help("as in `deny if …`")]);
    }
    let end = rest.iter().position(is_end).unwrap_or(rest.len());
    let (mut errors, mut condition) = (Vec::new(), None);
    if end < rest.len() {
        match scope.ending(text, &rest[end..]) {
            Ok(compiled) => condition = Some(compiled),
            Err(found) => errors = found,
        }
    }
    let mut reader = Words {
        last: name,
        rest: &rest[..end],
        vocabulary: scope.vocabulary(),
        section,
        added,
    };
    let called = String::from_utf8_lossy(name.value()).into_owned();
    let called = called.split('(').next().unwrap_or_default();
    let action = action(called, &mut reader).and_then(|action| reader.end().map(|()| action));
    match action {
        Ok(action) if errors.is_empty() => Ok(Rule {
            text: text.into(),
            condition,
            action,
        }),
        Ok(_) => Err(errors),
        Err(error) => {
            errors.insert(0, error);
            Err(errors)
        }
    }
}

impl<'w> Words<'w> {
    /// The word read last: the action's name at first.
    pub(super) fn last(&self) -> &'w Word {
        self.last
    }

    /// The word read last as a name with arguments, as `sc-inc-gpc(2,0)`.
    pub(super) fn call(&self) -> Result<Call, ConditionError> {
        let expr = SampleExpr::parse(self.last)?;
        match expr.converters.first() {
            None => Ok(expr.fetch),
            Some(extra) => Err(ConditionError::new(extra.span, "nothing may follow here")),
        }
    }

    /// The next word.
    pub(super) fn next(&mut self) -> Option<&'w Word> {
        let (first, rest) = self.rest.split_first()?;
        (self.last, self.rest) = (first, rest);
        Some(first)
    }

    /// The next word, which stays.
    pub(super) fn peek(&self) -> Option<&'w Word> {
        self.rest.first()
    }

    /// The next word as a text with samples, `what` being what it is.
    pub(super) fn text(&mut self, what: &str) -> Result<Text, ConditionError> {
        let word = self.required(what)?;
        match word.value().is_empty() {
            // HAProxy: the argument is missing.
            true => Err(ConditionError::new(
                word.span(),
                format!("expected {what}, not nothing"),
            )),
            false => Text::parse(word, self.vocabulary),
        }
    }

    /// The content of the file that `word` names.
    pub(super) fn read(&self, word: &Word) -> Result<Vec<u8>, ConditionError> {
        let name = String::from_utf8_lossy(word.value()).into_owned();
        (self.section.read)(Path::new(&name))
            .map_err(|why| ConditionError::new(word.span(), format!("cannot read `{name}`: {why}")))
    }

    /// One slot more for captures of requests; `None` where the section has none of its own.
    pub(super) fn new_slot(&self) -> Option<usize> {
        let declared = self.section.slots(Slot::Request(0))?.len();
        let added = self.added.get();
        self.added.set(added + 1);
        Some(declared + added)
    }

    /// Passes over a keyword, if it is the next word.
    pub(super) fn eat(&mut self, keyword: &str) -> bool {
        let hit = self.rest.first().is_some_and(|word| word.is(keyword));
        if hit {
            self.next();
        }
        hit
    }

    /// The word that must follow, `what` being what it is.
    pub(super) fn required(&mut self, what: &str) -> Result<&'w Word, ConditionError> {
        let span = self.last.span();
        let end = Span {
            offset: span.offset + span.len,
            len: 0,
        };
        self.next()
            .ok_or_else(|| ConditionError::new(end, format!("expected {what} here")))
    }

    /// A whole number from `low` to `high`.
    pub(super) fn number(
        &mut self,
        what: &str,
        low: u64,
        high: u64,
    ) -> Result<u64, ConditionError> {
        let word = self.required(what)?;
        let number = std::str::from_utf8(word.value())
            .ok()
            .and_then(|text| text.parse().ok());
        number
            .filter(|number| (low..=high).contains(number))
            .ok_or_else(|| {
                let message = format!("expected {what}, a number from {low} to {high}");
                ConditionError::new(word.span(), message)
            })
    }

    fn end(&self) -> Result<(), ConditionError> {
        match self.rest.first() {
            None => Ok(()),
            Some(word) => {
                let given = String::from_utf8_lossy(word.value());
                let message = format!("`{given}` is not expected here");
                Err(ConditionError::new(word.span(), message)
                    .help("a condition begins with `if` or `unless`"))
            }
        }
    }
}
