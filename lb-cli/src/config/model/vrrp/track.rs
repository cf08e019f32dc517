//! What a virtual router tracks: scripts, interfaces, backends.
//!
//! With weight 0 a failure means the state FAULT. A positive weight is added to the priority while the tracked thing works,
//! a negative one while it does not, as in Keepalived.

use std::ops::RangeInclusive;

use super::address;
use crate::config::{
    Spanned,
    print::{ToToml, inline},
    section::{Place, Section},
    types::FromValue,
    value::Value,
};

/// Keepalived's range of weights.
pub(crate) const WEIGHTS: RangeInclusive<i64> = -253..=253;

/// A script that is tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackScript {
    /// Its name.
    pub name: Spanned<String>,
    /// Instead of the script's own weight.
    pub weight: Option<i16>,
}

/// An interface that is tracked, besides the virtual router's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackInterface {
    /// Its name.
    pub name: Spanned<String>,
    /// 0.
    pub weight: i16,
}

/// A backend that is tracked: it works while enough of its servers are up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackBackend {
    /// Its name.
    pub name: Spanned<String>,
    /// How many servers are enough. 1.
    pub min_up: Spanned<u32>,
    /// 0.
    pub weight: i16,
}

/// A name, or a table with a name: the name, and the table to read the rest from.
fn named<'a>(
    value: &Value<'a>,
    path: &str,
    read: impl Fn(&Value<'a>) -> Option<Spanned<String>>,
) -> (Option<Spanned<String>>, Option<Section<'a>>) {
    if value.is_string() {
        return (read(value), None);
    }
    if !value.is_table() {
        return (value.mismatch("a name or a table"), None);
    }
    let section = value.section(Place::Plain, path);
    let name = section
        .as_ref()
        .and_then(|section| read(&section.required("name")?));
    (name, section)
}

fn weight(section: Option<&Section<'_>>) -> Option<i16> {
    section?.number("weight", WEIGHTS)
}

impl FromValue for TrackScript {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let (name, section) = named(value, "track_scripts", Value::text);
        let weight = weight(section.as_ref());
        if let Some(section) = section {
            section.finish(&[]);
        }
        let name = name?;
        Some(Self { name, weight })
    }
}

impl FromValue for TrackInterface {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let (name, section) = named(value, "track_interfaces", address::interface);
        let weight = weight(section.as_ref()).unwrap_or(0);
        if let Some(section) = section {
            section.finish(&[]);
        }
        let name = name?;
        Some(Self { name, weight })
    }
}

impl FromValue for TrackBackend {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let (name, section) = named(value, "track_backends", Value::text);
        let min_up = section.as_ref().and_then(|section| {
            let value = section.value("min_up")?;
            let least = value.number("min_up", &(1..=i64::from(u32::MAX)))?;
            Some(Spanned::new(least, value.span()))
        });
        let weight = weight(section.as_ref()).unwrap_or(0);
        if let Some(section) = section {
            section.finish(&[]);
        }
        Some(Self {
            name: name?,
            min_up: min_up.unwrap_or(Spanned::built_in(1)),
            weight,
        })
    }
}

impl ToToml for TrackScript {
    fn to_toml(&self) -> String {
        match self.weight {
            None => self.name.to_toml(),
            Some(weight) => inline([
                ("name", Some(self.name.to_toml())),
                ("weight", Some(weight.to_toml())),
            ]),
        }
    }
}

impl ToToml for TrackInterface {
    fn to_toml(&self) -> String {
        inline([
            ("name", Some(self.name.to_toml())),
            ("weight", Some(self.weight.to_toml())),
        ])
    }
}

impl ToToml for TrackBackend {
    fn to_toml(&self) -> String {
        inline([
            ("name", Some(self.name.to_toml())),
            ("min_up", Some(self.min_up.to_toml())),
            ("weight", Some(self.weight.to_toml())),
        ])
    }
}
