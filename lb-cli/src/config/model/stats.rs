//! `stats`: the statistics page of a frontend or of a backend.

use std::time::Duration;

use http::HeaderValue;

use super::Condition;
use crate::config::{
    Spanned,
    print::{ToToml, inline},
    section::{Place, Section},
    types::FromValue,
    value::Value,
};

/// The statistics page of a frontend or of a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Requests whose target begins with this get the page. `/haproxy?stats`.
    pub uri: String,
    /// What a browser shows with its question for a password. `HAProxy Statistics`.
    pub realm: String,
    /// Who may see it, as `user:password`; empty: everybody.
    pub auth: Vec<Credential>,
    /// The page loads itself again after this, in whole seconds; `None`: it does not.
    pub refresh: Option<Duration>,
    /// Leaves the program's version out.
    pub hide_version: bool,
    /// Who may change the state of servers; `None`: nobody.
    pub admin: Option<Condition>,
    /// The only sections that are shown, `.` being this one; empty: all.
    pub scope: Vec<Spanned<String>>,
}

/// A user and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(String);

impl Credential {
    /// `user:password`
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = self.0.split(':').next().unwrap_or_default();
        write!(f, "{user}:…")
    }
}

impl Stats {
    pub(crate) fn read(owner: &Section<'_>) -> Option<Self> {
        let section = owner.section("stats", Place::Plain)?;
        let stats = Self {
            uri: section
                .value("uri")
                .and_then(|value| uri(&value))
                .unwrap_or_else(|| "/haproxy?stats".to_owned()),
            realm: section
                .value("realm")
                .and_then(|value| realm(&value))
                .unwrap_or_else(|| "HAProxy Statistics".to_owned()),
            auth: section.one_or_more("auth"),
            refresh: section.value("refresh").and_then(|value| refresh(&value)),
            hide_version: section.flag("hide_version"),
            admin: section.get("admin"),
            scope: section.one_or_more("scope"),
        };
        section.finish(&[]);
        Some(stats)
    }
}

/// A path, from its slash on.
fn uri(value: &Value<'_>) -> Option<String> {
    value.parse(|text| {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        match text.starts_with('/') && plain {
            true => Ok(text.to_owned()),
            false => Err("a path begins with `/` and has no blanks"),
        }
    })
}

fn realm(value: &Value<'_>) -> Option<String> {
    value.parse(|text| match HeaderValue::from_str(text) {
        Ok(_) if text.is_ascii() => Ok(text.to_owned()),
        _ => Err("a realm is printable ASCII"),
    })
}

fn refresh(value: &Value<'_>) -> Option<Duration> {
    match Duration::from_value(value)? {
        time if time.subsec_nanos() == 0 && !time.is_zero() => Some(time),
        _ => value.fail("`refresh` is in whole seconds, at least \"1s\""),
    }
}

impl FromValue for Credential {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        // Not by `parse`, which shows the text.
        let text = value.text()?;
        match text.split_once(':') {
            Some((user, _)) if !user.is_empty() && !text.contains(char::is_control) => {
                Some(Self(text.into_inner()))
            }
            _ => value.fail("a user is written as \"user:password\""),
        }
    }
}

impl ToToml for Credential {
    fn to_toml(&self) -> String {
        self.0.to_toml()
    }
}

impl ToToml for Stats {
    fn to_toml(&self) -> String {
        let array = |empty: bool, text: String| (!empty).then_some(text);
        inline([
            ("uri", Some(self.uri.to_toml())),
            ("realm", Some(self.realm.to_toml())),
            ("auth", array(self.auth.is_empty(), self.auth.to_toml())),
            ("refresh", self.refresh.map(|time| time.to_toml())),
            ("hide_version", Some(self.hide_version.to_toml())),
            ("admin", self.admin.as_ref().map(ToToml::to_toml)),
            ("scope", array(self.scope.is_empty(), self.scope.to_toml())),
        ])
    }
}
