//! Giving away what the process does not need once its sockets are bound: `user`, `group`, `chroot`.
//!
//! Of root's capabilities it keeps those that a virtual address needs, for the thread that moves it, and afterwards
//! only `CAP_NET_BIND_SERVICE`, so that a reload may add a port below 1024; workers and all others have none.

use std::{io, path::PathBuf};

use nix::unistd::{Gid, Uid, chdir, setgroups, setresgid, setresuid};
use rustix::{
    process::chroot,
    thread::{
        CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_keep_capabilities,
    },
};

/// Why the process cannot become what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivilegeError {
    /// The root directory cannot be changed.
    #[error("cannot enter the chroot {}", path.display())]
    Chroot {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nor can the group.
    #[error("cannot change to group {gid}")]
    Group {
        /// Its number.
        gid: u32,
        /// Why.
        source: io::Error,
    },
    /// Nor can the user.
    #[error("cannot change to user {uid}")]
    User {
        /// Its number.
        uid: u32,
        /// Why.
        source: io::Error,
    },
    /// What virtual addresses need cannot be kept.
    #[error("cannot keep the capabilities that virtual addresses need")]
    Capabilities(#[source] io::Error),
}

/// Whom and where the process is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Become {
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) chroot: Option<PathBuf>,
}

/// What is needed after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Virtual addresses are moved.
    pub(super) addresses: bool,
    /// Programs are run, perhaps as other users.
    pub(super) programs: bool,
}

impl Needs {
    fn capabilities(self) -> CapabilitySet {
        let mut kept = CapabilitySet::NET_BIND_SERVICE;
        if self.addresses {
            kept |= CapabilitySet::NET_ADMIN | CapabilitySet::NET_RAW | CapabilitySet::SYS_NICE;
        }
        if self.addresses && self.programs {
            kept |= CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::KILL;
        }
        kept
    }
}

impl Become {
    /// It will not be root any more.
    pub(super) fn drops_user(&self) -> bool {
        self.uid.is_some_and(|uid| uid != 0)
    }

    /// Becomes it, all threads of the process alike. Of the capabilities that it has, this thread keeps what `needs`
    /// says; other threads that are there already keep none.
    ///
    /// # Errors
    /// [`PrivilegeError`]; the process is of no use then.
    pub(super) fn become_it(&self, needs: Needs) -> Result<(), PrivilegeError> {
        if let Some(path) = &self.chroot {
            let entered = chroot(path)
                .map_err(io::Error::from)
                .and_then(|()| chdir("/").map_err(io::Error::from));
            entered.map_err(|source| PrivilegeError::Chroot {
                path: path.clone(),
                source,
            })?;
        }
        let kept = self.kept(needs).map_err(PrivilegeError::Capabilities)?;
        if let Some(gid) = self.gid {
            let changed = match Uid::effective().is_root() {
                true => setgroups(&[]),
                false => Ok(()),
            };
            let id = Gid::from_raw(gid);
            changed
                .and_then(|()| setresgid(id, id, id))
                .map_err(|error| PrivilegeError::Group {
                    gid,
                    source: error.into(),
                })?;
        }
        if let Some(uid) = self.uid {
            let id = Uid::from_raw(uid);
            setresuid(id, id, id).map_err(|error| PrivilegeError::User {
                uid,
                source: error.into(),
            })?;
        }
        if let Some(kept) = kept {
            limit_to(kept).map_err(PrivilegeError::Capabilities)?;
        }
        Ok(())
    }

    /// What this thread has of what is needed, if it would lose it with its user.
    fn kept(&self, needs: Needs) -> io::Result<Option<CapabilitySet>> {
        if self.uid.is_none_or(|uid| uid == 0) || !Uid::effective().is_root() {
            return Ok(None);
        }
        set_keep_capabilities(true)?;
        Ok(Some(capabilities(None)?.permitted & needs.capabilities()))
    }
}

/// Takes from this thread, and so from those it will start, all capabilities but that of binding low ports, after
/// those that needed more have it.
pub(super) fn keep_ports_only() -> io::Result<()> {
    limit_to(capabilities(None)?.permitted & CapabilitySet::NET_BIND_SERVICE)
}

fn limit_to(kept: CapabilitySet) -> io::Result<()> {
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    Ok(set_capabilities(None, sets)?)
}
