//! What the process becomes: its user, its group, its root directory, its pid file.

use std::path::{Path, PathBuf};

use super::ids;
use crate::{
    config::{Diagnostics, model},
    run::Become,
};

/// What the process becomes once its sockets are bound.
#[derive(Debug, Default)]
pub struct Process {
    becomes: Become,
    pidfile: Option<PathBuf>,
}

impl Process {
    pub(super) fn compile(model: &model::Process, diagnostics: &mut Diagnostics) -> Self {
        let user = model.user.as_ref().and_then(|name| {
            let found = ids::user(name);
            if found.is_none() {
                let message = format!("there is no user `{name}` on this host");
                diagnostics.error(name.span(), message);
            }
            found
        });
        let group = model.group.as_ref().and_then(|name| {
            let found = ids::find(name, ids::GROUPS);
            if found.is_none() {
                let message = format!("there is no group `{name}` on this host");
                diagnostics.error(name.span(), message);
            }
            found
        });
        if let Some(directory) = model.chroot.as_ref().filter(|path| !path.is_dir()) {
            let message = format!("there is no directory {}", directory.display());
            diagnostics.error(directory.span(), message);
        }
        if let Some(file) = &model.pidfile
            && !file.parent().is_some_and(Path::is_dir)
        {
            let message = format!("{} has no directory to be in", file.display());
            diagnostics.error(file.span(), message);
        }
        Self {
            becomes: Become {
                uid: user.map(|user| user.0),
                gid: group.or(user.and_then(|user| user.1)),
                chroot: model.chroot.as_ref().map(|path| path.to_path_buf()),
            },
            pidfile: model.pidfile.as_ref().map(|path| path.to_path_buf()),
        }
    }

    /// Whom and where it is to be.
    pub(crate) fn becomes(&self) -> &Become {
        &self.becomes
    }

    /// Where its number is written.
    pub fn pidfile(&self) -> Option<&Path> {
        self.pidfile.as_deref()
    }
}
