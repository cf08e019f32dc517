//! The statistics as HAProxy's `typed` lines and as its JSON: one entry for each field that says
//! something, with its place among the columns and what kind of figure it is.

use std::fmt::{self, Write as _};

use super::{Column, Kind, Row, column::Type, row::Field};

/// The largest integer that every reader of JSON has exactly; HAProxy cuts there, too.
const LARGEST: u64 = (1 << 53) - 1;

/// `F.2.0.4.scur.1:MGP:u32:1`, one line a field.
pub fn typed(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let letter = match row.kind {
            Kind::Frontend => 'F',
            Kind::Backend => 'B',
            Kind::Server => 'S',
        };
        let (id, number) = place(row);
        each(row, |at, column, tags, unit, field| {
            let (name, unit) = (column.name(), unit.name());
            write!(out, "{letter}.{id}.{number}.{at}.{name}.1:{tags}:{unit}:")?;
            match field {
                Field::Number(count) => writeln!(out, "{count}"),
                // A line is a line.
                Field::Text(text) => writeln!(out, "{}", text.replace(['\r', '\n'], " ")),
            }
        });
    }
    out
}

/// A list of rows, each a list of fields.
pub fn json(rows: &[Row]) -> String {
    let mut out = "[".to_owned();
    for (nth, row) in rows.iter().enumerate() {
        out.push_str(if nth == 0 { "[" } else { ",[" });
        let (id, number) = place(row);
        let mut first = true;
        each(row, |at, column, tags, unit, field| {
            let comma = if std::mem::take(&mut first) { "" } else { "," };
            let [origin, nature, scope] = words(tags);
            write!(
                out,
                "{comma}{{\"objType\":\"{:?}\",\"proxyId\":{id},\"id\":{number},\
                 \"field\":{{\"pos\":{at},\"name\":\"{}\"}},\"processNum\":1,\
                 \"tags\":{{\"origin\":\"{origin}\",\"nature\":\"{nature}\",\"scope\":\"{scope}\"}},\
                 \"value\":{{\"type\":\"{}\",\"value\":",
                row.kind,
                column.name(),
                unit.name(),
            )?;
            match (unit, field) {
                (_, Field::Number(count)) => write!(out, "{}", count.min(&LARGEST))?,
                (Type::Str, Field::Text(text)) => write!(out, "\"{}\"", Escaped(text))?,
                // Of the numbers, only -1 is kept as text.
                (_, Field::Text(text)) => out.write_str(text)?,
            }
            out.write_str("}}")
        });
        out.push(']');
    }
    out.push(']');
    out
}

/// The numbers of the section and of the server.
fn place(row: &Row) -> (u64, u64) {
    let count = |column| row.count(column).unwrap_or_default();
    (count(Column::Iid), count(Column::Sid))
}

fn each(
    row: &Row,
    mut write: impl FnMut(usize, Column, &'static str, Type, &Field) -> fmt::Result,
) {
    for (at, column) in Column::ALL.iter().enumerate() {
        if let Some(field) = row.field(*column) {
            let (tags, unit) = column.tags(row.kind);
            // Writing to a String cannot fail.
            let _ = write(at, *column, tags, unit, field);
        }
    }
}

/// The letters of HAProxy's management guide, section 9.2, written out.
fn words(tags: &'static str) -> [&'static str; 3] {
    let letter = |at: usize| tags.as_bytes().get(at).copied();
    let origin = match letter(0) {
        Some(b'M') => "Metric",
        Some(b'S') => "Status",
        Some(b'K') => "Key",
        Some(b'C') => "Config",
        _ => "Product",
    };
    let nature = match letter(1) {
        Some(b'A') => "Age",
        Some(b'a') => "Avg",
        Some(b'C') => "Counter",
        Some(b'D') => "Duration",
        Some(b'G') => "Gauge",
        Some(b'L') => "Limit",
        Some(b'M') => "Max",
        Some(b'N') => "Name",
        Some(b'O') => "Output",
        _ => "Rate",
    };
    let scope = match letter(2) {
        Some(b'S') => "Service",
        _ => "Process",
    };
    [origin, nature, scope]
}

/// Text within quotes (RFC 8259).
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let row = Row::server("app", "s1");
        row.number(Column::Iid, 3_u64)
            .number(Column::Sid, 1_u64)
            .text(Column::Lastsess, "-1")
            .number(Column::Bin, u64::MAX)
            .text(Column::LastChk, "a \"b\"\\\n")
    }

    #[test]
    fn typed_lines_are_those_of_haproxy() {
        let text = typed(&[row()]);
        for line in [
            "S.3.1.0.pxname.1:KNS:str:app",
            "S.3.1.8.bin.1:MCP:u64:18446744073709551615",
            "S.3.1.55.lastsess.1:MAP:s32:-1",
            "S.3.1.56.last_chk.1:MOP:str:a \"b\"\\ ",
        ] {
            assert!(text.lines().any(|each| each == line), "{line}: {text}");
        }
    }

    #[test]
    fn json_is_json_whatever_a_server_says() {
        let parsed: serde_json::Value = serde_json::from_str(&json(&[row(), row()])).unwrap();
        let fields = parsed[1].as_array().unwrap();
        let of = |name: &str| {
            let found = fields.iter().find(|field| field["field"]["name"] == name);
            found.unwrap()["value"]["value"].clone()
        };
        assert_eq!(of("last_chk"), "a \"b\"\\\n");
        assert_eq!(of("lastsess"), -1);
        assert_eq!(of("bin"), LARGEST);
        assert_eq!(json(&[]), "[]");
    }

    #[test]
    fn a_backend_has_tags_of_its_own() {
        let tags = |kind| Column::Act.tags(kind).0;
        assert_eq!((tags(Kind::Server), tags(Kind::Backend)), ("SGP", "MGP"));
    }
}
