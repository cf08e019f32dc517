//! The run's directory: configurations, logs and the 1 MiB file, in memory where the system offers that.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Removed with all it holds when dropped.
#[derive(Debug)]
pub(crate) struct RunDirectory(PathBuf);

impl RunDirectory {
    /// Makes a new, empty directory in `/dev/shm`, else in the system's place for temporary files. On a disk, writing log lines would cost the proxies
    /// what the disk happens to cost.
    pub(crate) fn create(purpose: &str) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "lb-{purpose}-{}-{}",
            process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let memory = Path::new("/dev/shm").join(&name);
        if fs::create_dir(&memory).is_ok() {
            return Ok(Self(memory));
        }
        let other = env::temp_dir().join(name);
        fs::create_dir(&other)?;
        Ok(Self(other))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// Removes the directories of `purpose` that processes left whose number is `chosen`.
pub(crate) fn sweep(purpose: &str, chosen: impl Fn(u32) -> bool) {
    let prefix = format!("lb-{purpose}-");
    let owner = |name: &str| name.strip_prefix(&prefix)?.split('-').next()?.parse().ok();
    for place in [Path::new("/dev/shm"), &env::temp_dir()] {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            if entry
                .file_name()
                .to_str()
                .and_then(owner)
                .is_some_and(&chosen)
            {
                fs::remove_dir_all(entry.path()).ok();
            }
        }
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
