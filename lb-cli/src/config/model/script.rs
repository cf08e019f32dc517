//! `[script.NAME]`: a program whose exit code says whether something works; Keepalived's `vrrp_script`.

use std::time::Duration;

use super::{Program, checked_name, vrrp::WEIGHTS};
use crate::config::{Spanned, print::Printer, section::Section};

/// A program that is run again and again, for virtual routers that track it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its name.
    pub name: Spanned<String>,
    /// What is run; `None` only where it was refused.
    pub command: Option<Program>,
    /// Between two starts. 1 s.
    pub interval: Duration,
    /// A run that takes longer has failed. As `interval`.
    pub timeout: Duration,
    /// Successes in a row until it is up. 1.
    pub rise: u32,
    /// Failures in a row until it is down. 1.
    pub fall: u32,
    /// What it adds to a priority: see [`TrackScript`](super::TrackScript). 0.
    pub weight: i16,
    /// Who runs it: a name or a number; `None`: who runs `lb`.
    pub user: Option<Spanned<String>>,
    /// It counts as failed until `rise` successes, and not by its first result.
    pub init_fail: bool,
}

impl Script {
    pub(crate) fn read(name: Spanned<String>, section: &Section<'_>) -> Self {
        let interval = section
            .duration("interval")
            .unwrap_or(Duration::from_secs(1));
        let script = Self {
            name: checked_name(section.cx, name, "a script"),
            command: section.require("command"),
            interval,
            timeout: section.duration("timeout").unwrap_or(interval),
            rise: section.number("rise", 1..=10_000).unwrap_or(1),
            fall: section.number("fall", 1..=10_000).unwrap_or(1),
            weight: section.number("weight", WEIGHTS).unwrap_or(0),
            user: section
                .value("user")
                .and_then(|user| Some(Spanned::new(user.single_word()?, user.span()))),
            init_fail: section.flag("init_fail"),
        };
        section.finish(&[]);
        script
    }

    pub(crate) fn print(&self, out: &mut Printer) {
        out.table(&["script", &self.name]);
        out.set_some("command", self.command.as_ref());
        out.set("interval", self.interval);
        out.set("timeout", self.timeout);
        out.set("rise", self.rise);
        out.set("fall", self.fall);
        out.set("weight", self.weight);
        out.set_some("user", self.user.as_ref());
        out.set("init_fail", self.init_fail);
    }
}
