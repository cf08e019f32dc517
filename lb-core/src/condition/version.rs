//! Versions of a list that is changed while it is used: one is in use, later ones are prepared beside it.
//!
//! HAProxy: `prepare map`, `commit map` and the `@VERSION` of `add`, `show` and `clear`.

use std::collections::BTreeMap;

/// The versions of a list that are not in use yet, and the number of the one that is.
#[derive(Debug)]
pub struct Versions<E> {
    current: u32,
    next: u32,
    prepared: BTreeMap<u32, Vec<E>>,
}

/// A version that cannot be changed or put to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// It has not been prepared.
    #[error("the version has not been prepared")]
    Future,
    /// It has been in use, or another one has been since it was prepared.
    #[error("the version is out of date")]
    Past,
}

impl<E> Default for Versions<E> {
    fn default() -> Self {
        Self {
            current: 0,
            next: 0,
            prepared: BTreeMap::new(),
        }
    }
}

impl<E> Versions<E> {
    /// The one in use; 0 at first.
    #[must_use]
    pub fn current(&self) -> u32 {
        self.current
    }

    /// The last one that was prepared.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.next
    }

    /// Begins a new one, empty, and says its number.
    pub fn prepare(&mut self) -> u32 {
        self.next += 1;
        self.prepared.insert(self.next, Vec::new());
        self.next
    }

    /// Entries of all that are prepared.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.prepared.values().map(Vec::len).sum()
    }

    /// One that is prepared.
    ///
    /// # Errors
    /// It is not, or no longer.
    pub fn prepared(&self, version: u32) -> Result<&Vec<E>, VersionError> {
        self.prepared.get(&version).ok_or(self.missing(version))
    }

    /// The same, to be changed.
    ///
    /// # Errors
    /// It is not, or no longer.
    pub fn prepared_mut(&mut self, version: u32) -> Result<&mut Vec<E>, VersionError> {
        let missing = self.missing(version);
        self.prepared.get_mut(&version).ok_or(missing)
    }

    /// Takes one out that is put to use now. Those that were prepared before it are forgotten.
    ///
    /// # Errors
    /// It is not prepared, or no longer.
    pub fn commit(&mut self, version: u32) -> Result<Vec<E>, VersionError> {
        let missing = self.missing(version);
        let entries = self.prepared.remove(&version).ok_or(missing)?;
        self.current = version;
        self.prepared = self.prepared.split_off(&version);
        Ok(entries)
    }

    fn missing(&self, version: u32) -> VersionError {
        match version > self.next {
            true => VersionError::Future,
            false => VersionError::Past,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_used_once_and_ends_those_before_it() {
        let mut versions = Versions::default();
        assert_eq!((versions.current(), versions.last()), (0, 0));
        assert_eq!([versions.prepare(), versions.prepare()], [1, 2]);
        versions.prepared_mut(2).unwrap().push('b');
        versions.prepared_mut(1).unwrap().push('a');
        assert_eq!(versions.waiting(), 2);
        assert_eq!(versions.prepared_mut(3), Err(VersionError::Future));
        assert_eq!(versions.commit(2), Ok(vec!['b']));
        assert_eq!((versions.current(), versions.waiting()), (2, 0));
        assert_eq!(versions.commit(1), Err(VersionError::Past));
        assert_eq!(versions.commit(2), Err(VersionError::Past));
        assert_eq!(versions.prepare(), 3);
    }
}
