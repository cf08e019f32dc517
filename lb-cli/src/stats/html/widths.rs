//! How wide the columns are: in every section as wide as the widest of them wants, so that figures of
//! all sections stand below each other.

use std::fmt::{self, Write as _};

use super::cell::cell;
use crate::stats::{Column, Kind, Row};

/// The style has a class for each width up to this one.
const WIDEST: usize = 24;

/// Characters of the widest text of each column.
pub(super) struct Widths(Vec<(Column, usize)>);

impl Widths {
    /// Of these columns, in these rows.
    pub(super) fn of(columns: impl Iterator<Item = Column>, rows: &[Row]) -> Self {
        let mut text = String::new();
        let mut widest = |column| {
            let widths = rows.iter().map(|row| {
                text.clear();
                // Writing to a String cannot fail.
                let _ = match column {
                    Column::Svname => text.write_str(name(row)),
                    column => cell(&mut text, row, column),
                };
                text.chars().count()
            });
            (column, widths.max().unwrap_or(0).clamp(1, WIDEST))
        };
        Self(columns.map(&mut widest).collect())
    }

    /// The first of a table's parts.
    pub(super) fn write(&self, out: &mut String) -> fmt::Result {
        out.push_str("<colgroup>");
        for (column, width) in &self.0 {
            match column {
                // Pictures, and what is as wide in every row.
                Column::Status => out.push_str("<col class=\"st\">"),
                Column::ReqRate | Column::Ttime => out.push_str("<col class=\"s\">"),
                Column::Svname => write!(out, "<col class=\"n c{width}\">")?,
                _ => write!(out, "<col class=\"c{width}\">")?,
            }
        }
        out.push_str("</colgroup>\n");
        Ok(())
    }
}

/// What a row is called in the page.
pub(super) fn name(row: &Row) -> &str {
    match row.kind {
        Kind::Frontend => "Frontend",
        Kind::Backend => "Backend",
        Kind::Server => &row.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Column::{Scur, Stot, Svname};

    #[test]
    fn the_widest_text_of_all_sections_counts() {
        let server = |proxy: &str, name: &str| Row::server(proxy, name);
        let rows = [
            server("app", "a").number(Stot, 1234_u64),
            server("other", "a-long-name").number(Stot, 5_u64),
            server("other", &"x".repeat(100)),
        ];
        let classes = |rows: &[Row]| {
            let mut out = String::new();
            let widths = Widths::of([Svname, Scur, Stot].into_iter(), rows);
            widths.write(&mut out).unwrap();
            out
        };
        // The blank between thousands is a character.
        let two = classes(&rows[..2]);
        assert!(
            two.contains("\"n c11\"><col class=\"c1\"><col class=\"c5\">"),
            "{two}"
        );
        assert!(classes(&rows).contains("n c24"));
        let css = super::super::STYLE;
        assert!((1..=WIDEST).all(|width| css.contains(&format!(".c{width}{{--w:{width}}}"))));
    }
}
