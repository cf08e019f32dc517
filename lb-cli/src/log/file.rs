//! A file of lines, which others may move away.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

/// A file that is appended to.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// Device and inode of what is open.
    identity: Option<(u64, u64)>,
}

impl LogFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // A FIFO without a reader would be waited for; one that is open for both is not.
        let fifo = fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
        let mut options = OpenOptions::new();
        match fifo {
            true => options.read(true).write(true),
            false => options.append(true).create(true),
        };
        let file = options.open(path)?;
        let identity = file.metadata().ok().map(|found| identity(&found));
        Ok(Self {
            path: path.to_owned(),
            file,
            identity,
        })
    }

    /// Opens the path anew if another file is there now, or none: whoever rotates logs has moved ours away.
    ///
    /// # Errors
    ///
    /// The new one cannot be opened; the old one stays.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        let there = fs::metadata(&self.path).ok();
        if there.as_ref().map(identity) != self.identity {
            *self = Self::open(&self.path)?;
        }
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }
}

fn identity(found: &fs::Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew() {
        let path = std::env::temp_dir().join(format!("lb-log-{}.log", std::process::id()));
        let moved = path.with_extension("1");
        let mut file = LogFile::open(&path).unwrap();
        file.write(b"one\n").unwrap();
        fs::rename(&path, &moved).unwrap();
        file.reopen().unwrap();
        file.write(b"two\n").unwrap();
        file.reopen().unwrap();
        file.write(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&moved).unwrap(), "one\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\nthree\n");
        fs::remove_file(path).unwrap();
        fs::remove_file(moved).unwrap();
    }
}
