//! The named conditions of a section, and what turns text into conditions.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fmt, io,
    sync::Arc,
};

use super::{
    Condition,
    error::{ConditionError, Span},
    fetch::Vocabulary,
    file::PatternFiles,
    parse::{Acl, Names, Parser, Resolved, Wrong},
    word::Word,
};

/// Reads the file of a `-f` flag.
pub(super) type Files = Box<dyn Fn(&str) -> io::Result<Vec<u8>> + Send + Sync>;

/// Every name that is compiled, or what is wrong with it.
type Compiled<F> = HashMap<String, Result<Acl<F>, Wrong>>;

/// What conditions of one section may use: a vocabulary and named conditions.
pub struct Scope<V: Vocabulary> {
    vocabulary: V,
    files: Files,
    patterns: Arc<PatternFiles>,
    names: Compiled<V::Fetch>,
}

impl<V: Vocabulary> fmt::Debug for Scope<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names.keys();
        f.debug_struct("Scope").field("names", &names).finish()
    }
}

/// Collects named conditions, in any order.
pub struct ScopeBuilder<V: Vocabulary> {
    vocabulary: V,
    files: Files,
    patterns: Arc<PatternFiles>,
    definitions: BTreeMap<String, Vec<String>>,
}

impl<V: Vocabulary> fmt::Debug for ScopeBuilder<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let definitions = &self.definitions;
        f.debug_struct("ScopeBuilder")
            .field("definitions", definitions)
            .finish()
    }
}

/// A mistake in the definition of a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("acl {name}")]
#[non_exhaustive]
pub struct AclError {
    /// The name.
    pub name: String,
    /// Which of its alternatives is meant, from 0; `None` for the name itself.
    pub alternative: Option<usize>,
    /// What is wrong; the offsets are in that alternative, or in the name.
    pub source: ConditionError,
}

impl<V: Vocabulary> Scope<V> {
    /// Starts with no named conditions. Files of `-f` flags cannot be read until [`ScopeBuilder::files`] says how.
    #[must_use]
    pub fn builder(vocabulary: V) -> ScopeBuilder<V> {
        ScopeBuilder {
            vocabulary,
            files: Box::new(|_| Err(io::Error::other("files cannot be read here"))),
            patterns: Arc::default(),
            definitions: BTreeMap::new(),
        }
    }

    /// Compiles a condition: either names and `{ anonymous }` terms, or the bare text of one test, as
    /// `hdr(host) -i a.example`.
    ///
    /// # Errors
    /// Every mistake, each with its place in `text`.
    pub fn condition(&self, text: &str) -> Result<Condition<V::Fetch>, Vec<ConditionError>> {
        self.parser().condition(text)
    }

    /// Compiles what ends a rule: `if COND` or `unless COND`, where COND has names and `{ anonymous }` terms only.
    ///
    /// # Errors
    /// Every mistake, each with its place in `text`.
    pub fn suffix(&self, text: &str) -> Result<Condition<V::Fetch>, Vec<ConditionError>> {
        self.parser().suffix(text)
    }

    /// Compiles what follows the `if` or `unless` of a rule, as [`Scope::suffix`] does: `path /a` without braces is
    /// no term here, and a name that is not defined is not taken for a fetch.
    ///
    /// # Errors
    /// Every mistake, each with its place in `text`.
    pub fn terms(&self, text: &str) -> Result<Condition<V::Fetch>, Vec<ConditionError>> {
        self.parser().bare_terms(text)
    }

    /// Compiles the `if COND` or `unless COND` at the end of a rule, already cut into `words` of `text`.
    ///
    /// # Errors
    /// Every mistake, each with its place in `text`.
    pub fn ending(
        &self,
        text: &str,
        words: &[Word],
    ) -> Result<Condition<V::Fetch>, Vec<ConditionError>> {
        self.parser().ending(text, words)
    }

    /// What its expressions may use.
    pub fn vocabulary(&self) -> &V {
        &self.vocabulary
    }

    fn parser(&self) -> Parser<'_, V> {
        Parser {
            vocabulary: &self.vocabulary,
            files: &self.files,
            patterns: &self.patterns,
            names: &self.names,
        }
    }
}

impl<V: Vocabulary> ScopeBuilder<V> {
    /// How the files of `-f` flags are read; they are read once, while conditions are compiled.
    #[must_use]
    pub fn files(
        mut self,
        read: impl Fn(&str) -> io::Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.files = Box::new(read);
        self
    }

    /// Where the files of `-f` flags are kept: scopes with the same see the same patterns, also when they change.
    #[must_use]
    pub fn patterns(mut self, patterns: Arc<PatternFiles>) -> Self {
        self.patterns = patterns;
        self
    }

    /// Defines `name`: it holds where any of `alternatives` does. A name defined twice has the alternatives of both,
    /// as in HAProxy.
    #[must_use]
    pub fn acl<T: AsRef<str>>(mut self, name: &str, alternatives: &[T]) -> Self {
        let texts = alternatives.iter().map(|text| text.as_ref().to_owned());
        self.definitions
            .entry(name.to_owned())
            .or_default()
            .extend(texts);
        self
    }

    /// Compiles all definitions. A name whose definition is wrong stays known, so that its uses are no errors too.
    ///
    /// A definition that would be right in another place ([`ConditionError::misplaced`]) is no error, but each use of
    /// its name here is.
    #[must_use]
    pub fn build(self) -> (Scope<V>, Vec<AclError>) {
        let mut errors = Vec::new();
        for name in self.definitions.keys() {
            errors.extend(check_name(name));
        }
        let state = RefCell::default();
        let resolver = Resolver {
            builder: &self,
            state: &state,
            depth: 0,
        };
        for name in self.definitions.keys() {
            resolver.acl(name);
        }
        let state = state.into_inner();
        errors.extend(state.errors);
        let names = state.names;
        let scope = Scope {
            vocabulary: self.vocabulary,
            files: self.files,
            patterns: self.patterns,
            names,
        };
        (scope, errors)
    }
}

/// How deep definitions may refer to one another.
const DEPTH: usize = 64;

/// Compiles definitions when they are first needed.
struct Resolver<'b, V: Vocabulary> {
    builder: &'b ScopeBuilder<V>,
    state: &'b RefCell<State<V::Fetch>>,
    depth: usize,
}

struct State<F> {
    names: Compiled<F>,
    /// Names being compiled right now: meeting one again is a circle.
    open: Vec<String>,
    errors: Vec<AclError>,
}

impl<F> Default for State<F> {
    fn default() -> Self {
        Self {
            names: Compiled::new(),
            open: Vec::new(),
            errors: Vec::new(),
        }
    }
}

impl<V: Vocabulary> Resolver<'_, V> {
    fn compile(&self, name: &str, texts: &[String]) -> Result<Acl<V::Fetch>, Wrong> {
        let deeper = Self {
            depth: self.depth + 1,
            ..*self
        };
        let parser = Parser {
            vocabulary: &self.builder.vocabulary,
            files: &self.builder.files,
            patterns: &self.builder.patterns,
            names: &deeper,
        };
        let mut alternatives = Vec::new();
        let (mut reported, mut misplaced) = (false, None);
        for (index, text) in texts.iter().enumerate() {
            match parser.definition(text) {
                Ok(alternative) => alternatives.push(alternative),
                Err(errors) => {
                    for source in errors {
                        if source.misplaced {
                            misplaced.get_or_insert(source);
                            continue;
                        }
                        reported = true;
                        self.state.borrow_mut().errors.push(AclError {
                            name: name.to_owned(),
                            alternative: Some(index),
                            source,
                        });
                    }
                }
            }
        }
        match misplaced {
            Some(error) if !reported => Err(Wrong::Misplaced(Box::new(error))),
            // What it refers to may be wrong and reported already, which leaves nothing to say.
            _ if reported || alternatives.len() < texts.len() => Err(Wrong::Reported),
            _ => Ok(alternatives.into()),
        }
    }
}

impl<V: Vocabulary> Names<V::Fetch> for Resolver<'_, V> {
    fn acl(&self, name: &str) -> Option<Resolved<V::Fetch>> {
        let texts = self.builder.definitions.get(name)?;
        {
            let mut state = self.state.borrow_mut();
            if let Some(done) = state.names.acl(name) {
                return Some(done);
            }
            if let Some(at) = state.open.iter().position(|open| open == name) {
                return Some(Resolved::Circle(state.open[at..].to_vec()));
            }
            if self.depth > DEPTH {
                return Some(Resolved::TooDeep);
            }
            state.open.push(name.to_owned());
        }
        let acl = self.compile(name, texts);
        let mut state = self.state.borrow_mut();
        state.open.pop();
        state.names.insert(name.to_owned(), acl);
        state.names.acl(name)
    }

    fn is_defined(&self, name: &str) -> bool {
        self.builder.definitions.contains_key(name)
    }

    fn names(&self) -> Vec<&str> {
        self.builder
            .definitions
            .keys()
            .map(String::as_str)
            .collect()
    }
}

impl<F> Names<F> for Compiled<F> {
    fn acl(&self, name: &str) -> Option<Resolved<F>> {
        Some(match self.get(name)? {
            Ok(acl) => Resolved::Acl(acl.clone()),
            Err(wrong) => Resolved::Wrong(wrong.clone()),
        })
    }

    fn is_defined(&self, name: &str) -> bool {
        self.contains_key(name)
    }

    fn names(&self) -> Vec<&str> {
        self.keys().map(String::as_str).collect()
    }
}

fn check_name(name: &str) -> Option<AclError> {
    let span = Span {
        offset: 0,
        len: name.len(),
    };
    let error = |message: &str| {
        Some(AclError {
            name: name.to_owned(),
            alternative: None,
            source: ConditionError::new(span, message),
        })
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    if name.is_empty() || !name.bytes().all(plain) {
        return error("the name of an acl has letters, digits, `-`, `_`, `.` and `:` only");
    }
    if ["or", "if", "unless"].contains(&name.to_ascii_lowercase().as_str()) {
        return error("this word has a meaning of its own in conditions");
    }
    None
}
