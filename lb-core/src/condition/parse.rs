//! From words to conditions.

use std::sync::Arc;

use super::{
    Alternative, Condition, Inner, Term, Test,
    call::SampleExpr,
    error::{ConditionError, Span},
    fetch::{Fetch, Known, Vocabulary},
    pattern::{Matcher, Method, Source},
    predefined,
    scope::Files,
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
    /// Its definition is wrong, which has been reported.
    Wrong,
    /// It refers to itself, by way of these.
    Circle(Vec<String>),
    TooDeep,
}

pub(super) struct Parser<'s, V: Vocabulary> {
    pub(super) vocabulary: &'s V,
    pub(super) files: &'s Files,
    pub(super) names: &'s dyn Names<V::Fetch>,
}

impl<V: Vocabulary> Parser<'_, V> {
    /// `if COND` or `unless COND`.
    pub(super) fn suffix(&self, text: &str) -> Result<Condition<V::Fetch>, Vec<ConditionError>> {
        let words = words(text).map_err(|error| vec![error])?;
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

    fn is_defined(&self, name: &str) -> bool {
        self.names.is_defined(name) || predefined::definition(name).is_some()
    }

    fn terms(
        &self,
        text: &str,
        words: &[Word],
        unless: bool,
    ) -> Result<Condition<V::Fetch>, Vec<ConditionError>> {
        let mut reader = TermReader {
            parser: self,
            text,
            words,
            at: 0,
            errors: Vec::new(),
        };
        let groups = reader.groups();
        if reader.errors.is_empty() {
            Ok(Condition::new(text, unless, groups))
        } else {
            Err(reader.errors)
        }
    }

    /// The definition of a name; `None` if it has one that is wrong, which has been reported.
    fn name(&self, word: &Word, name: &str) -> Result<Option<Acl<V::Fetch>>, ConditionError> {
        let error = |message: String| ConditionError::new(word.span(), message);
        match self.names.acl(name) {
            Some(Resolved::Acl(acl)) => return Ok(Some(acl)),
            Some(Resolved::Wrong) => return Ok(None),
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
                error(format!(
                    "`{name}` stands for `{definition}`: {}",
                    inner.message
                ))
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

    /// `fetch flags… patterns…`; `words` is not empty.
    fn test(&self, text: &str, words: &[Word]) -> Result<Test<V::Fetch>, ConditionError> {
        let (first, rest) = words
            .split_first()
            .expect("the caller has at least one word");
        let mut expr = SampleExpr::parse(first)?;
        let suffix = self.split_suffix(&mut expr)?;
        let fetch = self.vocabulary.resolve(&expr)?;
        let kind = fetch.sample_type();
        // A converter's result is matched by its own type, whatever the suffix said.
        let implied = suffix
            .filter(|_| expr.converters.is_empty())
            .or(Method::implied_by(kind));
        let arguments = self.arguments(rest)?;
        let method = match (arguments.method, implied) {
            (Some((method, word)), _) if !method.compares(kind) => {
                let message = format!(
                    "the matcher `{}` cannot compare the {kind} that `{}` yields",
                    method.name(),
                    expr.fetch.name
                );
                return Err(ConditionError::new(word.span(), message));
            }
            (Some((method, _)), _) | (None, Some(method)) => method,
            (None, None) => {
                return Err(ConditionError::new(
                    first.span(),
                    format!("a {kind} sample needs a matcher"),
                )
                .help("put `-m str`, `-m sub` or another after it"));
            }
        };
        let needs_pattern = !matches!(method, Method::Found | Method::Bool);
        if needs_pattern && arguments.sources.is_empty() && !arguments.explicit {
            return Err(ConditionError::new(
                first.span(),
                "no pattern is given, so this never holds",
            )
            .help("`-m found` asks for presence; `--` says that none is meant"));
        }
        let start = first.span().offset;
        let end = words.last().map_or(start, |word| {
            let span = word.span();
            span.offset + span.len
        });
        Ok(Test {
            text: text[start..end].into(),
            fetch,
            matcher: Matcher::new(method, &arguments.sources)?,
        })
    }

    /// Turns `path_beg` into `path` and says what the suffix meant; fails for names that cannot be used.
    fn split_suffix(&self, expr: &mut SampleExpr) -> Result<Option<Method>, ConditionError> {
        let name = expr.fetch.name.clone();
        let error = |message: String| ConditionError::new(expr.fetch.span, message);
        let not_built = || error(format!("`{name}` is HAProxy's, and not built yet"));
        match self.vocabulary.knows(&name) {
            Known::Built => return Ok(None),
            Known::NotBuilt => return Err(not_built()),
            Known::No => {}
        }
        if let Some((base, method)) = Method::split_suffix(&name) {
            match self.vocabulary.knows(base) {
                Known::Built => {
                    expr.fetch.name = base.to_owned();
                    return Ok(Some(method));
                }
                Known::NotBuilt => return Err(not_built()),
                Known::No => {}
            }
        }
        let unknown = error(format!("there is no fetch `{name}`"));
        Err(if self.is_defined(&name) {
            unknown.help("an acl's name stands outside braces")
        } else {
            unknown.suggest(&name, self.vocabulary.names())
        })
    }

    fn arguments<'w>(&self, words: &'w [Word]) -> Result<Arguments<'w>, ConditionError> {
        let mut arguments = Arguments {
            method: None,
            sources: Vec::new(),
            explicit: false,
        };
        let mut ignore_case = false;
        let mut words = words.iter();
        while let Some(flag) = words.as_slice().first()
            && flag.value().starts_with(b"-")
        {
            words.next();
            let mut value = |what: &str| {
                words.next().ok_or_else(|| {
                    ConditionError::new(flag.span(), format!("`{}` needs {what}", flag.lossy()))
                })
            };
            match flag.value() {
                b"-i" => ignore_case = true,
                // Host names are never resolved here, with `-n` or without.
                b"-n" => {}
                b"--" => {
                    arguments.explicit = true;
                    break;
                }
                b"-m" => {
                    let name = value("the name of a matcher")?;
                    if !arguments.sources.is_empty() {
                        return Err(ConditionError::new(
                            flag.span(),
                            "`-m` stands before `-f` and patterns",
                        ));
                    }
                    arguments.method = Some((method(name)?, name));
                }
                b"-f" => {
                    let name = value("the name of a file")?;
                    arguments.explicit = true;
                    arguments.sources.extend(self.file(name, ignore_case)?);
                }
                // Names the set for commands at run time; there is nothing to number before those exist.
                b"-u" => {
                    let id = value("a number")?;
                    if id.lossy().parse::<u32>().is_err() {
                        return Err(ConditionError::new(id.span(), "`-u` needs a number"));
                    }
                }
                b"-M" => {
                    let message = "map files (`-M`) are HAProxy's, and not built yet";
                    return Err(ConditionError::new(flag.span(), message));
                }
                _ => {
                    let message = format!("there is no flag `{}`", flag.lossy());
                    return Err(ConditionError::new(flag.span(), message)
                        .help("put `--` before patterns that start with `-`"));
                }
            }
        }
        for word in words {
            if word.is("||") || word.is("{") || word.is("}") {
                let message = format!("`{}` would be a pattern here", word.lossy());
                return Err(ConditionError::new(word.span(), message)
                    .help("each test stands in braces of its own; quote the word if it is meant as a pattern"));
            }
            arguments.sources.push(Source {
                bytes: word.value().to_vec(),
                span: word.span(),
                ignore_case,
                line: None,
            });
        }
        Ok(arguments)
    }

    /// The patterns of a file: a line each, leading blanks dropped, empty lines and those that start with `#` skipped.
    fn file(&self, name: &Word, ignore_case: bool) -> Result<Vec<Source>, ConditionError> {
        let content = (self.files)(&name.lossy()).map_err(|error| {
            let message = format!("cannot read the file `{}`: {error}", name.lossy());
            ConditionError::new(name.span(), message)
        })?;
        let lines = content.split(|b| matches!(b, b'\n')).enumerate();
        Ok(lines
            .filter(|(_, line)| !line.starts_with(b"#"))
            .map(|(number, line)| {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let blank = line.iter().take_while(|b| matches!(b, b' ' | b'\t'));
                (number, &line[blank.count()..])
            })
            .filter(|(_, line)| !line.is_empty())
            .map(|(number, line)| Source {
                bytes: line.to_vec(),
                span: name.span(),
                ignore_case,
                line: Some(number + 1),
            })
            .collect())
    }
}

/// What follows the fetch of a test.
struct Arguments<'w> {
    method: Option<(Method, &'w Word)>,
    sources: Vec<Source>,
    /// `--` or `-f` stood there: having no pattern is meant.
    explicit: bool,
}

fn method(name: &Word) -> Result<Method, ConditionError> {
    Method::parse(name.value()).ok_or_else(|| {
        let given = name.lossy();
        ConditionError::new(name.span(), format!("there is no matcher `{given}`"))
            .suggest(&given, Method::names())
    })
}

fn end(text: &str) -> Span {
    Span {
        offset: text.len(),
        len: 0,
    }
}

/// Reads terms and operators, going on after a mistake in a term.
struct TermReader<'p, V: Vocabulary> {
    parser: &'p Parser<'p, V>,
    text: &'p str,
    words: &'p [Word],
    at: usize,
    errors: Vec<ConditionError>,
}

impl<V: Vocabulary> TermReader<'_, V> {
    fn groups(&mut self) -> Vec<Vec<Term<V::Fetch>>> {
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
    fn group(&mut self) -> Vec<Term<V::Fetch>> {
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
        while word.value().starts_with(b"!") {
            negated = !negated;
            word = word.after(1);
            if !word.value().is_empty() {
                continue;
            }
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
