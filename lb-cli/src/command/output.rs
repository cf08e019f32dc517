//! Writing to the terminal, or wherever standard output and error go.

use std::io::{self, ErrorKind, Write};

use super::Failed;
use crate::config::Diagnostics;

/// Writes to standard output what was asked for. A reader that has seen enough
/// (`lb check --print FILE | head`) is no error.
pub(super) fn print(text: &str) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failed::System(format!("cannot write: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes to standard error; there is nowhere to tell that it failed.
pub(super) fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Says what is not an error but should be known, if there is any.
pub(super) fn warn(warnings: &Diagnostics) {
    if !warnings.is_empty() {
        say(&warnings.to_string());
    }
}
