//! Unix sockets in the file system: stale files, owner and mode.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, chown};
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};

use super::error::Reason;

/// Who may connect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Permissions {
    pub(super) mode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
}

/// Binds `path`, which a process that has died may have left behind. Nobody can connect before
/// the caller listens, so the permissions hold from the first connection on.
pub(super) fn bind(path: &Path, permissions: &Permissions) -> Result<Socket, Reason> {
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    if let Err(reason) = permissions.apply(path) {
        // Ours, and of no use to anybody; the error that matters is the first.
        let _ = fs::remove_file(path);
        return Err(reason);
    }
    Ok(socket)
}

impl Permissions {
    fn apply(&self, path: &Path) -> Result<(), Reason> {
        // The owner first: chown(2) may clear bits of the mode.
        if self.uid.is_some() || self.gid.is_some() {
            chown(path, self.uid, self.gid).map_err(Reason::option("owner"))?;
        }
        if let Some(mode) = self.mode {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
                .map_err(Reason::option("mode"))?;
        }
        Ok(())
    }
}

/// Removes a socket that nothing listens on. Anything else at `path` is an error and stays.
fn remove_stale(path: &Path) -> Result<(), Reason> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(metadata) if !metadata.file_type().is_socket() => return Err(Reason::NotASocket),
        Ok(_) => {}
    }
    // Only a refusal proves that nobody is there: a full backlog, a socket of another type or
    // missing permission mean that somebody may be.
    let probe = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Ok(fs::remove_file(path)?)
        }
        _ => Err(Reason::InUse(io::ErrorKind::AddrInUse.into())),
    }
}
