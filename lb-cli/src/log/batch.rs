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

    /// Octets that it has room for.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
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

    /// Forgets the first lines, as many as that.
    pub(super) fn forget(&mut self, lines: usize) {
        let Some(&(end, _)) = lines.checked_sub(1).and_then(|last| self.lines.get(last)) else {
            return;
        };
        self.bytes.drain(..end);
        self.lines.drain(..lines);
        for (at, _) in &mut self.lines {
            *at -= end;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_gone_leave_the_others_as_they_are() {
        let mut batch = Batch::of(Level::Info, "one");
        batch.copy(Level::Alert, b"two\n");
        batch.copy(Level::Info, b"three\n");
        batch.forget(0);
        assert_eq!(batch.count(), 3);
        batch.forget(1);
        let lines: Vec<_> = batch.lines().collect();
        assert_eq!(
            lines,
            [(Level::Alert, &b"two"[..]), (Level::Info, b"three")]
        );
        batch.forget(2);
        assert!(batch.is_empty() && batch.bytes().is_empty());
    }
}
