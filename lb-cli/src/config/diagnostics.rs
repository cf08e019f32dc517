//! What is wrong with a configuration, all of it, in the order of the files.
//!
//! Every stage adds to one [`Diagnostics`]: reading, checking, and later planning, which points into conditions and other
//! text through [`Span`]s. Rendered like a compiler's report, in plain text:
//!
//! ```
//! use lb_cli::config::{Config, Source};
//!
//! let text = "[global]\nmaxcon = 4000\n";
//! let report = Config::parse(vec![Source::new("lb.toml", text)], &|_| None).unwrap_err();
//! assert_eq!(report.to_string(), "\
//! error: unknown key `maxcon` in [global]
//!  --> lb.toml:2:1
//!   |
//! 2 | maxcon = 4000
//!   | ^^^^^^
//!   = help: did you mean `maxconn`?
//!
//! 1 error in 1 file
//! ");
//! ```

use std::{collections::BTreeSet, fmt, sync::Arc};

use super::{Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, but will hardly do what was meant.
    Warning,
}

/// One problem and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The name of the file; empty when no file is to blame.
    pub file: String,
    /// Counted from 1; 0 when the file has no text to point at.
    pub line: usize,
    /// In characters, counted from 1; 0 when the file has no text to point at.
    pub column: usize,
    /// The whole line, without its end.
    pub source_line: String,
    /// How many characters of the line to underline, from `column` on; at least 1.
    pub underline: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    span: Span,
}

impl Diagnostic {
    /// Adds what to do about it.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(printable(&help.into()));
        self
    }
}

/// Problems in the order of their places; the same problem at the same place is kept once.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    sources: Arc<[Source]>,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// None yet, about `sources`.
    pub fn new(sources: Arc<[Source]>) -> Self {
        Self {
            sources,
            list: Vec::new(),
        }
    }

    /// Adds an error at `span`.
    pub fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Error, span, printable(&message.into()))
    }

    /// Adds a warning at `span`.
    pub fn warning(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Warning, span, printable(&message.into()))
    }

    /// Whether the configuration cannot be used.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether an error has been reported about `span`, or about a part of it.
    pub fn has_error_at(&self, span: Span) -> bool {
        let range = span.range();
        let within = |other: &Diagnostic| {
            other.span.source() == span.source() && range.contains(&other.span.start())
        };
        self.list
            .iter()
            .any(|d| d.severity == Severity::Error && within(d))
    }

    /// All of them, in the order of their places.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// `file:line` of `span`, to name a second place in a message.
    pub fn place(&self, span: Span) -> String {
        match self.sources.get(span.source()) {
            Some(source) => format!("{}:{}", source.name, Location::of(source, span).line),
            None => "the built-in defaults".to_owned(),
        }
    }

    /// Drops what `keep` refuses; for errors that only follow from another one.
    pub(super) fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.list.retain(keep);
    }

    /// Adds those of another collection about the same sources.
    pub(super) fn extend(&mut self, other: &Self) {
        for diagnostic in &other.list {
            let added = self.add(
                diagnostic.severity,
                diagnostic.span,
                diagnostic.message.clone(),
            );
            added.help.clone_from(&diagnostic.help);
        }
    }

    fn add(&mut self, severity: Severity, span: Span, message: String) -> &mut Diagnostic {
        let place = |s: Span| (s.source(), s.start());
        let end = self.list.partition_point(|d| place(d.span) <= place(span));
        let start = self.list[..end].partition_point(|d| place(d.span) < place(span));
        let same = self.list[start..end]
            .iter()
            .position(|d| d.severity == severity && d.message == message);
        if let Some(at) = same {
            return &mut self.list[start + at];
        }
        let (file, location) = match self.sources.get(span.source()) {
            Some(source) => (source.name.clone(), Location::of(source, span)),
            None => (String::new(), Location::default()),
        };
        let Location {
            line,
            column,
            text,
            underline,
        } = location;
        let diagnostic = Diagnostic {
            severity,
            file,
            line,
            column,
            source_line: text,
            underline,
            message,
            help: None,
            span,
        };
        self.list.insert(end, diagnostic);
        &mut self.list[end]
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.list {
            writeln!(f, "{diagnostic}")?;
        }
        let errors = self
            .list
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .count();
        let warnings = self.list.len() - errors;
        let sources = self.list.iter().map(|d| d.span.source());
        let files = sources
            .filter(|source| *source < self.sources.len())
            .collect::<BTreeSet<_>>()
            .len();
        if errors > 0 || warnings == 0 {
            write!(f, "{}", Count(errors, "error"))?;
        }
        if errors > 0 && warnings > 0 {
            write!(f, " and ")?;
        }
        if warnings > 0 {
            write!(f, "{}", Count(warnings, "warning"))?;
        }
        if files > 0 {
            write!(f, " in {}", Count(files, "file"))?;
        }
        writeln!(f)
    }
}

impl std::error::Error for Diagnostics {}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(f, "{severity}: {}", self.message)?;
        let gutter = self.line.to_string().len();
        if self.line > 0 {
            // A tab is shown as one blank, so that the carets stay below their characters.
            let text = self.source_line.replace(|c: char| c.is_control(), " ");
            writeln!(
                f,
                "{:gutter$}--> {}:{}:{}",
                "", self.file, self.line, self.column
            )?;
            writeln!(f, "{:gutter$} |", "")?;
            writeln!(f, "{} | {text}", self.line)?;
            let blank = self.column - 1;
            writeln!(
                f,
                "{:gutter$} | {:blank$}{:^<width$}",
                "",
                "",
                "",
                width = self.underline
            )?;
        } else if !self.file.is_empty() {
            writeln!(f, "{:gutter$}--> {}", "", self.file)?;
        }
        if let Some(help) = &self.help {
            writeln!(f, "{:gutter$} = help: {help}", "")?;
        }
        Ok(())
    }
}

/// A message quotes files and the environment: what they hold must not reach the terminal raw.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[derive(Default)]
struct Location {
    line: usize,
    column: usize,
    text: String,
    underline: usize,
}

impl Location {
    fn of(source: &Source, span: Span) -> Self {
        let text = source.text.as_str();
        if text.is_empty() {
            return Self::default();
        }
        let range = span.range();
        let start = text.floor_char_boundary(range.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = text.floor_char_boundary(range.end.clamp(start, line_end));
        Self {
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            text: text[line_start..line_end].trim_end_matches('\r').to_owned(),
            underline: text[start..end].chars().count().max(1),
        }
    }
}

struct Count(usize, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}{}",
            self.0,
            self.1,
            if self.0 == 1 { "" } else { "s" }
        )
    }
}
