//! `notify`: programs that are told of a change.

use crate::config::{
    model::Program,
    print::{ToToml, inline},
    section::{Place, Section},
};

/// Programs that are told of a change of state, called as Keepalived calls its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// On becoming master.
    pub master: Option<Program>,
    /// On becoming backup.
    pub backup: Option<Program>,
    /// On a fault.
    pub fault: Option<Program>,
    /// On the end of the process.
    pub stop: Option<Program>,
    /// On each of them, after the one above: with `INSTANCE`, name, state and priority after its arguments.
    pub any: Option<Program>,
}

impl Notify {
    pub(super) fn read(owner: &Section<'_>) -> Self {
        let Some(section) = owner.section("notify", Place::Plain) else {
            return Self::default();
        };
        let notify = Self {
            master: section.get("master"),
            backup: section.get("backup"),
            fault: section.get("fault"),
            stop: section.get("stop"),
            any: section.get("any"),
        };
        section.finish(&[]);
        notify
    }

    /// Each program that is named.
    pub fn programs(&self) -> impl Iterator<Item = &Program> {
        let Self {
            master,
            backup,
            fault,
            stop,
            any,
        } = self;
        [master, backup, fault, stop, any].into_iter().flatten()
    }
}

impl ToToml for Notify {
    fn to_toml(&self) -> String {
        let program = |program: &Option<Program>| program.as_ref().map(ToToml::to_toml);
        inline([
            ("master", program(&self.master)),
            ("backup", program(&self.backup)),
            ("fault", program(&self.fault)),
            ("stop", program(&self.stop)),
            ("any", program(&self.any)),
        ])
    }
}
