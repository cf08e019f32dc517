//! Maps: files of keys and values, looked up by the `map` converters and changed while requests run.
//!
//! A file is read once, whoever names it, and its entries are one list; each kind of look-up (`map_str`, `map_beg`,
//! `map_ip`) has an index over it. Who looks up takes no lock: an edit makes the indexes anew beside the old ones and
//! puts them in their place, so it costs as much as reading the file, and [`Map::extend`] is there for many at once.
//!
//! HAProxy: `map`, `map_*` in 7.3.1 of its manual, `show map`, `add map`, `set map`, `del map`, `clear map`.
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

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

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
            lookups: Vec::new(),
            next: entries.len() as u64,
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
        self.edit(|entries, next| {
            for (key, value) in added {
                entries.push(Entry {
                    id: *next,
                    key: key.into(),
                    value: value.into(),
                    line: None,
                });
                *next += 1;
            }
            true
        })
    }

    /// Gives an entry another value.
    ///
    /// # Errors
    /// No such entry, a value that does not fit; nothing is changed then.
    pub fn set(&self, which: Which<'_>, value: &str) -> Result<(), MapError> {
        self.edit(|entries, _| {
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
        self.edit(|entries, _| {
            let before = entries.len();
            entries.retain(|entry| !which.is(entry));
            entries.len() < before
        })
    }

    /// Takes all entries away.
    pub fn clear(&self) {
        let cleared = self.edit(|entries, _| {
            entries.clear();
            true
        });
        debug_assert!(cleared.is_ok(), "no entry is wrong where there is none");
    }

    /// The entries that a look-up of `key` meets, one for each index, as `get map` tells.
    pub fn matching(&self, key: &str) -> Vec<Entry> {
        let edits = self.lock();
        let entries = self.entries();
        let places = edits
            .lookups
            .iter()
            .filter_map(|lookup| lookup.place_of(key));
        let mut found: Vec<Entry> = Vec::new();
        for entry in places.filter_map(|at| entries.get(at)) {
            if !found.contains(entry) {
                found.push(entry.clone());
            }
        }
        found
    }

    /// Changes the entries, and all indexes with them, unless one would be wrong or `change` says that it found none.
    fn edit(&self, change: impl FnOnce(&mut Vec<Entry>, &mut u64) -> bool) -> Result<(), MapError> {
        let mut edits = self.lock();
        let mut entries = Vec::clone(&self.entries.load());
        let mut next = edits.next;
        if !change(&mut entries, &mut next) {
            return Err(MapError::NotFound);
        }
        let made = edits.lookups.iter().map(|lookup| lookup.index_of(&entries));
        let made = made.collect::<Result<Vec<_>, _>>()?;
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

impl Which<'_> {
    fn is(self, entry: &Entry) -> bool {
        match self {
            Self::Key(key) => *entry.key == *key,
            Self::Id(id) => entry.id == id,
        }
    }
}
