//! A place that lines are written to, and which of them go there.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
};

use super::{Batch, Level, syslog::Syslog};
use crate::config::model::{LogTarget, LogTo};

/// A destination with its filter.
pub(super) struct Target {
    /// The least severe lines that go there.
    level: Level,
    way: Way,
}

enum Way {
    Stdout,
    Stderr,
    File(File),
    Syslog(Box<Syslog>),
}

impl Target {
    pub(super) fn open(target: &LogTarget) -> io::Result<Self> {
        let named =
            |name: &str, error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"));
        let way = match &target.to {
            LogTo::Stdout => Way::Stdout,
            LogTo::Stderr => Way::Stderr,
            LogTo::File(path) => Way::File(
                OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(path)
                    .map_err(|error| named(&path.display().to_string(), error))?,
            ),
            LogTo::Syslog(address) => {
                let syslog = Syslog::udp(target, address);
                Way::Syslog(Box::new(
                    syslog.map_err(|error| named(&address.to_string(), error))?,
                ))
            }
            LogTo::Unix(path) => {
                let syslog = Syslog::unix(target, path);
                Way::Syslog(Box::new(
                    syslog.map_err(|error| named(&path.display().to_string(), error))?,
                ))
            }
        };
        Ok(Self {
            level: target.level,
            way,
        })
    }

    /// A target that fails, such as a closed pipe or a full disk, loses lines and
    /// nothing else.
    pub(super) fn write(&mut self, batch: &Batch) {
        if batch.level > self.level {
            return;
        }
        let bytes = &batch.bytes;
        let _ = match &mut self.way {
            Way::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            Way::Stderr => io::stderr().lock().write_all(bytes),
            Way::File(file) => file.write_all(bytes),
            Way::Syslog(syslog) => {
                syslog.send(batch);
                Ok(())
            }
        };
    }
}
