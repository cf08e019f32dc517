//! The figures of all rows, side by side.

use std::{fmt::Write as _, time::Duration};

use super::{options::Implementation, run::Run, scenario::Scenario};
use crate::stats::{maximum, median, minimum};

/// The runs of one scenario by one implementation.
#[derive(Debug)]
pub(super) struct Row {
    pub scenario: Scenario,
    pub who: Implementation,
    pub runs: Vec<Run>,
    /// Runs that came to nothing.
    pub failed: usize,
}

const HEAD: [&str; 10] = [
    "scenario", "by", "n", "min", "median", "max", "lost", "two", "from-to", "remark",
];

impl Row {
    /// Whether every run was a run.
    pub(super) fn is_sound(&self) -> bool {
        self.failed == 0
    }

    fn cells(&self) -> [String; 10] {
        let outages = || self.runs.iter().map(|run| ms(run.outage.length));
        let overlaps = self.runs.iter().map(|run| ms(run.overlap));
        let lost = self.runs.iter().map(|run| run.lost as f64);
        let figure = |value: Option<f64>| value.map_or("-".to_owned(), |ms| format!("{ms:.0}"));
        let open = self.runs.iter().filter(|run| run.outage.to.is_none());
        let mut remark = Vec::new();
        match open.count() {
            0 => {}
            n => remark.push(format!("{n} not over")),
        }
        if !self.is_sound() {
            remark.push(format!("{} failed", self.failed));
        }
        [
            self.scenario.to_string(),
            self.who.to_string(),
            self.runs.len().to_string(),
            figure(minimum(outages())),
            figure(median(outages())),
            figure(maximum(outages())),
            figure(median(lost)),
            figure(maximum(overlaps)),
            self.ways(),
            remark.join(", "),
        ]
    }

    /// `a-b`, and each other way that was seen.
    fn ways(&self) -> String {
        let mut ways: Vec<String> = Vec::new();
        for run in &self.runs {
            let to = run.outage.to.as_deref().unwrap_or("?");
            let way = format!("{}-{to}", run.outage.from);
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        ways.join(" ")
    }
}

/// Milliseconds, as in every figure of the table.
fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// All rows, aligned for a terminal or as Markdown.
pub(super) fn render(rows: &[Row], markdown: bool) -> String {
    let cells: Vec<[String; 10]> = rows.iter().map(Row::cells).collect();
    let mut text = String::new();
    if markdown {
        let _ = writeln!(text, "| {} |", HEAD.join(" | "));
        text.push_str("|---|---|---:|---:|---:|---:|---:|---:|---|---|\n");
        for row in &cells {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
    } else {
        let width = |column: usize| {
            let widths = cells.iter().map(|row| row[column].len());
            widths.max().unwrap_or(0).max(HEAD[column].len())
        };
        for row in std::iter::once(HEAD.map(str::to_owned)).chain(cells.iter().cloned()) {
            let aligned = row.iter().enumerate().map(|(column, cell)| {
                let width = width(column);
                if (2..8).contains(&column) {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            });
            let line = aligned.collect::<Vec<_>>().join("  ");
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text.push_str("\nmin, median, max: longest time without an answer, ms; lost: probes without one, median;\n");
    text.push_str("two: how long two nodes had the address after the fault, ms, at most.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Node, Outage};

    fn row(outages: &[u64]) -> Row {
        let run = |&ms: &u64| Run {
            outage: Outage {
                length: Duration::from_millis(ms),
                from: "a".into(),
                to: (ms < 1000).then(|| "b".into()),
            },
            overlap: Duration::from_millis(5),
            lost: 3,
            holders: vec![Node::B],
        };
        Row {
            scenario: "v3c-kill9".parse().unwrap(),
            who: Implementation::Keepalived,
            runs: outages.iter().map(run).collect(),
            failed: 0,
        }
    }

    #[test]
    fn a_row_has_its_figures() {
        let text = render(&[row(&[300, 280, 360])], true);
        let line = "| v3c-kill9 | keepalived | 3 | 280 | 300 | 360 | 3 | 5 | a-b |  |";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn an_outage_without_end_is_not_taken_for_a_short_one() {
        let text = render(&[row(&[300, 2500])], false);
        assert!(text.contains("1 not over"), "{text}");
        assert!(text.contains("a-b a-?"), "{text}");
    }

    #[test]
    fn a_row_without_runs_shows_no_figures() {
        let mut empty = row(&[]);
        empty.failed = 2;
        assert!(!empty.is_sound());
        assert!(render(&[empty], false).contains("2 failed"));
    }
}
