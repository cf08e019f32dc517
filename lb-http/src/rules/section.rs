//! What rules ask of the section they stand in.

use std::{fmt, io, path::Path};

use crate::transaction::Slot;

/// The frontend or backend of some rules.
#[derive(Clone, Copy)]
pub struct Section<'a> {
    pub(super) name: &'a str,
    /// Lengths of the declared slots; `None` in backends, which use those of whichever frontend.
    request: Option<&'a [usize]>,
    response: Option<&'a [usize]>,
    pub(super) read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    pub(super) waits: bool,
}

impl<'a> Section<'a> {
    /// A section of this name, which declares no slots and reads files from the disk.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Self {
            name,
            request: Some(&[]),
            response: Some(&[]),
            read: &|path| std::fs::read(path),
            waits: false,
        }
    }

    /// Sets the lengths of the slots that are declared for captures, of requests and of responses; rules that
    /// capture add theirs behind them.
    #[must_use]
    pub fn captures(mut self, request: &'a [usize], response: &'a [usize]) -> Self {
        (self.request, self.response) = (Some(request), Some(response));
        self
    }

    /// It has no slots of its own, but uses those of others: a backend.
    #[must_use]
    pub fn foreign_captures(mut self) -> Self {
        (self.request, self.response) = (None, None);
        self
    }

    /// Sets how files are read (`errorfile`, `file`, `lf-file`).
    #[must_use]
    pub fn files(mut self, read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>) -> Self {
        self.read = read;
        self
    }

    /// Whoever applies its rules waits where one says so ([`Verdict::Wait`](super::Verdict::Wait)).
    #[must_use]
    pub fn waits(mut self) -> Self {
        self.waits = true;
        self
    }

    /// The list that a slot is in.
    pub(super) fn slots(&self, slot: Slot) -> Option<&'a [usize]> {
        match slot {
            Slot::Request(_) => self.request,
            Slot::Response(_) => self.response,
        }
    }
}

impl Default for Section<'_> {
    fn default() -> Self {
        Self::new("lb")
    }
}

impl fmt::Debug for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
