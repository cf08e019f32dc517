//! Terms and the operators between them.

use std::sync::Arc;

use super::{
    Alternative, Term,
    error::{ConditionError, Span},
    fetch::Vocabulary,
    parse::{Acl, Parser, end},
    word::Word,
};

/// Terms that must all hold.
pub(super) type Group<F> = Vec<Term<F>>;

/// Reads terms and operators, going on after a mistake in a term.
pub(super) struct TermReader<'p, V: Vocabulary> {
    parser: &'p Parser<'p, V>,
    text: &'p str,
    words: &'p [Word],
    at: usize,
    errors: Vec<ConditionError>,
}

impl<'p, V: Vocabulary> TermReader<'p, V> {
    pub(super) fn new(parser: &'p Parser<'p, V>, text: &'p str, words: &'p [Word]) -> Self {
        Self {
            parser,
            text,
            words,
            at: 0,
            errors: Vec::new(),
        }
    }

    /// The groups of which one must hold, or every mistake in them.
    pub(super) fn read(mut self) -> Result<Vec<Group<V::Fetch>>, Vec<ConditionError>> {
        let groups = self.groups();
        if self.errors.is_empty() {
            Ok(groups)
        } else {
            Err(self.errors)
        }
    }

    fn groups(&mut self) -> Vec<Group<V::Fetch>> {
        let mut groups = Vec::new();
        loop {
            groups.push(self.group());
            match self.words.get(self.at) {
                None => return groups,
                Some(_) => self.at += 1,
            }
        }
    }

    /// Terms up to an `or` or the end; there must be one.
    fn group(&mut self) -> Group<V::Fetch> {
        let start = self.at;
        let mut terms = Vec::new();
        while let Some(word) = self.words.get(self.at)
            && !is_or(word)
        {
            terms.extend(self.term());
        }
        if self.at == start {
            let span = self.words.get(self.at).map_or(end(self.text), Word::span);
            self.errors
                .push(ConditionError::new(span, "expected a name or `{` here"));
        }
        terms
    }

    fn term(&mut self) -> Option<Term<V::Fetch>> {
        let mut word = self.words[self.at].clone();
        let start = word.span();
        let mut negated = false;
        loop {
            let bangs = word.value().iter().take_while(|b| **b == b'!').count();
            if bangs == 0 {
                break;
            }
            negated ^= bangs % 2 == 1;
            word = word.after(bangs);
            if !word.value().is_empty() {
                break;
            }
            // The `!` stands alone: it is about the next word.
            self.at += 1;
            match self.words.get(self.at) {
                Some(next) if !is_or(next) => word = next.clone(),
                _ => {
                    let error = ConditionError::new(start, "`!` negates nothing");
                    self.errors.push(error);
                    return None;
                }
            }
        }
        self.at += 1;
        let acl = if word.is("{") {
            self.anonymous(word.span())
        } else {
            let name = word.lossy();
            self.parser.name(&word, &name)
        };
        let last = self.words[self.at - 1].span();
        let span = start.to(last);
        match acl {
            Ok(acl) => acl.map(|acl| Term {
                text: self.text[span.offset..span.offset + span.len].into(),
                negated,
                acl,
            }),
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }

    /// What stands between `{`, already read, and `}`.
    fn anonymous(&mut self, open: Span) -> Result<Option<Acl<V::Fetch>>, ConditionError> {
        let words = &self.words[self.at..];
        let Some(len) = words.iter().position(|word| word.is("}")) else {
            self.at = self.words.len();
            let error = ConditionError::new(open, "this `{` is not closed");
            return Err(match words.last() {
                Some(last) if last.value().ends_with(b"}") => error.help("put a blank before `}`"),
                _ => error,
            });
        };
        self.at += len + 1;
        if len == 0 {
            let span = open.to(words[0].span());
            return Err(ConditionError::new(
                span,
                "expected a fetch between the braces",
            ));
        }
        let test = self.parser.test(self.text, &words[..len])?;
        Ok(Some(Arc::new([Alternative::Test(test)])))
    }
}

fn is_or(word: &Word) -> bool {
    word.is("||") || (word.is(&word.lossy()) && word.value().eq_ignore_ascii_case(b"or"))
}
