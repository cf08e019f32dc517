//! `show stat`.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{reply::Content, typed::Tag};
use crate::{
    run::{Refusal, System},
    stats::{self, Column, Field, Kind, Row},
};

const USAGE: &str = "usage: show stat [<iid>|<proxy> <type> <sid>] [typed|json] [up|no-maint]";

/// How it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Csv,
    Typed,
    Json,
}

/// The statistics, or a part of them.
pub(super) struct Statistics {
    rows: Vec<Row>,
    format: Format,
}

impl Statistics {
    pub(super) fn of(system: &System, words: &[String]) -> Result<Self, Refusal> {
        let mut rows = stats::collect(system);
        stats::legends(system, &mut rows);
        let mut flags = words;
        if let [proxy, kind, server, rest @ ..] = words {
            flags = rest;
            select(&mut rows, proxy, kind, server)?;
        }
        let mut format = Format::Csv;
        for flag in flags {
            let hides = |row: &Row, states: &[&str]| {
                let status = row.word(Column::Status);
                row.kind == Kind::Server && states.iter().any(|state| status.starts_with(state))
            };
            match flag.as_str() {
                "typed" => format = Format::Typed,
                "json" => format = Format::Json,
                "up" => rows.retain(|row| !hides(row, &["DOWN", "MAINT"])),
                "no-maint" => rows.retain(|row| !hides(row, &["MAINT"])),
                // HAProxy takes no notice of other words.
                _ => return Err(Refusal::Words(USAGE)),
            }
        }
        Ok(Self { rows, format })
    }
}

/// Keeps what is asked for: a proxy by id or name, kinds as a sum of 1, 2 and 4, a server by id; -1 is all.
fn select(rows: &mut Vec<Row>, proxy: &str, kind: &str, server: &str) -> Result<(), Refusal> {
    let number = |text: &str| text.parse::<i64>().map_err(|_| Refusal::Words(USAGE));
    match proxy.parse::<i64>() {
        Ok(-1) => {}
        Ok(id) => rows.retain(|row| is(row, Column::Iid, id)),
        Err(_) => {
            rows.retain(|row| row.proxy == proxy);
            if rows.is_empty() {
                return Err(Refusal::NoProxy);
            }
        }
    }
    let kinds = number(kind)?;
    rows.retain(|row| kinds & (1 << row.kind as i64) != 0);
    match number(server)? {
        -1 => {}
        id => rows.retain(|row| is(row, Column::Sid, id)),
    }
    Ok(())
}

fn is(row: &Row, column: Column, number: i64) -> bool {
    row.count(column)
        .is_some_and(|own| i64::try_from(own) == Ok(number))
}

fn value(field: &Field) -> Value {
    match field {
        Field::Number(number) => (*number).into(),
        Field::Text(text) => text.as_str().into(),
    }
}

fn fields(row: &Row) -> impl Iterator<Item = (usize, Column, &Field)> {
    let columns = Column::ALL.iter().enumerate();
    columns.filter_map(|(at, column)| Some((at, *column, row.field(*column)?)))
}

/// The kind's letter and name, and the two ids of a row.
fn origin(row: &Row) -> (char, &'static str, u64, u64) {
    let (letter, name) = match row.kind {
        Kind::Frontend => ('F', "Frontend"),
        Kind::Backend => ('B', "Backend"),
        Kind::Server => ('S', "Server"),
    };
    let id = |column| row.count(column).unwrap_or(0);
    (letter, name, id(Column::Iid), id(Column::Sid))
}

impl Content for Statistics {
    fn text(&self) -> String {
        match self.format {
            Format::Csv => stats::csv(&self.rows),
            Format::Json => self.haproxys_json().to_string(),
            Format::Typed => {
                let mut text = String::new();
                for row in &self.rows {
                    let (letter, _, proxy, id) = origin(row);
                    for (at, column, field) in fields(row) {
                        let shown = match field {
                            Field::Number(number) => number.to_string(),
                            Field::Text(text) => text.clone(),
                        };
                        let (name, tag) = (column.name(), tag(column, row.kind).text());
                        // Writing to a String cannot fail.
                        let _ = writeln!(text, "{letter}.{proxy}.{id}.{at}.{name}.1:{tag}:{shown}");
                    }
                }
                text
            }
        }
    }

    fn json(&self) -> Value {
        if self.format == Format::Json {
            return self.haproxys_json();
        }
        let object = |row| {
            let named =
                fields(row).map(|(_, column, field)| (column.name().to_owned(), value(field)));
            Value::Object(named.collect::<Map<_, _>>())
        };
        self.rows.iter().map(object).collect()
    }
}

impl Statistics {
    fn haproxys_json(&self) -> Value {
        let of_row = |row: &Row| -> Value {
            let (_, kind, proxy, id) = origin(row);
            let of_field = |(at, column, field): (usize, Column, &Field)| {
                let tag = tag(column, row.kind);
                // It is the one number that may be -1, and then is text here.
                let number = match field {
                    Field::Text(text) if tag.1 == "s32" => text.parse::<i64>().ok(),
                    _ => None,
                };
                json!({
                    "objType": kind,
                    "proxyId": proxy,
                    "id": id,
                    "field": { "pos": at, "name": column.name() },
                    "processNum": 1,
                    "tags": tag.json(),
                    "value": tag.value(&number.map_or_else(|| value(field), Value::from)),
                })
            };
            fields(row).map(of_field).collect()
        };
        self.rows.iter().map(of_row).collect()
    }
}

/// What kind of field a column has, as HAProxy 2.6 says it.
fn tag(column: Column, kind: Kind) -> Tag {
    let (letters, unit) = column.tags(kind);
    Tag(letters, unit.name())
}
