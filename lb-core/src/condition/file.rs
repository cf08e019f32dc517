//! Files of patterns, `-f FILE`: read once, shared by every test that names them, changed while requests run.
//!
//! Whoever matches takes no lock: a change makes the compiled patterns anew beside the old ones and puts them in their
//! place. HAProxy: `show acl`, `add acl`, `del acl`, `clear acl`.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;

use super::{
    error::{ConditionError, Span},
    pattern::{Matcher, Method, Source},
    sample::Sample,
};

/// The pattern files of a configuration.
#[derive(Debug, Default)]
pub struct PatternFiles(Mutex<BTreeMap<Box<str>, Arc<PatternFile>>>);

/// The patterns of one file.
#[derive(Debug)]
pub struct PatternFile {
    name: Box<str>,
    entries: ArcSwap<Vec<PatternEntry>>,
    /// Whoever holds it may change them.
    edits: Mutex<Edits>,
}

#[derive(Debug)]
struct Edits {
    views: Vec<Arc<FileMatcher>>,
    next: u64,
}

/// A pattern of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PatternEntry {
    /// Tells it from others of the same text, as long as the file is known.
    pub id: u64,
    /// As written.
    pub text: Arc<[u8]>,
    /// Its line, from 1; `None` for one that was added.
    pub line: Option<usize>,
}

/// The patterns of a file, compiled for one method.
#[derive(Debug)]
pub(super) struct FileMatcher {
    method: Method,
    ignore_case: bool,
    matcher: ArcSwap<Matcher>,
}

impl PatternFiles {
    /// All of them, by name.
    pub fn all(&self) -> Vec<Arc<PatternFile>> {
        self.lock().values().cloned().collect()
    }

    /// The one of this name.
    pub fn find(&self, name: &str) -> Option<Arc<PatternFile>> {
        self.lock().get(name).cloned()
    }

    /// The one of this name, which is read with its first use.
    pub(super) fn load(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> io::Result<Vec<u8>>,
    ) -> io::Result<Arc<PatternFile>> {
        let mut files = self.lock();
        if let Some(file) = files.get(name) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(PatternFile::new(name, &read(name)?));
        files.insert(name.into(), Arc::clone(&file));
        Ok(file)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Arc<PatternFile>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PatternFile {
    /// A pattern a line: leading blanks dropped, empty lines and those that start with `#` skipped.
    fn new(name: &str, content: &[u8]) -> Self {
        let lines = content.split(|b| *b == b'\n').enumerate();
        let entries: Vec<_> = lines
            .filter(|(_, line)| !line.starts_with(b"#"))
            .map(|(number, line)| {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let blank = line.iter().take_while(|b| matches!(b, b' ' | b'\t'));
                (number + 1, &line[blank.count()..])
            })
            .filter(|(_, line)| !line.is_empty())
            .enumerate()
            .map(|(id, (line, text))| PatternEntry {
                id: id as u64,
                text: text.into(),
                line: Some(line),
            })
            .collect();
        let edits = Edits {
            views: Vec::new(),
            next: entries.len() as u64,
        };
        Self {
            name: name.into(),
            entries: ArcSwap::from_pointee(entries),
            edits: Mutex::new(edits),
        }
    }

    /// The name of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The patterns as they are now, in order.
    pub fn entries(&self) -> Arc<Vec<PatternEntry>> {
        self.entries.load_full()
    }

    /// Adds a pattern.
    ///
    /// # Errors
    /// It is none to one of the tests that use this file; nothing is changed then.
    pub fn add(&self, text: &str) -> Result<(), ConditionError> {
        self.edit(|entries, next| {
            entries.push(PatternEntry {
                id: *next,
                text: text.as_bytes().into(),
                line: None,
            });
            *next += 1;
        })
    }

    /// Takes away all patterns for which `is` says so, and says how many they were.
    pub fn delete(&self, mut is: impl FnMut(&PatternEntry) -> bool) -> usize {
        let mut gone = 0;
        let deleted = self.edit(|entries, _| {
            let before = entries.len();
            entries.retain(|entry| !is(entry));
            gone = before - entries.len();
        });
        debug_assert!(deleted.is_ok(), "fewer patterns are no more wrong");
        gone
    }

    fn edit(
        &self,
        change: impl FnOnce(&mut Vec<PatternEntry>, &mut u64),
    ) -> Result<(), ConditionError> {
        let mut edits = self.lock();
        let mut entries = Vec::clone(&self.entries.load());
        let mut next = edits.next;
        change(&mut entries, &mut next);
        let span = Span { offset: 0, len: 0 };
        let made = edits
            .views
            .iter()
            .map(|view| compile(&entries, view.method, view.ignore_case, span));
        let made = made.collect::<Result<Vec<_>, _>>()?;
        self.entries.store(Arc::new(entries));
        for (view, matcher) in edits.views.iter().zip(made) {
            view.matcher.store(Arc::new(matcher));
        }
        edits.next = next;
        Ok(())
    }

    /// The patterns for a method; `span` is where the file is named.
    pub(super) fn matcher(
        &self,
        method: Method,
        ignore_case: bool,
        span: Span,
    ) -> Result<Arc<FileMatcher>, ConditionError> {
        let mut edits = self.lock();
        let same =
            |view: &&Arc<FileMatcher>| (view.method, view.ignore_case) == (method, ignore_case);
        if let Some(view) = edits.views.iter().find(same) {
            return Ok(Arc::clone(view));
        }
        let matcher = compile(&self.entries.load(), method, ignore_case, span)?;
        let view = Arc::new(FileMatcher {
            method,
            ignore_case,
            matcher: ArcSwap::from_pointee(matcher),
        });
        edits.views.push(Arc::clone(&view));
        Ok(view)
    }

    /// The patterns as they stand at `span`.
    pub(super) fn sources(&self, ignore_case: bool, span: Span) -> Vec<Source> {
        sources(&self.entries.load(), ignore_case, span)
    }

    /// A change is whole or not made, so a panic leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Edits> {
        self.edits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileMatcher {
    pub(super) fn matches(&self, sample: &Sample<'_>) -> bool {
        self.matcher.load().matches(sample)
    }

    pub(super) fn which(&self, sample: &Sample<'_>) -> Option<String> {
        self.matcher.load().which(sample)
    }
}

fn sources(entries: &[PatternEntry], ignore_case: bool, span: Span) -> Vec<Source> {
    let source = |entry: &PatternEntry| Source {
        bytes: entry.text.to_vec(),
        span,
        ignore_case,
        // One that was added has none; in a file there are no operators either way.
        line: Some(entry.line.unwrap_or(0)),
    };
    entries.iter().map(source).collect()
}

fn compile(
    entries: &[PatternEntry],
    method: Method,
    ignore_case: bool,
    span: Span,
) -> Result<Matcher, ConditionError> {
    Matcher::new(method, &sources(entries, ignore_case, span))
}
