//! One test: `fetch flags… patterns…`.

use std::sync::Arc;

use super::{
    Test,
    call::SampleExpr,
    error::{ConditionError, Span},
    fetch::{Fetch, Known, Vocabulary},
    file::PatternFile,
    parse::Parser,
    pattern::{Matcher, Method, Source, check_bounds},
    word::Word,
};

/// What follows the fetch of a test.
struct Arguments<'w> {
    method: Option<(Method, &'w Word)>,
    sources: Vec<Source>,
    /// Whether case is ignored in them, and where they are named.
    files: Vec<(Arc<PatternFile>, bool, Span)>,
    /// `--` or `-f` stood there: having no pattern is meant.
    explicit: bool,
}

impl<V: Vocabulary> Parser<'_, V> {
    /// `fetch flags… patterns…`; `words` is not empty.
    pub(super) fn test(
        &self,
        text: &str,
        words: &[Word],
    ) -> Result<Test<V::Fetch>, ConditionError> {
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
        let mut files = Vec::with_capacity(arguments.files.len());
        let mut in_files = Vec::new();
        for (file, ignore_case, span) in &arguments.files {
            files.push(file.matcher(method, *ignore_case, *span)?);
            in_files.extend(file.sources(*ignore_case, *span));
        }
        let all = arguments.sources.iter().chain(&in_files);
        for source in all.filter(|source| !source.ignore_case) {
            let start = matches!(method, Method::Str | Method::Beg);
            if (start || method.finds_text())
                && let Some(why) = fetch.never_has(&source.bytes, start)
            {
                return Err(source.error(format!("this never matches: {why}")));
            }
        }
        if let (Method::Int, Some(bounds)) = (method, fetch.bounds()) {
            check_bounds(&arguments.sources, bounds)?;
        }
        let start = first.span().offset;
        let end = words.last().map_or(start, |word| {
            let span = word.span();
            span.offset + span.len
        });
        Ok(Test {
            text: text[start..end].into(),
            fetch,
            matcher: Matcher::new(method, &arguments.sources)?.with_files(files),
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
            files: Vec::new(),
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
                    if !arguments.files.is_empty() {
                        return Err(ConditionError::new(
                            flag.span(),
                            "`-m` stands before `-f` and patterns",
                        ));
                    }
                    if arguments.method.is_some() {
                        let message = "a test has one matcher";
                        return Err(ConditionError::new(flag.span(), message));
                    }
                    arguments.method = Some((method(name)?, name));
                }
                b"-f" => {
                    let name = value("the name of a file")?;
                    arguments.explicit = true;
                    let file = self.file(name)?;
                    arguments.files.push((file, ignore_case, name.span()));
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

    fn file(&self, name: &Word) -> Result<Arc<PatternFile>, ConditionError> {
        let loaded = self.patterns.load(&name.lossy(), |name| (self.files)(name));
        loaded.map_err(|error| {
            let message = format!("cannot read the file `{}`: {error}", name.lossy());
            ConditionError::new(name.span(), message)
        })
    }
}

fn method(name: &Word) -> Result<Method, ConditionError> {
    Method::parse(name.value()).ok_or_else(|| {
        let given = name.lossy();
        ConditionError::new(name.span(), format!("there is no matcher `{given}`"))
            .suggest(&given, Method::names())
    })
}
