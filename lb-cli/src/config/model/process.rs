//! `user`, `group`, `chroot`, `pidfile`: what the process becomes once its sockets are bound.

use std::path::PathBuf;

use crate::config::{Spanned, print::Printer, section::Section, value::Value};

/// What the process becomes once its sockets are bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// The user it runs as; `None`: as it was started.
    pub user: Option<Spanned<String>>,
    /// The group; `None`: that of `user`.
    pub group: Option<Spanned<String>>,
    /// The directory that becomes its root.
    pub chroot: Option<Spanned<PathBuf>>,
    /// Where its number is written.
    pub pidfile: Option<Spanned<PathBuf>>,
}

impl Process {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        Self {
            user: section.value("user").and_then(|value| name(&value)),
            group: section.value("group").and_then(|value| name(&value)),
            chroot: section.value("chroot").and_then(|value| path(&value)),
            pidfile: section.value("pidfile").and_then(|value| path(&value)),
        }
    }

    pub(crate) fn print(&self, out: &mut Printer) {
        let text = |path: &Spanned<PathBuf>| path.display().to_string();
        out.set_some("user", self.user.as_ref());
        out.set_some("group", self.group.as_ref());
        out.set_some("chroot", self.chroot.as_ref().map(text));
        out.set_some("pidfile", self.pidfile.as_ref().map(text));
    }
}

/// A name or a number.
fn name(value: &Value<'_>) -> Option<Spanned<String>> {
    let text = value.text()?;
    match text.is_empty() || text.contains([':', ' ', '\0']) {
        true => value.fail("expected the name or the number of a user or group"),
        false => Some(text),
    }
}

fn path(value: &Value<'_>) -> Option<Spanned<PathBuf>> {
    let text = value.text()?;
    let path = PathBuf::from(text.as_str());
    match path.is_absolute() && !text.contains('\0') {
        true => Some(text.with(path)),
        false => value.fail("expected an absolute path"),
    }
}
