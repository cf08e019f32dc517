//! Files of patterns, `-f FILE`: read once, shared by every test that names them, changed while requests run.
//!
//! Whoever matches takes no lock: a change makes the compiled patterns anew beside the old ones and puts them in their
//! place. HAProxy: `show acl`, `get acl`, `add acl`, `del acl`, `clear acl`, `prepare acl`, `commit acl`.

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
    version::{VersionError, Versions},
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
    versions: Versions<PatternEntry>,
}

/// Why patterns are not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// It is no pattern to one of the tests that use the file.
    #[error(transparent)]
    Pattern(#[from] ConditionError),
    /// There is no such version.
    #[error(transparent)]
    Version(#[from] VersionError),
}

/// What one way of matching with a file finds in a text (`get acl`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PatternMatch {
    /// How it matches, as after `-m`.
    pub method: &'static str,
    /// The case of letters does not count (`-i`).
    pub ignore_case: bool,
    /// The pattern that is met, as written.
    pub pattern: Option<String>,
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
            versions: Versions::default(),
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
        self.edit(&mut self.lock(), |entries, next| {
            entries.push(added(text, next));
        })
    }

    /// Adds a pattern to a version that is prepared.
    ///
    /// # Errors
    /// It is none, or there is no such version.
    pub fn add_to(&self, version: u32, text: &str) -> Result<(), EditError> {
        let mut edits = self.lock();
        if version == edits.versions.current() {
            return Ok(self.edit(&mut edits, |entries, next| {
                entries.push(added(text, next));
            })?);
        }
        edits.versions.prepared(version)?;
        let entry = added(text, &mut edits.next);
        edits.compile(std::slice::from_ref(&entry))?;
        edits.versions.prepared_mut(version)?.push(entry);
        Ok(())
    }

    /// Begins a new version without patterns, which no test sees, and says its number.
    pub fn prepare(&self) -> u32 {
        self.lock().versions.prepare()
    }

    /// Puts a version that is prepared in the place of the one in use, at once.
    ///
    /// # Errors
    /// There is no such version, or a pattern of it is none to a test; nothing is changed then.
    pub fn commit(&self, version: u32) -> Result<(), EditError> {
        let mut edits = self.lock();
        // A test may have come since they were added; the version is not lost then.
        edits.compile(edits.versions.prepared(version)?)?;
        let new = edits.versions.commit(version)?;
        self.edit(&mut edits, |entries, _| *entries = new)?;
        Ok(())
    }

    /// The patterns of a version.
    ///
    /// # Errors
    /// It is not in use and not prepared.
    pub fn entries_of(&self, version: u32) -> Result<Arc<Vec<PatternEntry>>, VersionError> {
        let edits = self.lock();
        if version == edits.versions.current() {
            return Ok(self.entries());
        }
        Ok(Arc::new(edits.versions.prepared(version)?.clone()))
    }

    /// Takes all patterns of a version away.
    ///
    /// # Errors
    /// It is not in use and not prepared.
    pub fn clear(&self, version: u32) -> Result<(), VersionError> {
        let mut edits = self.lock();
        if version != edits.versions.current() {
            edits.versions.prepared_mut(version)?.clear();
            return Ok(());
        }
        let cleared = self.edit(&mut edits, |entries, _| entries.clear());
        debug_assert!(cleared.is_ok(), "no pattern is wrong where there is none");
        Ok(())
    }

    /// The version in use, the last one that was prepared, and the patterns of all.
    pub fn versions(&self) -> (u32, u32, usize) {
        let versions = &self.lock().versions;
        let count = self.entries.load().len() + versions.waiting();
        (versions.current(), versions.last(), count)
    }

    /// What each way of matching with this file finds in a text.
    pub fn matching(&self, text: &str) -> Vec<PatternMatch> {
        let sample = Sample::Str(text.as_bytes());
        let edits = self.lock();
        let found = edits.views.iter().map(|view| PatternMatch {
            method: view.method.name(),
            ignore_case: view.ignore_case,
            pattern: view.which(&sample),
        });
        found.collect()
    }

    /// Takes away all patterns for which `is` says so, and says how many they were.
    pub fn delete(&self, mut is: impl FnMut(&PatternEntry) -> bool) -> usize {
        let mut gone = 0;
        let deleted = self.edit(&mut self.lock(), |entries, _| {
            let before = entries.len();
            entries.retain(|entry| !is(entry));
            gone = before - entries.len();
        });
        debug_assert!(deleted.is_ok(), "fewer patterns are no more wrong");
        gone
    }

    fn edit(
        &self,
        edits: &mut Edits,
        change: impl FnOnce(&mut Vec<PatternEntry>, &mut u64),
    ) -> Result<(), ConditionError> {
        let mut entries = Vec::clone(&self.entries.load());
        let mut next = edits.next;
        change(&mut entries, &mut next);
        let made = edits.compile(&entries)?;
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

impl Edits {
    /// For each way of matching.
    fn compile(&self, entries: &[PatternEntry]) -> Result<Vec<Matcher>, ConditionError> {
        let span = Span { offset: 0, len: 0 };
        let views = self.views.iter();
        views
            .map(|view| compile(entries, view.method, view.ignore_case, span))
            .collect()
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

fn added(text: &str, next: &mut u64) -> PatternEntry {
    let id = *next;
    *next += 1;
    PatternEntry {
        id,
        text: text.as_bytes().into(),
        line: None,
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
