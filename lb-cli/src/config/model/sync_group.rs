//! `[sync_group.NAME]`: virtual routers that move together; Keepalived's `vrrp_sync_group`.

use super::checked_name;
use crate::config::{Spanned, print::Printer, section::Section};

/// Virtual routers of which all are master or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroup {
    /// Its name.
    pub name: Spanned<String>,
    /// The names of the virtual routers.
    pub members: Vec<Spanned<String>>,
}

impl SyncGroup {
    pub(crate) fn read(name: Spanned<String>, section: &Section<'_>) -> Self {
        let group = Self {
            name: checked_name(section.cx, name, "a sync group"),
            members: section.require("members").unwrap_or_default(),
        };
        section.finish(&[]);
        let stated = section
            .value("members")
            .filter(|members| members.is_array());
        match stated.map(|members| (members, members.one_or_more().len())) {
            Some((members, 0)) => {
                members.fail_with::<()>(
                    "a sync group has members",
                    "name the virtual routers that move together",
                );
            }
            Some((members, 1)) => {
                let message = "a sync group of one virtual router has no effect";
                let help = "add those that are to move with it";
                section.cx.warning(members.span(), message, help);
            }
            _ => {}
        }
        group
    }

    pub(crate) fn print(&self, out: &mut Printer) {
        out.table(&["sync_group", &self.name]);
        out.set("members", self.members.as_slice());
    }
}
