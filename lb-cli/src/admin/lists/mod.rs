//! Maps and files of patterns, looked at and changed while requests run: HAProxy's `map` and `acl` commands.
//!
//! They are named by their file or as `#ID`. `@VERSION` is one that is prepared beside the one in use. What would be wrong
//! for a test or a look-up of the file is refused, and nothing is changed then.

pub(super) mod acl;
pub(super) mod map;

use std::sync::Arc;

use lb_core::condition::{PatternFile, VersionError};
use lb_http::{fetch::Registry, map::Map};

use super::table::PAYLOAD;
use crate::run::{Refusal, System};

const OUT_OF_RANGE: &str = "Version number out of range.";

/// All frontends share one.
fn registry(system: &System) -> Option<&Arc<Registry>> {
    Some(system.frontends().first()?.plan().registry())
}

/// In the order of their names, numbered from 0.
fn pattern_files(system: &System) -> Vec<Arc<PatternFile>> {
    registry(system).map_or_else(Vec::new, |registry| registry.patterns().all())
}

/// In the order of their names; their numbers follow those of the files of patterns.
fn maps(system: &System) -> Vec<Arc<Map>> {
    registry(system).map_or_else(Vec::new, |registry| registry.maps())
}

/// Finds what `word` names: a file, or `#ID` where the first of `all` is number `first`.
fn find<T>(
    all: Vec<Arc<T>>,
    first: usize,
    word: &str,
    name: impl Fn(&T) -> &str,
) -> Option<Arc<T>> {
    let number = word.strip_prefix('#').and_then(|id| id.parse().ok());
    let numbered = |at: usize| number == Some(first + at);
    let mut all = all.into_iter().enumerate();
    all.find(|(at, one)| numbered(*at) || name(one) == word)
        .map(|(_, one)| one)
}

/// The version that the first word is, and the others.
fn version(words: &[String]) -> Result<(Option<u32>, &[String]), Refusal> {
    let Some((word, rest)) = words.split_first() else {
        return Ok((None, words));
    };
    let Some(number) = word.strip_prefix('@') else {
        return Ok((None, words));
    };
    match number.parse() {
        Ok(number) => Ok((Some(number), rest)),
        // HAProxy takes it for 0.
        Err(_) => Err(Refusal::Value("Version number expected.".to_owned())),
    }
}

/// In HAProxy's words; `future` for one that is not prepared yet.
fn no_version(error: VersionError, future: &'static str) -> Refusal {
    Refusal::Value(match error {
        VersionError::Future => future.to_owned(),
        _ => OUT_OF_RANGE.to_owned(),
    })
}

/// How an entry is shown, and named as `#0x…`: in HAProxy this is where it is in memory.
fn reference(id: u64) -> String {
    format!("0x{:x}", id + 1)
}

/// The entry of a `#0x…`.
fn referred(word: &str) -> Option<u64> {
    let digits = word.strip_prefix("#0x")?;
    u64::from_str_radix(digits, 16).ok()?.checked_sub(1)
}

/// The lines that follow a command.
fn payload(word: &str) -> Option<&str> {
    word.strip_prefix(PAYLOAD)
}

/// The line of a file in a list of files.
fn file(
    id: usize,
    name: &str,
    use_of: &str,
    versions: (u32, u32, usize),
) -> (String, serde_json::Value) {
    let (current, next, entries) = versions;
    let text = format!(
        "{id} ({name}) pattern loaded from file '{name}' used by {use_of}. \
         curr_ver={current} next_ver={next} entry_cnt={entries}"
    );
    let object = serde_json::json!({
        "id": id, "file": name, "curr_ver": current, "next_ver": next, "entry_cnt": entries,
    });
    (text, object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_versions_are_read_as_they_are_shown() {
        assert_eq!(referred(&format!("#{}", reference(41))), Some(41));
        assert_eq!([referred("#0x0"), referred("#7"), referred("a")], [None; 3]);
        let words = ["@12", "f"].map(String::from);
        assert_eq!(version(&words), Ok((Some(12), &words[1..])));
        assert_eq!(version(&words[1..]), Ok((None, &words[1..])));
        assert!(version(&["@x".to_owned()]).is_err());
    }

    #[test]
    fn a_list_is_found_by_name_or_number() {
        let all = || vec![Arc::new("a".to_owned()), Arc::new("b".to_owned())];
        let found = |word| find(all(), 3, word, |one: &String| one).map(|one| one.to_string());
        assert_eq!(found("b").as_deref(), Some("b"));
        assert_eq!(found("#3").as_deref(), Some("a"));
        assert_eq!([found("#0"), found("#x"), found("c")], [None, None, None]);
    }
}
