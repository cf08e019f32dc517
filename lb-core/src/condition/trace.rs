//! How a condition came to its verdict, for `lb explain`.

/// What happened while a condition was evaluated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// The terms in the order of the text.
    pub terms: Vec<TermTrace>,
}

/// One term of a condition: a name or an anonymous `{ … }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermTrace {
    /// As written, with its `!`.
    pub text: String,
    /// Whether the term held, `!` applied; `None` if the verdict was settled before it.
    pub verdict: Option<bool>,
    /// The tests that were made for it: an alternative of a name is one.
    pub tests: Vec<TestTrace>,
}

/// One fetch compared with its patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestTrace {
    /// As written: `hdr(host) -i a.example`.
    pub text: String,
    /// The samples that were looked at, up to the one that matched; unprintable bytes escaped.
    pub samples: Vec<String>,
    /// The pattern that matched, where the matcher has patterns.
    pub matched: Option<String>,
    /// Whether a sample matched.
    pub verdict: bool,
}
