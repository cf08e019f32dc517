//! A program and its arguments, checked before it is ever run.

use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use thiserror::Error;
use tokio::process::Command;

use super::User;

/// A program that exists and may be run, with its arguments and its user. No shell is involved.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    user: Option<User>,
}

/// What is inherited; everything else of the environment stays here.
const INHERITED: [&str; 4] = ["PATH", "LANG", "LC_ALL", "TZ"];
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Program {
    /// The program `command` names, an argument list that begins with an absolute path; run as
    /// `user`, or as the process's own.
    ///
    /// # Errors
    /// A command that cannot be run, or that must not be run as root: then the program and every
    /// folder on its way belong to root and are writable by nobody else (Keepalived's
    /// `enable_script_security`). A folder with the sticky bit, as `/tmp`, may be writable.
    /// Only the program is looked at: of `["/bin/sh", "/path"]` that is `/bin/sh`.
    pub fn new(
        command: impl IntoIterator<Item = impl Into<OsString>>,
        user: Option<User>,
    ) -> Result<Self, ProgramError> {
        let mut arguments = command.into_iter().map(Into::into);
        let path = PathBuf::from(arguments.next().ok_or(ProgramError::Empty)?);
        if !path.is_absolute() {
            return Err(ProgramError::Relative(path));
        }
        let metadata = std::fs::metadata(&path).map_err(unreadable(&path))?;
        if !metadata.is_file() {
            return Err(ProgramError::NoFile(path));
        }
        if !executable(&metadata, user.as_ref()) {
            return Err(ProgramError::NotExecutable(path));
        }
        let as_root = match &user {
            Some(user) => user.uid() == 0,
            None => rustix::process::geteuid().is_root(),
        };
        if as_root {
            let real = std::fs::canonicalize(&path).map_err(unreadable(&path))?;
            only_roots(&path)?;
            only_roots(&real)?;
        }
        Ok(Self {
            path,
            arguments: arguments.collect(),
            user,
        })
    }

    /// The path of the program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ready to be spawned with `extra` arguments at the end: in a process group of its own, in
    /// `/`, with nothing on its standard input and output.
    pub(super) fn command<'a>(&self, extra: impl IntoIterator<Item = &'a OsStr>) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(&self.arguments)
            .args(extra)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .env_clear()
            .env("PATH", DEFAULT_PATH);
        for name in INHERITED {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let own_home = || std::env::var_os("HOME").map(PathBuf::from);
        let home = match &self.user {
            // With a user set and root's rights, std also empties the supplementary groups.
            Some(user) => {
                command.uid(user.uid()).gid(user.gid());
                user.home().cloned()
            }
            None => own_home(),
        };
        if let Some(home) = home {
            command.env("HOME", home);
        }
        command
    }
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> ProgramError {
    let path = path.to_owned();
    move |source| ProgramError::Missing {
        path: path.clone(),
        source,
    }
}

/// Whether the mode lets `user` execute it; without a user, whether it lets anybody.
fn executable(metadata: &Metadata, user: Option<&User>) -> bool {
    let bits = match user {
        Some(user) if user.uid() == 0 => 0o111,
        Some(user) if user.uid() == metadata.uid() => 0o100,
        Some(user) if user.gid() == metadata.gid() => 0o010,
        Some(_) => 0o001,
        None => 0o111,
    };
    metadata.permissions().mode() & bits != 0
}

/// Whether root alone can change what stands at `path`.
fn only_roots(path: &Path) -> Result<(), ProgramError> {
    for part in path.ancestors() {
        let metadata = std::fs::symlink_metadata(part).map_err(unreadable(part))?;
        let mode = metadata.permissions().mode();
        let sticky = metadata.is_dir() && mode & 0o1000 != 0;
        let writable = mode & 0o022 != 0 && !sticky && !metadata.is_symlink();
        if metadata.uid() != 0 || writable {
            return Err(ProgramError::Insecure {
                path: path.to_owned(),
                part: part.to_owned(),
                owner: metadata.uid(),
                mode: mode & 0o7777,
            });
        }
    }
    Ok(())
}

/// A program that cannot or must not be run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// The argument list is empty.
    #[error("the command is empty: its first argument is the path of a program")]
    Empty,
    /// The program is not named by an absolute path; `PATH` is not searched.
    #[error("{} is no absolute path", .0.display())]
    Relative(PathBuf),
    /// It cannot be looked at.
    #[error("{} cannot be used", path.display())]
    Missing {
        /// The program, or a folder above it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a folder or something else.
    #[error("{} is no file", .0.display())]
    NoFile(PathBuf),
    /// Its mode does not let the user execute it.
    #[error("{} is not executable by the user it would run as", .0.display())]
    NotExecutable(PathBuf),
    /// It would run as root, but others than root can change it.
    #[error(
        "{} would run as root, but {} belongs to user {owner} with mode {mode:o}: \
         only root may own it and write to it",
        path.display(), part.display()
    )]
    Insecure {
        /// The program.
        path: PathBuf,
        /// The program itself or a folder above it.
        part: PathBuf,
        /// Who owns that part.
        owner: u32,
        /// Its permissions.
        mode: u32,
    },
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{chown, symlink};

    use tempfile::TempDir;

    use super::*;

    fn file(folder: &TempDir, mode: u32) -> PathBuf {
        let path = folder.path().join("program");
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    fn message(path: &Path, user: Option<&str>) -> String {
        let user = user.map(|user| user.parse().unwrap());
        match Program::new([path], user) {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let none = Program::new(Vec::<OsString>::new(), None);
        assert!(matches!(none, Err(ProgramError::Empty)));
        assert_eq!(message(Path::new("sh"), None), "sh is no absolute path");
        assert_eq!(message(Path::new("/tmp"), None), "/tmp is no file");
        let gone = folder.path().join("gone");
        let said = format!("{} cannot be used", gone.display());
        assert_eq!(message(&gone, None), said);
        assert!(message(&file(&folder, 0o644), None).contains("not executable"));
        assert_eq!(message(&file(&folder, 0o755), None), "ok");
    }

    #[test]
    fn a_user_needs_the_right_to_execute() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, 0o700);
        assert!(message(&path, Some("nobody")).contains("not executable by the user"));
        assert_eq!(message(&file(&folder, 0o755), Some("nobody")), "ok");
    }

    #[test]
    fn root_runs_nothing_that_others_can_change() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o775, 0o757] {
            let path = file(&folder, mode);
            assert!(message(&path, None).contains("would run as root"));
            assert!(message(&path, Some("root")).contains(&format!("mode {mode:o}")));
            assert_eq!(message(&path, Some("nobody")), "ok");
        }
        let path = file(&folder, 0o755);
        chown(&path, Some(65534), None).unwrap();
        assert!(message(&path, None).contains("belongs to user 65534"));
    }

    #[test]
    fn folders_and_links_count_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, 0o755);
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        symlink(&path, open.join("link")).unwrap();
        assert_eq!(message(&open.join("link"), None), "ok");
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        assert!(message(&open.join("link"), None).contains("open belongs to user 0"));
        // A safe link to a program that is not.
        fs::copy(&path, open.join("program")).unwrap();
        let link = folder.path().join("link");
        symlink(open.join("program"), &link).unwrap();
        assert!(message(&link, None).contains("open belongs to user 0"));
        fs::set_permissions(&open, Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(message(&open.join("link"), None), "ok");
    }
}
