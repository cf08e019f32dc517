//! What a proxy has used: processor time and memory of a process, its threads and its children, read from `/proc`.
//!
//! Time comes from `schedstat`, which the scheduler counts in nanoseconds at every switch; `/proc/PID/stat` counts ticks of 10 ms.
//! Memory comes from `smaps_rollup`, which walks the page tables; `VmRSS` of `status` is allowed to lag by some hundred KiB.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Processor time and resident memory of one process tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// User and kernel time since the start, of all live threads.
    pub cpu: Duration,
    /// Resident bytes; pages that a parent and its child share count twice.
    pub rss: u64,
}

impl Usage {
    /// Reads the usage of `pid` and its descendants (nginx works in a child).
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let mut usage = Self {
            cpu: Duration::ZERO,
            rss: rss(pid)?,
        };
        let mut children = String::new();
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let task = task?.path();
            // A thread may end between the listing and the reading; what it used is then lost.
            let Ok(schedstat) = fs::read_to_string(task.join("schedstat")) else {
                continue;
            };
            usage.cpu +=
                parse_schedstat(&schedstat).ok_or_else(|| malformed(&task.join("schedstat")))?;
            children.push_str(&fs::read_to_string(task.join("children")).unwrap_or_default());
        }
        for child in children
            .split_ascii_whitespace()
            .filter_map(|pid| pid.parse().ok())
        {
            let child = match Self::of(child) {
                Ok(child) => child,
                // So may a child.
                Err(error) if is_gone(&error) => continue,
                Err(error) => return Err(error),
            };
            usage.cpu += child.cpu;
            usage.rss += child.rss;
        }
        Ok(usage)
    }
}

/// Was the process there when it was listed, and is not any more?
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

fn rss(pid: u32) -> io::Result<u64> {
    let path = PathBuf::from(format!("/proc/{pid}/smaps_rollup"));
    let text = fs::read_to_string(&path)?;
    parse_rss(&text).ok_or_else(|| malformed(&path))
}

fn malformed(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("cannot read {}", path.display()),
    )
}

/// The first of the three numbers: nanoseconds on a processor.
fn parse_schedstat(text: &str) -> Option<Duration> {
    let mut fields = text.split_ascii_whitespace();
    let running = fields.next()?.parse().ok()?;
    (fields.count() == 2).then_some(Duration::from_nanos(running))
}

/// The line `Rss:  1234 kB`, in bytes.
fn parse_rss(text: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    let kib: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedstat_is_nanoseconds_on_a_processor() {
        assert_eq!(
            parse_schedstat("601853285 620123 13\n"),
            Some(Duration::from_nanos(601_853_285))
        );
    }

    #[test]
    fn schedstat_of_another_shape_is_refused() {
        for text in ["", "12", "12 34", "a 1 2", "-1 1 2", "1 2 3 4"] {
            assert_eq!(parse_schedstat(text), None, "{text:?}");
        }
    }

    #[test]
    fn rss_is_found_among_the_other_lines() {
        let rollup = "55d0-7ffd ---p 00000000 00:00 0    [rollup]\nRss:                4312 kB\nPss:  1999 kB\n";
        assert_eq!(parse_rss(rollup), Some(4312 * 1024));
        assert_eq!(parse_rss("Pss:  1999 kB\n"), None);
        assert_eq!(parse_rss("Rss:  many kB\n"), None);
    }

    #[test]
    fn a_process_that_has_ended_is_gone() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        // Ended and not waited for, then waited for: the system says two things.
        let zombie = (0..100_000).find_map(|_| Usage::of(pid).err()).unwrap();
        child.wait().unwrap();
        let waited_for = Usage::of(pid).unwrap_err();
        assert!(
            is_gone(&zombie) && is_gone(&waited_for),
            "{zombie} {waited_for}"
        );
    }

    #[test]
    fn work_done_by_another_thread_is_counted() {
        let before = Usage::of(std::process::id()).unwrap();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let (done, when_done) = std::sync::mpsc::channel();
        let worker = std::thread::spawn(move || {
            let sum = (0..20_000_000u64).fold(0, |sum, n| std::hint::black_box(sum ^ n));
            done.send(sum).unwrap();
            stopped.recv().ok();
        });
        when_done.recv().unwrap();
        let after = Usage::of(std::process::id()).unwrap();
        drop(stop);
        worker.join().unwrap();
        // 20 million dependent steps take no processor less than 2 ms; the other tests only add to it.
        assert!(
            after.cpu >= before.cpu + Duration::from_millis(2),
            "{before:?} {after:?}"
        );
        assert!(after.rss > 100 * 1024);
    }
}
