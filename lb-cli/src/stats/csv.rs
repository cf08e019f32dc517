//! The statistics as HAProxy's CSV: a header that starts with `#`, a comma at
//! the end of every line.

use super::{Column, Row, column::MODULES, row::Field};

/// The whole text.
pub fn csv(rows: &[Row]) -> String {
    let mut out = header();
    for row in rows {
        for column in Column::ALL {
            match row.field(*column) {
                Some(Field::Number(number)) => {
                    out.push_str(itoa::Buffer::new().format(*number));
                }
                Some(Field::Text(text)) => quote(&mut out, text),
                None => {}
            }
            out.push(',');
        }
        out.push_str("-,");
        out.extend(MODULES.map(|_| ','));
        out.push('\n');
    }
    out
}

/// HAProxy's header line.
fn header() -> String {
    let mut out = "# ".to_owned();
    let columns = Column::ALL.iter().map(|column| column.name());
    for name in columns.chain(["-"]).chain(MODULES) {
        out.push_str(name);
        out.push(',');
    }
    out.push('\n');
    out
}

/// In quotes if it has a comma, a quote or a line's end (RFC 4180).
fn quote(out: &mut String, text: &str) {
    if !text.contains([',', '"', '\n', '\r']) {
        return out.push_str(text);
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_a_comma_for_each_column() {
        let row = Row::server("app", "s1").text(Column::LastChk, "a \"b\", c");
        let text = csv(&[row]);
        let (header, line) = text.trim_end().split_once('\n').unwrap();
        let columns = Column::ALL.len() + 1 + MODULES.len();
        assert_eq!(header.matches(',').count(), columns);
        assert!(header.starts_with("# pxname,svname,qcur,"), "{header}");
        assert!(line.starts_with("app,s1,,"), "{line}");
        assert!(line.contains(",\"a \"\"b\"\", c\","), "{line}");
        // One comma is inside the quotes.
        assert_eq!(line.matches(',').count(), columns + 1);
    }
}
