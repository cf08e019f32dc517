//! `show acl`, `get acl`, `add acl`, `del acl`, `clear acl`, `prepare acl`, `commit acl`.

use std::sync::Arc;

use lb_core::condition::{EditError, PatternEntry, PatternFile, PatternMatch};
use serde_json::{Value, json};

use super::{OUT_OF_RANGE, file, find, no_version, pattern_files, reference, referred, version};
use crate::{
    admin::reply::{Lines, Reply},
    run::{Refusal, System},
};

const ADD: &str = "'add acl' expects two parameters: ACL identifier and pattern.";
const DEL: &str = "This command expects two parameters: ACL identifier and key.";
const GET: &str = "Missing ACL identifier and/or key.";
const MISSING: &str = "Missing ACL identifier.";
const FUTURE: &str = "Version number in the future, please use 'prepare acl' before.";

/// A change is said by its log line.
type Said = Result<String, Refusal>;

fn patterns(system: &System, word: &str) -> Result<Arc<PatternFile>, Refusal> {
    let why = "Unknown ACL identifier. Please use #<id> or <file>.";
    let found = find(pattern_files(system), 0, word, PatternFile::name);
    found.ok_or(Refusal::Unknown("no-such-acl", why))
}

fn refused(error: EditError) -> Refusal {
    match error {
        EditError::Version(error) => no_version(error, FUTURE),
        error => Refusal::Value(error.to_string()),
    }
}

/// `show acl [@VERSION] [ACL]`
pub(crate) fn show(system: &System, words: &[String]) -> Result<Reply, Refusal> {
    let (version, words) = version(words)?;
    let Some(name) = words.first() else {
        return Ok(all(system).into());
    };
    if words.len() > 1 {
        return Err(Refusal::Words("usage: show acl [@<ver>] [<acl>]"));
    }
    let file = patterns(system, name)?;
    let entries = match version {
        None => file.entries(),
        Some(version) => {
            let entries = file.entries_of(version);
            entries.map_err(|error| no_version(error, OUT_OF_RANGE))?
        }
    };
    let line = |entry: &PatternEntry| {
        let id = reference(entry.id);
        let pattern = String::from_utf8_lossy(&entry.text);
        (
            format!("{id} {pattern}"),
            json!({ "ref": id, "pattern": pattern }),
        )
    };
    let lines = entries.iter().map(line).collect();
    let head = String::new();
    Ok(Lines { head, lines }.into())
}

fn all(system: &System) -> Lines {
    let files = pattern_files(system).into_iter().enumerate();
    let line = |(at, one): (usize, Arc<PatternFile>)| file(at, one.name(), "acl", one.versions());
    Lines {
        head: "# id (file) description\n".to_owned(),
        lines: files.map(line).collect(),
    }
}

/// `get acl ACL TEXT`
pub(crate) fn get(system: &System, words: &[String]) -> Result<Reply, Refusal> {
    let [name, text] = words else {
        return Err(Refusal::Words(GET));
    };
    let found = patterns(system, name)?.matching(text);
    let lines = found.iter().map(met).collect();
    let head = String::new();
    Ok(Lines { head, lines }.into())
}

fn met(found: &PatternMatch) -> (String, Value) {
    let method = found.method;
    let case = if found.ignore_case {
        "insensitive"
    } else {
        "sensitive"
    };
    let Some(pattern) = &found.pattern else {
        let text = format!("type={method}, case={case}, match=no");
        return (
            text,
            json!({ "type": method, "case": case, "match": false }),
        );
    };
    let index = match (method, found.ignore_case) {
        ("ip", _) | ("str" | "beg", false) => "tree",
        _ => "list",
    };
    let text = format!("type={method}, case={case}, match=yes, idx={index}, pattern=\"{pattern}\"");
    let object = json!({ "type": method, "case": case, "match": true, "pattern": pattern });
    (text, object)
}

/// `add acl [@VERSION] ACL PATTERN`
pub(crate) fn add(system: &System, words: &[String]) -> Said {
    let (version, words) = version(words)?;
    let [name, pattern] = words else {
        return Err(Refusal::Words(ADD));
    };
    let file = patterns(system, name)?;
    let done = match version {
        None => file.add(pattern).map_err(EditError::from),
        Some(version) => file.add_to(version, pattern),
    };
    done.map_err(refused)?;
    Ok(String::new())
}

/// `del acl ACL PATTERN`; `#REF` is one entry of several.
pub(crate) fn del(system: &System, words: &[String]) -> Said {
    let [name, pattern] = words else {
        return Err(Refusal::Words(DEL));
    };
    let id = referred(pattern);
    let gone = patterns(system, name)?.delete(|entry| match id {
        Some(id) => entry.id == id,
        None => *entry.text == *pattern.as_bytes(),
    });
    match gone {
        0 => Err(Refusal::Unknown("no-such-key", "Key not found.")),
        _ => Ok(String::new()),
    }
}

/// `clear acl [@VERSION] ACL`
pub(crate) fn clear(system: &System, words: &[String]) -> Said {
    let (version, words) = version(words)?;
    let [name] = words else {
        return Err(Refusal::Words(MISSING));
    };
    let file = patterns(system, name)?;
    match version {
        None => {
            file.delete(|_| true);
        }
        Some(version) => {
            let done = file.clear(version);
            done.map_err(|error| no_version(error, OUT_OF_RANGE))?;
        }
    }
    Ok(String::new())
}

/// `prepare acl ACL`
pub(crate) fn prepare(system: &System, words: &[String]) -> Said {
    let name = words.first().map_or("", String::as_str);
    let version = patterns(system, name)?.prepare();
    Ok(format!("New version created: {version}"))
}

/// `commit acl @VERSION ACL`
pub(crate) fn commit(system: &System, words: &[String]) -> Said {
    let (version, words) = version(words)?;
    let version = version.ok_or(Refusal::Words("Missing version number."))?;
    let [name] = words else {
        return Err(Refusal::Words(MISSING));
    };
    let done = patterns(system, name)?.commit(version);
    done.map_err(|error| match error {
        EditError::Version(error) => no_version(error, OUT_OF_RANGE),
        error => refused(error),
    })?;
    Ok(String::new())
}
