//! A place that lines are written to.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
};

use crate::config::model::{LogTarget, LogTo};

pub(super) enum Target {
    Stdout,
    Stderr,
    File(File),
}

impl Target {
    pub(super) fn open(target: &LogTarget) -> io::Result<Self> {
        Ok(match &target.to {
            LogTo::Stdout => Self::Stdout,
            LogTo::Stderr => Self::Stderr,
            LogTo::File(path) => Self::File(
                OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(path)
                    .map_err(|error| {
                        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
                    })?,
            ),
        })
    }

    /// A target that fails, such as a closed pipe or a full disk, loses lines and
    /// nothing else.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _ = match self {
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            Self::Stderr => io::stderr().lock().write_all(bytes),
            Self::File(file) => file.write_all(bytes),
        };
    }
}
