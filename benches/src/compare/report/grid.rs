//! Aligned text: names to the left, figures to the right.

use std::fmt::{self, Display};

/// Lines of cells under a header. In Markdown, a column of `left` ones first and right-aligned ones after.
#[derive(Debug)]
pub(super) struct Grid {
    lines: Vec<Vec<String>>,
    left: usize,
    markdown: bool,
}

impl Grid {
    /// A grid of which the first `left` columns hold names.
    pub(super) fn new(header: &[&str], left: usize, markdown: bool) -> Self {
        let header = header.iter().map(|name| (*name).to_owned()).collect();
        Self {
            lines: vec![header],
            left,
            markdown,
        }
    }

    /// Adds a line with as many cells as the header has.
    pub(super) fn push(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.lines[0].len());
        self.lines.push(cells);
    }

    fn width(&self, column: usize) -> usize {
        let widths = self.lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or(0)
    }

    fn padded(&self, line: &[String], separator: &str) -> String {
        let pad = |(column, cell): (usize, &String)| {
            let width = self.width(column);
            if column < self.left {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        };
        line.iter()
            .enumerate()
            .map(pad)
            .collect::<Vec<_>>()
            .join(separator)
    }
}

impl Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.lines.iter().enumerate() {
            if !self.markdown {
                writeln!(f, "{}", self.padded(line, "  ").trim_end())?;
                continue;
            }
            writeln!(f, "| {} |", self.padded(line, " | "))?;
            if index == 0 {
                let rules =
                    (0..line.len()).map(|column| if column < self.left { "|---" } else { "|---:" });
                writeln!(f, "{}|", rules.collect::<String>())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(markdown: bool) -> String {
        let mut grid = Grid::new(&["proxy", "CPU µs"], 1, markdown);
        grid.push(vec!["haproxy".to_owned(), "14.21".to_owned()]);
        grid.push(vec!["lb".to_owned(), "9.00".to_owned()]);
        grid.to_string()
    }

    #[test]
    fn figures_line_up_on_the_right() {
        assert_eq!(
            grid(false),
            "proxy    CPU µs\nhaproxy   14.21\nlb         9.00\n"
        );
    }

    #[test]
    fn markdown_has_a_rule_below_its_header() {
        let expected =
            "| proxy   | CPU µs |\n|---|---:|\n| haproxy |  14.21 |\n| lb      |   9.00 |\n";
        assert_eq!(grid(true), expected);
    }
}
