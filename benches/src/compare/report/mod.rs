//! The report: a table for each case, then all of them in one, with lb's budgets.

mod budget;
mod grid;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::stats::{maximum, median, minimum};
use grid::Grid;

use super::{
    bench::Sample,
    idle,
    options::{Case, Options, Proxy},
};

/// The samples of one case.
#[derive(Debug)]
pub(super) struct Table {
    case: Case,
    pub(super) rows: Vec<Row>,
}

/// The samples of one proxy in one case.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) proxy: Proxy,
    /// One a round, in order.
    pub(super) samples: Vec<Sample>,
    /// Why there are no more of them.
    pub(super) failure: Option<String>,
}

/// A row's figures, medians over the rounds unless they say otherwise; none where nothing was measured.
#[derive(Debug, Clone, Copy)]
struct Figures {
    /// In the case's unit.
    cost: Option<f64>,
    least: Option<f64>,
    most: Option<f64>,
    /// Of HAProxy's cost in the same round.
    ratio: Option<f64>,
    /// Requests a second.
    rate: Option<f64>,
    /// Latencies in ms.
    p50: Option<f64>,
    p99: Option<f64>,
    /// Resident MiB.
    rss: Option<f64>,
}

impl Table {
    pub(super) fn new(case: Case, proxies: &[Proxy]) -> Self {
        let row = |&proxy| Row {
            proxy,
            samples: Vec::new(),
            failure: None,
        };
        Self {
            case,
            rows: proxies.iter().map(row).collect(),
        }
    }

    /// Whether every proxy did every round without an error.
    pub(super) fn is_sound(&self) -> bool {
        self.rows.iter().all(|row| row.problems().is_empty())
    }

    /// The case's heading and table, and below it what went wrong.
    pub(super) fn render(&self, markdown: bool) -> String {
        let grid = if self.case == Case::Idle {
            self.idle(markdown)
        } else {
            self.load(markdown)
        };
        let (mark, gap) = if markdown { ("### ", "\n") } else { ("", "") };
        let mut text = format!("{mark}{}: {}\n{gap}{grid}", self.case, self.case.title());
        for row in &self.rows {
            for problem in row.problems() {
                text += &format!("\n{} FAILED: {problem}\n", row.proxy);
            }
        }
        text
    }

    fn load(&self, markdown: bool) -> Grid {
        let unit = self.case.unit();
        let header = [
            "proxy",
            unit,
            "min",
            "max",
            "to HAProxy",
            "req/s",
            "p50 ms",
            "p99 ms",
            "RSS MiB",
            "errors",
        ];
        let mut grid = Grid::new(&header, 1, markdown);
        for row in &self.rows {
            let figures = self.figures(row);
            let mut cells = vec![row.proxy.to_string()];
            cells.extend(figures.costs());
            cells.extend(
                [
                    (figures.rate, 0),
                    (figures.p50, 2),
                    (figures.p99, 2),
                    (figures.rss, 1),
                ]
                .map(number),
            );
            cells.push(row.verdict());
            grid.push(cells);
        }
        grid
    }

    fn idle(&self, markdown: bool) -> Grid {
        let unit = self.case.unit();
        let rss = format!("RSS MiB with {}", idle::CONNECTIONS);
        let header = ["proxy", unit, "min", "max", "to HAProxy", &rss, "errors"];
        let mut grid = Grid::new(&header, 1, markdown);
        for row in &self.rows {
            let figures = self.figures(row);
            let mut cells = vec![row.proxy.to_string()];
            cells.extend(figures.costs());
            cells.push(number((figures.rss, 1)));
            cells.push(row.verdict());
            grid.push(cells);
        }
        grid
    }

    fn row(&self, proxy: Proxy) -> Option<&Row> {
        self.rows.iter().find(|row| row.proxy == proxy)
    }

    fn figures(&self, row: &Row) -> Figures {
        let seen =
            |figure: fn(&Sample) -> Option<f64>| median(row.samples.iter().filter_map(figure));
        Figures {
            cost: median(row.costs()),
            least: minimum(row.costs()),
            most: maximum(row.costs()),
            ratio: self.ratio(row),
            rate: seen(|sample| {
                sample
                    .outcome
                    .map(|o| o.requests as f64 / o.elapsed.as_secs_f64())
            }),
            p50: seen(|sample| sample.outcome.map(|o| millis(o.p50))),
            p99: seen(|sample| sample.outcome.map(|o| millis(o.p99))),
            rss: median(
                row.samples
                    .iter()
                    .map(|sample| sample.rss as f64 / f64::from(1 << 20)),
            ),
        }
    }

    /// The median of the ratios within each round that both did: what slows the machine for a while slows both.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let baseline = self.row(Proxy::Haproxy)?;
        let ratios = row
            .costs()
            .zip(baseline.costs())
            .map(|(cost, base)| cost / base);
        median(ratios.filter(|ratio| ratio.is_finite()))
    }
}

impl Row {
    fn costs(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|sample| sample.cost)
    }

    fn problems(&self) -> Vec<String> {
        let errors = self.samples.iter().enumerate().flat_map(|(index, sample)| {
            sample
                .errors
                .iter()
                .map(move |error| format!("round {}: {error}", index + 1))
        });
        errors.chain(self.failure.clone()).collect()
    }

    fn verdict(&self) -> String {
        if self.problems().is_empty() {
            "none".to_owned()
        } else {
            "FAILED".to_owned()
        }
    }
}

impl Figures {
    fn costs(&self) -> [String; 4] {
        [self.cost, self.least, self.most, self.ratio].map(|figure| number((figure, 2)))
    }
}

/// What was measured on what.
pub(super) fn heading(machine: &[String], options: &Options) -> String {
    let rounds = format!("{} rounds of {} s", options.rounds, options.seconds);
    let bullet = if options.markdown { "- " } else { "" };
    let lines = machine.iter().chain([&rounds]);
    lines.map(|line| format!("{bullet}{line}\n")).collect()
}

/// All cases in one table, and lb's budgets where they were measured.
pub(super) fn summary(tables: &[Table], markdown: bool) -> String {
    let header = [
        "case",
        "proxy",
        "unit",
        "median",
        "min",
        "max",
        "to HAProxy",
        "p99 ms",
        "req/s",
        "RSS MiB",
    ];
    let mut grid = Grid::new(&header, 3, markdown);
    for table in tables {
        for row in &table.rows {
            let figures = table.figures(row);
            let mut cells = vec![
                table.case.to_string(),
                row.proxy.to_string(),
                table.case.unit().to_owned(),
            ];
            cells.extend(figures.costs());
            cells.extend([(figures.p99, 2), (figures.rate, 0), (figures.rss, 1)].map(number));
            grid.push(cells);
        }
    }
    let heading = if markdown {
        "### summary\n\n"
    } else {
        "summary\n"
    };
    let bullet = if markdown { "- " } else { "" };
    let verdicts = tables.iter().flat_map(budget::verdicts);
    let verdicts: String = verdicts.map(|line| format!("{bullet}{line}\n")).collect();
    let gap = if verdicts.is_empty() { "" } else { "\n" };
    format!("{heading}{grid}{gap}{verdicts}")
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A figure with its number of decimals.
fn number((figure, decimals): (Option<f64>, usize)) -> String {
    figure.map_or("-".to_owned(), |figure| format!("{figure:.decimals$}"))
}
