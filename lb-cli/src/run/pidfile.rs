//! `pidfile`: where others find the number of this process.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
};

/// A file with the number of this process; it goes with this value.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes it whole or not at all, over that of a process before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(path: &Path) -> io::Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", process::id()));
        let fresh = path.with_file_name(name);
        fs::write(&fresh, format!("{}\n", process::id()))?;
        fs::rename(&fresh, path)?;
        Ok(Self {
            path: path.to_owned(),
        })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Another process may have written its own by now. In a chroot, or as another user, it stays.
        let own = fs::read_to_string(&self.path)
            .is_ok_and(|text| text.trim() == process::id().to_string());
        if own {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_the_number_and_goes_with_its_process_only() {
        let path = std::env::temp_dir().join(format!("lb-pidfile-{}", process::id()));
        let file = PidFile::write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{}\n", process::id()));
        drop(file);
        assert!(!path.exists());
        let file = PidFile::write(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
        drop(file);
        assert!(path.exists(), "it is somebody else's");
        fs::remove_file(&path).unwrap();
    }
}
