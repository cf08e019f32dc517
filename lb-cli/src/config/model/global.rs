//! `[global]`: the process as a whole.

use std::{num::NonZeroUsize, time::Duration};

use super::{Admin, LogTarget, Process};
use crate::config::{
    BindAddress, print::Printer, section::Section, types::FromValue, value::Value,
};

/// The process as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Global {
    /// Threads of the data path; `None`: one for each core.
    pub workers: Option<NonZeroUsize>,
    /// Client connections of the whole process; `None`: what `nofile` allows.
    pub maxconn: Option<u32>,
    /// Open files to ask for; `None`: what `maxconn` needs.
    pub nofile: Option<u64>,
    /// Where log lines go; empty: nowhere.
    pub log: Vec<LogTarget>,
    /// Where `lb ctl` connects; `None`: nowhere.
    pub admin: Option<Admin>,
    /// Where Prometheus asks; `None`: nowhere.
    pub metrics: Option<BindAddress>,
    /// Live connections are cut this long after a stop or reload. 30 s.
    pub hard_stop_after: Duration,
    /// The name in the process's own messages; `None`: they bear none.
    pub node: Option<String>,
    /// What the process becomes once its sockets are bound.
    pub process: Process,
}

impl Global {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let log = section
            .value("log")
            .and_then(|log| log.items())
            .into_iter()
            .flatten();
        let global = Self {
            workers: section.value("workers").and_then(|value| workers(&value)),
            maxconn: section.number("maxconn", 1..=i64::from(u32::MAX)),
            nofile: section.number("nofile", 64..=i64::MAX),
            log: log
                .filter_map(|target| LogTarget::from_value(&target))
                .collect(),
            admin: Admin::read(section),
            metrics: section.get("metrics"),
            hard_stop_after: section
                .get("hard_stop_after")
                .unwrap_or(Duration::from_secs(30)),
            node: section.value("node").and_then(|value| value.single_word()),
            process: Process::read(section),
        };
        section.finish(&[]);
        global
    }

    pub(crate) fn print(&self, out: &mut Printer) {
        out.table(&["global"]);
        match self.workers {
            Some(count) => out.set("workers", count.get() as u64),
            None => out.set("workers", "auto"),
        }
        out.set_some("maxconn", self.maxconn);
        out.set_some("nofile", self.nofile);
        out.set_any("log", &self.log);
        out.set_some("admin", self.admin.as_ref());
        out.set_some("metrics", self.metrics.as_ref());
        out.set("hard_stop_after", self.hard_stop_after);
        out.set_some("node", self.node.as_ref());
        self.process.print(out);
    }
}

/// `"auto"` or a number. The bound only catches typing errors.
fn workers(value: &Value<'_>) -> Option<NonZeroUsize> {
    let auto = value.is_string() && value.text().is_some_and(|text| text.as_str() == "auto");
    if auto {
        None
    } else {
        value
            .number("workers", &(1..=1024))
            .and_then(NonZeroUsize::new)
    }
}
