//! Rows of a label and what is to be said about it, aligned.

use std::fmt;

/// The report in the making.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    /// A label, a text.
    Plain(String, String),
    /// A label, a text that may be indented, its verdict and why.
    Judged(String, String, &'static str, String),
    Blank,
}

impl Sheet {
    /// `label   text`; an empty label goes on with the one above.
    pub(super) fn row(&mut self, label: &str, text: impl Into<String>) {
        self.rows.push(Row::Plain(label.to_owned(), text.into()));
    }

    /// `label   text   verdict   why`.
    pub(super) fn judged(
        &mut self,
        label: &str,
        text: impl Into<String>,
        verdict: &'static str,
        why: impl Into<String>,
    ) {
        let row = Row::Judged(label.to_owned(), text.into(), verdict, why.into());
        self.rows.push(row);
    }

    /// An empty line.
    pub(super) fn blank(&mut self) {
        self.rows.push(Row::Blank);
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |of: fn(&Row) -> usize| self.rows.iter().map(of).max().unwrap_or(0);
        let label_width = width(|row| match row {
            Row::Plain(label, _) | Row::Judged(label, ..) => label.len(),
            Row::Blank => 0,
        });
        let text_width = width(|row| match row {
            Row::Judged(_, text, ..) => text.chars().count(),
            _ => 0,
        });
        let verdict_width = width(|row| match row {
            Row::Judged(_, _, verdict, _) => verdict.len(),
            _ => 0,
        });
        for row in &self.rows {
            let line = match row {
                Row::Plain(label, text) => format!("{label:label_width$}  {text}"),
                Row::Judged(label, text, verdict, why) => format!(
                    "{label:label_width$}  {text:text_width$}  {verdict:verdict_width$}  {why}"
                ),
                Row::Blank => String::new(),
            };
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
