//! Programs that a configuration names: on this host, and safe to run.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::ids::User;
use crate::config::{Diagnostics, model::Program};

/// Adds what would keep `program` from being run, or should.
///
/// Keepalived drops a script it cannot run and goes on without the check.
pub(super) fn check(program: &Program, user: Option<User>, diagnostics: &mut Diagnostics) {
    let (path, span) = (program.path.as_str(), program.path.span());
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(why) => {
            let message = format!("cannot run `{path}`: {}", reason(&why));
            diagnostics.error(span, message);
            return;
        }
    };
    let mode = metadata.permissions().mode();
    if !metadata.is_file() {
        diagnostics.error(span, format!("cannot run `{path}`: it is not a file"));
    } else if mode & 0o111 == 0 {
        diagnostics
            .error(span, format!("cannot run `{path}`: it is not executable"))
            .help(format!("chmod +x {path}"));
    } else if mode & 0o002 != 0 && runs_as_root(user) {
        diagnostics
            .error(
                span,
                format!("`{path}` would be run by root, and anybody can write it"),
            )
            .help(format!("chmod o-w {path}"));
    }
}

fn runs_as_root(user: Option<User>) -> bool {
    user.map_or_else(
        || rustix::process::geteuid().is_root(),
        |user| user.uid == 0,
    )
}

/// As the system says it, without its number.
fn reason(why: &std::io::Error) -> String {
    let text = why.to_string();
    let (words, _) = text.split_once(" (os error").unwrap_or((&text, ""));
    words.to_lowercase()
}
