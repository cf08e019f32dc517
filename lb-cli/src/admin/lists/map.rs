//! `show map`, `get map`, `add map`, `set map`, `del map`, `clear map`, `prepare map`, `commit map`.

use std::sync::Arc;

use lb_http::map::{Entry, Found, Kind, Map, MapError, Output, Which};
use serde_json::{Value, json};

use super::{
    OUT_OF_RANGE, file, find, maps, no_version, pattern_files, payload, reference, referred,
    version,
};
use crate::{
    admin::reply::{Lines, Reply},
    run::{Refusal, System},
};

const ADD: &str = "'add map' expects three parameters (map identifier, key and value) or one parameter (map identifier) \
    and a payload";
const SET: &str = "'set map' expects three parameters: map identifier, key and value.";
const DEL: &str = "This command expects two parameters: map identifier and key.";
const GET: &str = "Missing map identifier and/or key.";
const MISSING: &str = "Missing map identifier.";
const FUTURE: &str = "Version number in the future, please use 'prepare map' before.";

/// A change is said by its log line.
type Said = Result<String, Refusal>;

fn map(system: &System, word: &str) -> Result<Arc<Map>, Refusal> {
    let why = "Unknown map identifier. Please use #<id> or <file>.";
    let first = pattern_files(system).len();
    find(maps(system), first, word, Map::name).ok_or(Refusal::Unknown("no-such-map", why))
}

fn which(word: &str) -> Which<'_> {
    referred(word).map_or(Which::Key(word), Which::Id)
}

fn refused(error: MapError) -> Refusal {
    match error {
        MapError::Version(error) => no_version(error, FUTURE),
        error => Refusal::Value(error.to_string()),
    }
}

/// `show map [@VERSION] [MAP]`
pub(crate) fn show(system: &System, words: &[String]) -> Result<Reply, Refusal> {
    let (version, words) = version(words)?;
    let Some(name) = words.first() else {
        return Ok(all(system).into());
    };
    if words.len() > 1 {
        return Err(Refusal::Words("usage: show map [@<ver>] [<map>]"));
    }
    let map = map(system, name)?;
    let entries = match version {
        None => map.entries(),
        Some(version) => {
            let entries = map.entries_of(version);
            entries.map_err(|error| no_version(error, OUT_OF_RANGE))?
        }
    };
    let line = |entry: &Entry| {
        let Entry { key, value, .. } = entry;
        let id = reference(entry.id);
        let text = format!("{id} {key} {value}");
        let object = json!({ "ref": id, "key": &**key, "value": &**value });
        (text, object)
    };
    let lines = entries.iter().map(line).collect();
    let head = String::new();
    Ok(Lines { head, lines }.into())
}

fn all(system: &System) -> Lines {
    let first = pattern_files(system).len();
    let maps = maps(system).into_iter().enumerate();
    let line = |(at, map): (usize, Arc<Map>)| file(first + at, map.name(), "map", map.versions());
    Lines {
        head: "# id (file) description\n".to_owned(),
        lines: maps.map(line).collect(),
    }
}

/// `get map MAP KEY`
pub(crate) fn get(system: &System, words: &[String]) -> Result<Reply, Refusal> {
    let [name, key] = words else {
        return Err(Refusal::Words(GET));
    };
    let found = map(system, name)?.matching(key);
    let lines = found.iter().map(met).collect();
    let head = String::new();
    Ok(Lines { head, lines }.into())
}

fn met(found: &Found) -> (String, Value) {
    let kind = found.kind.name();
    let Some(Entry { key, value, .. }) = &found.entry else {
        let text = format!("type={kind}, case=sensitive, found=no");
        return (text, json!({ "type": kind, "found": false }));
    };
    let index = match found.kind {
        Kind::Str | Kind::Beg | Kind::Ip => "tree",
        _ => "list",
    };
    let of = match found.output {
        Output::Int => "sint",
        Output::Ip if value.contains(':') => "ipv6",
        Output::Ip => "ipv4",
        Output::Str => "str",
    };
    let text = format!(
        "type={kind}, case=sensitive, found=yes, idx={index}, key=\"{key}\", value=\"{value}\", type=\"{of}\""
    );
    let object = json!({
        "type": kind, "found": true, "key": &**key, "value": &**value, "value_type": of,
    });
    (text, object)
}

/// `add map [@VERSION] MAP KEY VALUE`, or lines of keys and values after `<<`: all of them or none.
pub(crate) fn add(system: &System, words: &[String]) -> Said {
    let (version, words) = version(words)?;
    let (name, added) = match words {
        [name, lines] => (name, pairs(payload(lines).ok_or(Refusal::Words(ADD))?)?),
        [name, key, value] if payload(value).is_none() => (name, vec![(&**key, &**value)]),
        _ => return Err(Refusal::Words(ADD)),
    };
    let map = map(system, name)?;
    let done = match version {
        None => map.extend(added),
        Some(version) => map.extend_version(version, added),
    };
    done.map_err(refused)?;
    Ok(String::new())
}

/// A key and a value in each line, with blanks between.
fn pairs(lines: &str) -> Result<Vec<(&str, &str)>, Refusal> {
    let mut pairs = Vec::new();
    for (at, line) in lines.lines().enumerate() {
        let line = line.trim();
        let Some((key, value)) = line.split_once([' ', '\t']) else {
            let why = format!("line {}: missing value for key '{line}'.", at + 1);
            return Err(Refusal::Value(why));
        };
        pairs.push((key, value.trim_start()));
    }
    Ok(pairs)
}

/// `set map MAP KEY VALUE`; `#REF` in the place of KEY is one entry of several.
pub(crate) fn set(system: &System, words: &[String]) -> Said {
    let [name, key, value] = words else {
        return Err(Refusal::Words(SET));
    };
    let done = map(system, name)?.set(which(key), value);
    done.map_err(|error| match error {
        MapError::NotFound => {
            let why = match which(key) {
                Which::Key(_) => "entry not found.",
                Which::Id(_) => "key or pattern not found.",
            };
            Refusal::Unknown("no-such-key", why)
        }
        error => refused(error),
    })?;
    Ok(String::new())
}

/// `del map MAP KEY`
pub(crate) fn del(system: &System, words: &[String]) -> Said {
    let [name, key] = words else {
        return Err(Refusal::Words(DEL));
    };
    let done = map(system, name)?.delete(which(key));
    done.map_err(|_| Refusal::Unknown("no-such-key", "Key not found."))?;
    Ok(String::new())
}

/// `clear map [@VERSION] MAP`
pub(crate) fn clear(system: &System, words: &[String]) -> Said {
    let (version, words) = version(words)?;
    let [name] = words else {
        return Err(Refusal::Words(MISSING));
    };
    let map = map(system, name)?;
    match version {
        None => map.clear(),
        Some(version) => {
            let done = map.clear_version(version);
            done.map_err(|error| no_version(error, OUT_OF_RANGE))?;
        }
    }
    Ok(String::new())
}

/// `prepare map MAP`
pub(crate) fn prepare(system: &System, words: &[String]) -> Said {
    let name = words.first().map_or("", String::as_str);
    let version = map(system, name)?.prepare();
    Ok(format!("New version created: {version}"))
}

/// `commit map @VERSION MAP`
pub(crate) fn commit(system: &System, words: &[String]) -> Said {
    let (version, words) = version(words)?;
    let version = version.ok_or(Refusal::Words("Missing version number."))?;
    let [name] = words else {
        return Err(Refusal::Words(MISSING));
    };
    let done = map(system, name)?.commit(version);
    done.map_err(|error| match error {
        MapError::Version(error) => no_version(error, OUT_OF_RANGE),
        error => refused(error),
    })?;
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_after_a_command_are_keys_and_values() {
        let found = pairs("a 1\n b\t two three \n").unwrap();
        assert_eq!(found, [("a", "1"), ("b", "two three")]);
        let why = "line 2: missing value for key 'b'.".to_owned();
        assert_eq!(pairs("a 1\nb\n"), Err(Refusal::Value(why)));
    }
}
