//! `[table.NAME]`: what is counted of clients; HAProxy's `stick-table`.

use std::time::Duration;

use lb_core::table::{DataType, KeyType, Stored};

use super::checked_name;
use crate::config::{
    Spanned,
    print::{Printer, ToToml, quoted},
    section::Section,
    types::FromValue,
    value::Value,
};

/// A table of keys and what is counted of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: Spanned<String>,
    /// What its keys are; `ip` only where it was refused.
    pub key: KeyType,
    /// Keys it has room for. 100,000.
    pub size: u32,
    /// After what time without use a key is forgotten; `None`: when there is no room.
    pub expire: Option<Duration>,
    /// A full table takes nobody new until somebody expires.
    pub nopurge: bool,
    /// What is stored of each key.
    pub store: Vec<Spanned<Stored>>,
}

impl Table {
    pub(crate) fn read(name: Spanned<String>, section: &Section<'_>) -> Self {
        let table = Self {
            name: checked_name(section.cx, name, "a table"),
            key: section
                .required("type")
                .and_then(|value| value.parse(str::parse::<KeyType>))
                .unwrap_or(KeyType::Ip),
            size: section
                .number("size", 1..=i64::from(u32::MAX))
                .unwrap_or(100_000),
            expire: section.duration("expire"),
            nopurge: section.flag("nopurge"),
            store: section.one_or_more("store"),
        };
        table.check(section);
        section.finish(&[]);
        table
    }

    /// Refuses what could have no effect.
    fn check(&self, section: &Section<'_>) {
        for (at, stored) in self.store.iter().enumerate() {
            let data = stored.data();
            if matches!(data, DataType::SessCnt | DataType::SessRate) {
                section.cx.warning(
                    stored.span(),
                    format!("nothing counts `{data}` yet: it stays 0"),
                    "rules on connections come with the next releases; `conn_cnt` counts what is tracked",
                );
            }
            if self.store[..at].iter().any(|other| other.data() == data) {
                let message = format!("`{data}` is stored already");
                section.cx.error(stored.span(), message, None);
            }
        }
        if let Some(value) = section.value("nopurge").filter(|_| self.nopurge)
            && self.expire.is_none()
        {
            section.cx.warning(
                value.span(),
                "a full table that forgets nobody takes nobody new, ever",
                "add `expire`",
            );
        }
    }

    pub(crate) fn print(&self, out: &mut Printer) {
        out.table(&["table", &self.name]);
        out.set("type", self.key);
        out.set("size", self.size);
        out.set_some("expire", self.expire);
        out.set("nopurge", self.nopurge);
        out.set_any("store", &self.store);
    }
}

impl FromValue for Spanned<Stored> {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let stored = value.parse(str::parse::<Stored>)?;
        Some(Spanned::new(stored, value.span()))
    }
}

impl ToToml for Stored {
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

impl ToToml for KeyType {
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}
