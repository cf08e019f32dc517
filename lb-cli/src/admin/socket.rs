//! The socket itself: its file, and who is let in.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use lb_tcp::{Address, BindError, Listen, Listener};
use tokio::sync::Semaphore;

use super::{
    session,
    table::{Asker, Table},
};
use crate::{
    config::model::{Admin, AdminLevel},
    run::Succession,
};

/// Clients at a time; more wait. HAProxy's `stats maxconn`.
const CLIENTS: usize = 10;

/// Why there is no admin socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// There is no place for its file.
    #[error("cannot bind the admin socket {}: its directory does not exist", .0.display())]
    Directory(PathBuf),
    /// It cannot be listened on.
    #[error("cannot bind the admin socket {0}")]
    Bind(#[from] BindError),
}

/// A socket that is listened on; nobody is answered yet. Its file is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: Option<Listener>,
    level: AdminLevel,
    path: PathBuf,
    /// Device and number of its file: by then, another process may have put its own in its place.
    file: Option<(u64, u64)>,
}

impl Socket {
    /// Binds it. A file that a dead process left is replaced; one that is listened on is not.
    pub(crate) fn bind(admin: &Admin) -> Result<Self, AdminError> {
        if !admin.socket.parent().is_some_and(Path::is_dir) {
            return Err(AdminError::Directory(admin.socket.clone()));
        }
        let listen = Listen::new(Address::Unix(admin.socket.clone())).mode(admin.mode);
        Ok(Self {
            listener: Some(listen.bind()?),
            level: admin.level,
            path: admin.socket.clone(),
            file: file_at(&admin.socket),
        })
    }

    /// The socket of another process at the same place; its file stays that of the other one for now.
    pub(crate) fn adopt(admin: &Admin, listener: Listener) -> Self {
        Self {
            listener: Some(listener),
            level: admin.level,
            path: admin.socket.clone(),
            file: None,
        }
    }

    /// Its file is this process's from now on.
    ///
    /// # Errors
    /// When its permissions cannot be set.
    pub(crate) fn own_file(&mut self, admin: &Admin) -> io::Result<()> {
        self.file = file_at(&self.path);
        fs::set_permissions(&self.path, Permissions::from_mode(admin.mode))
    }

    /// Takes clients on the current runtime, for as long as it runs or until another process takes its place.
    ///
    /// # Errors
    /// When the runtime cannot watch the socket.
    pub(crate) fn open(&mut self, table: Table, succession: &Arc<Succession>) -> io::Result<()> {
        if let Some(listener) = self.listener.take() {
            let acceptor = Arc::new(listener.into_tokio()?);
            let handled = Served {
                table,
                level: self.level,
                succession: Arc::clone(succession),
            };
            let task = tokio::spawn(accept(Arc::clone(&acceptor), Arc::new(handled)));
            let address = self.path.display().to_string();
            succession.with_admin(address, &acceptor, task.abort_handle());
        }
        Ok(())
    }

    /// Its file is another process's from now on.
    pub(crate) fn forget_file(&mut self) {
        self.file = None;
    }
}

/// What clients are served with.
struct Served {
    table: Table,
    level: AdminLevel,
    succession: Arc<Succession>,
}

async fn accept(acceptor: Arc<lb_tcp::Acceptor>, served: Arc<Served>) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = acceptor.accept().await else {
            // Out of descriptors, most likely; to try again at once would burn the core.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        let served = Arc::clone(&served);
        tokio::spawn(async move {
            let asker = Asker {
                level: served.level,
                uid: uid_of(&stream),
            };
            // Who is gone or too slow is nobody to tell.
            if let Ok(Some(lb_tcp::Stream::Unix(stream))) =
                session::run(stream, &served.table, asker).await
                && let Err(why) = served.succession.give(stream).await
            {
                served
                    .table
                    .say(&format!("the process was not taken over: {why}"));
            }
            drop(place);
        });
    }
}

/// The user at the other end (`SO_PEERCRED`).
fn uid_of(stream: &lb_tcp::Stream) -> Option<u32> {
    match stream {
        lb_tcp::Stream::Unix(stream) => stream.peer_cred().ok().map(|peer| peer.uid()),
        _ => None,
    }
}

fn file_at(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.file.is_some() && file_at(&self.path) == self.file {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_its_own_stays() {
        let name = format!("lb-{}-own.sock", std::process::id());
        let path = std::env::temp_dir().join(name);
        let admin = Admin {
            socket: path.clone(),
            mode: 0o600,
            level: AdminLevel::Admin,
        };
        let socket = Socket::bind(&admin).unwrap();
        assert!(matches!(Socket::bind(&admin), Err(AdminError::Bind(_))));
        drop(socket);
        assert!(!path.exists());
        let socket = Socket::bind(&admin).unwrap();
        let other = path.with_extension("other");
        fs::write(&other, "").unwrap();
        fs::rename(&other, &path).unwrap();
        drop(socket);
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
    }
}
