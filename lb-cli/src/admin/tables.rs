//! `show table`, `set table`, `clear table`: what is counted of clients.

use std::fmt::Write as _;

use lb_core::table::{Comparison, DataType, Filter, Key, KeyType, Listed, Refused, Table};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::reply::{Content, Lines, Reply};
use crate::run::{Refusal, System};

const SHOW: &str =
    "Optional argument only supports \"data.<store_data_type>\" <operator> <value> and key <key>";
const SET: &str = "Required arguments: <table> key <key> [data.<store_data_type> <value>]*";
const CLEAR: &str = "Required arguments: <table> \"data.<store_data_type>\" <operator> <value> or <table> key <key>";
const KEY: &str = "Key value expected";
const UNKNOWN: &str = "Unknown data type";
const NOT_STORED: &str = "Data type not stored in this table";

/// Which entries are meant.
#[derive(Debug)]
enum Which {
    Key(Key),
    Filters(Vec<Filter>),
}

fn table<'s>(system: &'s System, name: &str) -> Result<&'s Table, Refusal> {
    let mut tables = system.tables().iter();
    let found = tables.find(|table| table.name() == name);
    found
        .map(|table| &**table)
        .ok_or(Refusal::Unknown("no-such-table", "No such table"))
}

fn key(table: &Table, word: Option<&String>) -> Result<Key, Refusal> {
    let word = word.ok_or(Refusal::Words(KEY))?;
    // HAProxy takes any text for an address.
    let key = table.key_type().parse_key(word);
    key.ok_or_else(|| Refusal::Value("Invalid key".to_owned()))
}

/// `key KEY`, or any number of `data.TYPE OPERATOR VALUE`; `usage` says so.
fn which(table: &Table, words: &[String], usage: &'static str) -> Result<Which, Refusal> {
    match words.first().map_or("data.", String::as_str) {
        "key" => match words.len() {
            ..=2 => Ok(Which::Key(key(table, words.get(1))?)),
            _ => Err(Refusal::Words(usage)),
        },
        word if word.starts_with("data.") => filters(table, words).map(Which::Filters),
        _ => Err(Refusal::Words(usage)),
    }
}

fn filters(table: &Table, words: &[String]) -> Result<Vec<Filter>, Refusal> {
    let filter = |(at, words): (usize, &[String])| {
        let refused = |why: &str| Refusal::Value(format!("Filter entry #{}: {why}", at + 1));
        let name = words[0].strip_prefix("data.");
        let data = name.and_then(DataType::find);
        let data = data.ok_or_else(|| refused(UNKNOWN))?;
        if !table.stores(data, 0) {
            return Err(refused(NOT_STORED));
        }
        let comparison = words
            .get(1)
            .and_then(|word| word.parse::<Comparison>().ok());
        let comparison = comparison.ok_or_else(|| {
            refused(r#"Require and operator among "eq", "ne", "le", "ge", "lt", "gt""#)
        })?;
        let value = words.get(2).and_then(|word| word.parse().ok());
        let value =
            value.ok_or_else(|| refused("Require a valid integer value to compare against"))?;
        Ok(Filter::new(data, comparison, value))
    };
    words.chunks(3).enumerate().map(filter).collect()
}

/// `show table [TABLE [key KEY | data.TYPE OPERATOR VALUE …]]`
pub(super) fn show(system: &System, words: &[String]) -> Result<Reply, Refusal> {
    let Some((name, words)) = words.split_first() else {
        let lines = system.tables().iter().map(|table| summary(table)).collect();
        let head = String::new();
        return Ok(Lines { head, lines }.into());
    };
    let table = table(system, name)?;
    let now = Instant::now();
    let mut rows: Vec<(Key, Row)> = Vec::new();
    match which(table, words, SHOW)? {
        Which::Key(key) => rows.extend(table.listed(now, &key).map(|entry| (key, row(&entry)))),
        Which::Filters(filters) => table.list(now, &filters, |entry| {
            rows.push((entry.entry().key().clone(), row(&entry)));
        }),
    }
    if rows.is_empty() && words.first().is_some_and(|word| word == "key") {
        // As in HAProxy: not even what the table is.
        return Ok(Lines::default().into());
    }
    rows.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let entries = Entries {
        head: summary(table).0,
        columns: table.columns().map(|column| column.to_string()).collect(),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    };
    Ok(entries.into())
}

/// `# table: rate, type: ip, size:1000, used:2`
fn summary(table: &Table) -> (String, Value) {
    let (name, size, used) = (table.name(), table.size(), table.len());
    let kind = match table.key_type() {
        KeyType::String(_) => "string".to_owned(),
        KeyType::Binary(_) => "binary".to_owned(),
        kind => kind.to_string(),
    };
    let text = format!("# table: {name}, type: {kind}, size:{size}, used:{used}");
    let object = json!({ "table": name, "type": kind, "size": size, "used": used });
    (text, object)
}

/// Entries of a table, in the order of their keys.
#[derive(Debug)]
struct Entries {
    head: String,
    columns: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    /// Where it is in memory, which is what HAProxy shows, too.
    place: String,
    key: String,
    uses: u32,
    /// In milliseconds.
    expires: u64,
    values: Box<[u64]>,
}

fn row(entry: &Listed<'_>) -> Row {
    Row {
        place: format!("{:p}", std::ptr::from_ref(entry.entry())),
        key: entry.key().to_string(),
        uses: entry.entry().trackers(),
        expires: u64::try_from(entry.expires().as_millis()).unwrap_or(u64::MAX),
        values: entry.values().collect(),
    }
}

impl Content for Entries {
    fn text(&self) -> String {
        let mut text = format!("{}\n", self.head);
        for row in &self.rows {
            let Row {
                place,
                key,
                uses,
                expires,
                values,
            } = row;
            // Writing to a String cannot fail.
            let _ = write!(text, "{place}: key={key} use={uses} exp={expires}");
            for (column, value) in self.columns.iter().zip(values) {
                let _ = write!(text, " {column}={value}");
            }
            text.push('\n');
        }
        text
    }

    fn json(&self) -> Value {
        let row = |row: &Row| {
            let values = row.values.iter().copied().map(Value::from);
            let mut object: serde_json::Map<_, _> =
                self.columns.iter().cloned().zip(values).collect();
            object.insert("key".to_owned(), row.key.as_str().into());
            object.insert("use".to_owned(), row.uses.into());
            object.insert("exp".to_owned(), row.expires.into());
            Value::Object(object)
        };
        self.rows.iter().map(row).collect()
    }
}

/// `set table TABLE key KEY [data.TYPE VALUE]…`: all of it or nothing.
pub(super) fn set(system: &System, words: &[String]) -> Result<String, Refusal> {
    let Some((name, words)) = words.split_first() else {
        return Err(Refusal::Words(SET));
    };
    let table = table(system, name)?;
    let Some((_, words)) = words.split_first().filter(|(word, _)| *word == "key") else {
        return Err(Refusal::Words(SET));
    };
    let key = key(table, words.first())?;
    let mut values = Vec::new();
    for pair in words.get(1..).unwrap_or_default().chunks(2) {
        let name = pair[0].strip_prefix("data.").ok_or(Refusal::Words(
            "\"data.<type>\" followed by a value expected",
        ))?;
        let data = DataType::find(name).ok_or_else(|| Refusal::Value(UNKNOWN.to_owned()))?;
        if !table.stores(data, 0) {
            return Err(Refusal::Value(NOT_STORED.to_owned()));
        }
        let value = pair.get(1).and_then(|word| word.parse().ok());
        let why = || Refusal::Value("Require a valid integer value to store".to_owned());
        values.push((data, value.ok_or_else(why)?));
    }
    table
        .set(Instant::now(), &key, &values)
        .map_err(|error| match error {
            Refused::Full => Refusal::State("Unable to allocate a new entry"),
            error => Refusal::Value(error.to_string()),
        })?;
    Ok(String::new())
}

/// `clear table TABLE [key KEY | data.TYPE OPERATOR VALUE …]`
pub(super) fn clear(system: &System, words: &[String]) -> Result<String, Refusal> {
    let Some((name, words)) = words.split_first() else {
        return Err(Refusal::Words(CLEAR));
    };
    let table = table(system, name)?;
    let now = Instant::now();
    match which(table, words, CLEAR)? {
        Which::Filters(filters) => {
            table.clear(now, &filters);
        }
        Which::Key(key) => {
            // As in HAProxy, what is not there is gone.
            if table.clear_key(now, &key) == Err(Refused::InUse) {
                return Err(Refusal::State("Entry currently in use, cannot remove"));
            }
        }
    }
    Ok(String::new())
}
