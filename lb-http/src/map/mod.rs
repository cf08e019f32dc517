//! Maps: files of keys and values, looked up by the `map` converters and changed while requests run.
//!
//! A file is read once, whoever names it, and its entries are one list; each kind of look-up (`map_str`, `map_beg`,
//! `map_ip`) has an index over it. Who looks up takes no lock: an edit makes the indexes anew beside the old ones and
//! puts them in their place, so it costs as much as reading the file, and [`Map::extend`] is there for many at once.
//!
//! HAProxy: `map`, `map_*` in 7.3.1 of its manual, `show map`, `get map`, `add map`, `set map`, `del map`, `clear map`,
//! `prepare map`, `commit map`.
//!
//! ```
//! use lb_core::condition::{Sample, Value};
//! use lb_http::map::{Kind, Map, Output, Which};
//!
//! let map = Map::parse("hosts.map", b"# comment\na.example  blue\n").unwrap();
//! let lookup = map.lookup(Kind::Str, Output::Str).unwrap();
//! let found = |key: &str| lookup.find(&Sample::Str(key.as_bytes()), |value| value.to_string());
//! assert_eq!(found("a.example").as_deref(), Some("blue"));
//!
//! map.add("b.example", "green").unwrap();
//! map.set(Which::Key("a.example"), "red").unwrap();
//! assert_eq!(found("a.example").as_deref(), Some("red"));
//! assert_eq!(found("b.example").as_deref(), Some("green"));
//! ```

mod index;
mod lookup;
mod read;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use lb_core::condition::{VersionError, Versions};

pub use self::lookup::{Kind, Lookup, Output};

/// The entries of a file.
#[derive(Debug)]
pub struct Map {
    name: Box<str>,
    entries: ArcSwap<Vec<Entry>>,
    /// Whoever holds it may edit.
    edits: Mutex<Edits>,
}

#[derive(Debug, Default)]
struct Edits {
    lookups: Vec<Arc<Lookup>>,
    next: u64,
    versions: Versions<Entry>,
}

/// What one index finds for a text (`get map`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// How keys are compared with it.
    pub kind: Kind,
    /// What values are.
    pub output: Output,
    /// The entry that is met.
    pub entry: Option<Entry>,
}

/// A line of the file, or one that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Tells it from others of the same key, as long as the map lives.
    pub id: u64,
    /// What is looked for, as written.
    pub key: Arc<str>,
    /// What belongs to it, as written.
    pub value: Arc<str>,
    /// Its line in the file, from 1; `None` for one that was added.
    pub line: Option<usize>,
}

/// Which entry an edit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// All of this key.
    Key(&'a str),
    /// The one of this id.
    Id(u64),
}

/// Why a map could not be read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// The file is not UTF-8.
    #[error("line {line} is not UTF-8")]
    NotText {
        /// From 1.
        line: usize,
    },
    /// A key or a value is not what a look-up of the map needs.
    #[error("{}`{text}`: {what}", line.map(|line| format!("line {line}, ")).unwrap_or_default())]
    Wrong {
        /// From 1; `None` for an entry that was to be added.
        line: Option<usize>,
        /// The key or the value.
        text: String,
        /// What is wrong with it.
        what: String,
    },
    /// There is no such entry.
    #[error("there is no such entry")]
    NotFound,
    /// There is no such version.
    #[error(transparent)]
    Version(#[from] VersionError),
}

impl Map {
    /// Reads the lines of a file: a key, blanks, a value. Lines that start with `#` and empty ones are skipped; a key
    /// alone has an empty value.
    ///
    /// # Errors
    /// A line that is not UTF-8.
    pub fn parse(name: &str, content: &[u8]) -> Result<Self, MapError> {
        let entries = read::entries(content)?;
        let edits = Edits {
            next: entries.len() as u64,
            ..Edits::default()
        };
        Ok(Self {
            name: name.into(),
            entries: ArcSwap::from_pointee(entries),
            edits: Mutex::new(edits),
        })
    }

    /// The name of its file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The entries as they are now, in order.
    pub fn entries(&self) -> Arc<Vec<Entry>> {
        self.entries.load_full()
    }

    /// An index over the entries, the same for the same kind and output.
    ///
    /// # Errors
    /// A key or a value that does not fit, with its line.
    pub fn lookup(&self, kind: Kind, output: Output) -> Result<Arc<Lookup>, MapError> {
        let mut edits = self.lock();
        if let Some(known) = edits.lookups.iter().find(|one| one.is(kind, output)) {
            return Ok(Arc::clone(known));
        }
        let lookup = Arc::new(Lookup::new(kind, output, &self.entries.load())?);
        edits.lookups.push(Arc::clone(&lookup));
        Ok(lookup)
    }

    /// Adds an entry at the end, also where there is one of its key: the first is found then.
    ///
    /// # Errors
    /// A key or a value that does not fit; nothing is changed then.
    pub fn add(&self, key: &str, value: &str) -> Result<(), MapError> {
        self.extend([(key, value)])
    }

    /// Adds all of these, or none.
    ///
    /// # Errors
    /// As [`Map::add`].
    pub fn extend<'e>(
        &self,
        added: impl IntoIterator<Item = (&'e str, &'e str)>,
    ) -> Result<(), MapError> {
        self.edit(&mut self.lock(), |entries, next| {
            entries.extend(added.into_iter().map(|added| entry(added, next)));
            true
        })
    }

    /// Adds all of these, or none, to a version that is prepared.
    ///
    /// # Errors
    /// As [`Map::add`], or there is no such version.
    pub fn extend_version<'e>(
        &self,
        version: u32,
        added: impl IntoIterator<Item = (&'e str, &'e str)>,
    ) -> Result<(), MapError> {
        let mut edits = self.lock();
        if version == edits.versions.current() {
            return self.edit(&mut edits, |entries, next| {
                entries.extend(added.into_iter().map(|added| entry(added, next)));
                true
            });
        }
        edits.versions.prepared(version)?;
        let next = &mut edits.next;
        let new: Vec<_> = added.into_iter().map(|added| entry(added, next)).collect();
        edits.index(&new)?;
        edits.versions.prepared_mut(version)?.extend(new);
        Ok(())
    }

    /// Begins a new version without entries, which no look-up sees, and says its number.
    pub fn prepare(&self) -> u32 {
        self.lock().versions.prepare()
    }

    /// Puts a version that is prepared in the place of the one in use, at once.
    ///
    /// # Errors
    /// There is no such version, or an entry of it does not fit; nothing is changed then.
    pub fn commit(&self, version: u32) -> Result<(), MapError> {
        let mut edits = self.lock();
        // A look-up may have come since they were added; the version is not lost then.
        edits.index(edits.versions.prepared(version)?)?;
        let new = edits.versions.commit(version)?;
        self.edit(&mut edits, |entries, _| {
            *entries = new;
            true
        })
    }

    /// The entries of a version.
    ///
    /// # Errors
    /// It is not in use and not prepared.
    pub fn entries_of(&self, version: u32) -> Result<Arc<Vec<Entry>>, VersionError> {
        let edits = self.lock();
        if version == edits.versions.current() {
            return Ok(self.entries());
        }
        Ok(Arc::new(edits.versions.prepared(version)?.clone()))
    }

    /// Takes all entries of a version away.
    ///
    /// # Errors
    /// It is not in use and not prepared.
    pub fn clear_version(&self, version: u32) -> Result<(), VersionError> {
        let mut edits = self.lock();
        if version == edits.versions.current() {
            drop(edits);
            self.clear();
            return Ok(());
        }
        edits.versions.prepared_mut(version)?.clear();
        Ok(())
    }

    /// The version in use, the last one that was prepared, and the entries of all.
    pub fn versions(&self) -> (u32, u32, usize) {
        let versions = &self.lock().versions;
        let count = self.entries.load().len() + versions.waiting();
        (versions.current(), versions.last(), count)
    }

    /// Gives an entry another value.
    ///
    /// # Errors
    /// No such entry, a value that does not fit; nothing is changed then.
    pub fn set(&self, which: Which<'_>, value: &str) -> Result<(), MapError> {
        self.edit(&mut self.lock(), |entries, _| {
            let mut found = false;
            for entry in entries.iter_mut().filter(|entry| which.is(entry)) {
                entry.value = value.into();
                found = true;
            }
            found
        })
    }

    /// Takes an entry away.
    ///
    /// # Errors
    /// No such entry.
    pub fn delete(&self, which: Which<'_>) -> Result<(), MapError> {
        self.edit(&mut self.lock(), |entries, _| {
            let before = entries.len();
            entries.retain(|entry| !which.is(entry));
            entries.len() < before
        })
    }

    /// Takes all entries away.
    pub fn clear(&self) {
        let cleared = self.edit(&mut self.lock(), |entries, _| {
            entries.clear();
            true
        });
        debug_assert!(cleared.is_ok(), "no entry is wrong where there is none");
    }

    /// What each index finds for `key`, as `get map` tells.
    pub fn matching(&self, key: &str) -> Vec<Found> {
        let edits = self.lock();
        let entries = self.entries();
        let found = edits.lookups.iter().map(|lookup| Found {
            kind: lookup.kind(),
            output: lookup.output(),
            entry: lookup.place_of(key).and_then(|at| entries.get(at).cloned()),
        });
        found.collect()
    }

    /// Changes the entries, and all indexes with them, unless one would be wrong or `change` says that it found none.
    fn edit(
        &self,
        edits: &mut Edits,
        change: impl FnOnce(&mut Vec<Entry>, &mut u64) -> bool,
    ) -> Result<(), MapError> {
        let mut entries = Vec::clone(&self.entries.load());
        let mut next = edits.next;
        if !change(&mut entries, &mut next) {
            return Err(MapError::NotFound);
        }
        let made = edits.index(&entries)?;
        self.entries.store(Arc::new(entries));
        for (lookup, index) in edits.lookups.iter().zip(made) {
            lookup.replace(index);
        }
        edits.next = next;
        Ok(())
    }

    /// Edits are whole or not made, so a panic leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Edits> {
        self.edits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Edits {
    /// For each kind of look-up.
    fn index(&self, entries: &[Entry]) -> Result<Vec<index::Index>, MapError> {
        let lookups = self.lookups.iter();
        lookups.map(|lookup| lookup.index_of(entries)).collect()
    }
}

fn entry((key, value): (&str, &str), next: &mut u64) -> Entry {
    let id = *next;
    *next += 1;
    Entry {
        id,
        key: key.into(),
        value: value.into(),
        line: None,
    }
}

impl Which<'_> {
    fn is(self, entry: &Entry) -> bool {
        match self {
            Self::Key(key) => *entry.key == *key,
            Self::Id(id) => entry.id == id,
        }
    }
}
