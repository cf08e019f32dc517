//! HAProxy, as a peer.

use std::{
    io::Write as _,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// A running HAProxy. It is stopped when dropped.
pub(crate) struct Haproxy {
    child: Child,
    _directory: TempDir,
}

impl Haproxy {
    /// Runs it with these backends; `global` is added to its section.
    ///
    /// # Panics
    ///
    /// Where HAProxy is not installed, or refuses the configuration.
    pub(crate) fn start(global: &str, backends: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("haproxy.cfg");
        // It does not run without anything to listen on.
        let socket = directory.path().join("listen.sock");
        write!(
            std::fs::File::create(&path).unwrap(),
            "global\n  {global}\n\
             defaults\n  mode http\n  log global\n\
             \x20 timeout connect 2s\n  timeout client 2s\n  timeout server 2s\n\
             frontend none\n  bind unix@{}\n{backends}",
            socket.display()
        )
        .unwrap();
        let check = Command::new("haproxy")
            .args(["-c", "-q", "-f"])
            .arg(&path)
            .status()
            .expect("haproxy is needed for this test: apt-get install haproxy");
        assert!(check.success(), "HAProxy refuses the configuration");
        let child = Command::new("haproxy")
            .args(["-db", "-q", "-f"])
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            _directory: directory,
        }
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
