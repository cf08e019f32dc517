//! Lines on their way to a target.

use super::Level;

/// Whole lines, each with its level and a line feed at its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// Where each line ends.
    lines: Vec<(usize, Level)>,
}

impl Batch {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            lines: Vec::new(),
        }
    }

    pub(super) fn of(level: Level, line: &str) -> Self {
        let mut batch = Self::default();
        batch.push(level, |out| out.extend_from_slice(line.as_bytes()));
        batch
    }

    /// Adds a line that `write` writes, and hands it back, its line feed with it.
    pub(super) fn push(&mut self, level: Level, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.bytes.push(b'\n');
        self.lines.push((self.bytes.len(), level));
        &self.bytes[start..]
    }

    /// Adds a line that is written already.
    pub(super) fn copy(&mut self, level: Level, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.lines.push((self.bytes.len(), level));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many lines there are.
    pub(super) fn count(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Every line without its line feed.
    pub(super) fn lines(&self) -> impl Iterator<Item = (Level, &[u8])> {
        let mut start = 0;
        self.lines.iter().map(move |(end, level)| {
            let line = &self.bytes[start..end - 1];
            start = *end;
            (*level, line)
        })
    }
}
