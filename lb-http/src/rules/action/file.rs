//! `set-map`, `del-map`, `add-acl`, `del-acl`: maps and files of patterns as requests change them.
//!
//! Each change makes the whole map anew, under its lock: they are for what happens now and then, such as a ban, and not
//! for every request. What does not fit the map changes nothing.

use std::sync::Arc;

use lb_core::condition::{ConditionError, PatternFile};

use crate::{
    fetch::View,
    map::{Map, Which},
    rules::{compile::Words, text::Text},
};

/// A change of a file's entries, of which the process knows and the disk does not.
#[derive(Debug)]
pub(in crate::rules) enum FileRule {
    SetMap(Arc<Map>, Text, Text),
    DeleteMap(Arc<Map>, Text),
    AddAcl(Arc<PatternFile>, Text),
    DeleteAcl(Arc<PatternFile>, Text),
}

impl FileRule {
    /// `set-map(FILE) KEY VALUE`, its word being `name`.
    pub(super) fn parse(name: &str, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let word = words.last();
        let called = String::from_utf8_lossy(word.value()).into_owned();
        let file = called
            .split_once('(')
            .and_then(|(_, rest)| rest.strip_suffix(')'))
            .filter(|file| !file.is_empty())
            .ok_or_else(|| {
                ConditionError::new(word.span(), "expected the name of a file in parentheses")
            })?;
        let span = word.part(name.len() + 1, called.len() - 1);
        let registry = words.vocabulary.registry();
        if name.ends_with("-acl") {
            let patterns = registry.patterns().find(file).ok_or_else(|| {
                ConditionError::new(span, format!("no condition has patterns of `{file}`"))
                    .help("one names it by `-f`")
            })?;
            let text = words.text("a pattern")?;
            return Ok(match name {
                "add-acl" => Self::AddAcl(patterns, text),
                _ => Self::DeleteAcl(patterns, text),
            });
        }
        let map = registry.load_map(file).map_err(|why| {
            ConditionError::new(span, format!("cannot read the map `{file}`: {why}"))
        })?;
        let key = words.text("a key")?;
        Ok(match name {
            "set-map" => Self::SetMap(map, key, words.text("a value")?),
            _ => Self::DeleteMap(map, key),
        })
    }

    pub(in crate::rules) fn apply(&self, view: &View<'_>) {
        let text = |text: &Text| String::from_utf8(text.text(view)).ok();
        let done = match self {
            Self::SetMap(map, key, value) => text(key).zip(text(value)).map(|(key, value)| {
                let entries = map.entries();
                let mut of_key = entries.iter().filter(|entry| *entry.key == *key);
                if of_key.clone().next().is_none() {
                    map.add(&key, &value).is_ok()
                } else {
                    // What is as it should be costs no new map.
                    of_key.all(|entry| *entry.value == *value)
                        || map.set(Which::Key(&key), &value).is_ok()
                }
            }),
            Self::DeleteMap(map, key) => text(key).map(|key| map.delete(Which::Key(&key)).is_ok()),
            Self::AddAcl(patterns, pattern) => text(pattern).map(|pattern| {
                let entries = patterns.entries();
                let is_there = entries
                    .iter()
                    .any(|entry| *entry.text == *pattern.as_bytes());
                is_there || patterns.add(&pattern).is_ok()
            }),
            Self::DeleteAcl(patterns, pattern) => text(pattern)
                .map(|pattern| patterns.delete(|entry| *entry.text == *pattern.as_bytes()) > 0),
        };
        if done != Some(true) {
            tracing::debug!(rule = ?self, "nothing was changed");
        }
    }
}
