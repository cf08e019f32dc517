//! Tables: medians over the rounds, ratios to HAProxy within each round.

use std::{fmt::Write, time::Duration};

use super::{
    bench::Sample,
    idle,
    options::{Case, Options, Proxy},
};

/// What lb may cost at most, of HAProxy's cost in the same run, in the full case.
const CPU_BUDGET: f64 = 0.85;
/// What an idle client connection may cost lb at most, in KiB.
const IDLE_BUDGET: f64 = 8.0;

/// The figures of one case.
#[derive(Debug)]
pub(super) struct Table {
    case: Case,
    pub(super) rows: Vec<Row>,
}

/// The figures of one proxy in one case.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) proxy: Proxy,
    /// One a round, in order.
    pub(super) samples: Vec<Sample>,
    /// Why there are no more of them.
    pub(super) failure: Option<String>,
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
        let header = if self.case == Case::Idle {
            self.idle_header()
        } else {
            self.load_header()
        };
        let mut lines = vec![header];
        lines.extend(self.rows.iter().map(|row| self.cells(row)));
        let mark = if markdown { "### " } else { "" };
        let mut text = format!("{mark}{}: {}\n", self.case, self.case.title());
        if markdown {
            text.push('\n');
        }
        text += &grid(&lines, markdown);
        for row in &self.rows {
            for problem in row.problems() {
                writeln!(text, "\n{} FAILED: {problem}", row.proxy).expect("a String takes all");
            }
        }
        text
    }

    fn load_header(&self) -> Vec<String> {
        let names = [
            "proxy",
            self.case.unit(),
            "min",
            "max",
            "to HAProxy",
            "req/s",
            "p50 ms",
            "p99 ms",
            "RSS MiB",
            "errors",
        ];
        names.map(str::to_owned).to_vec()
    }

    fn idle_header(&self) -> Vec<String> {
        let rss = format!("RSS MiB with {}", idle::CONNECTIONS);
        let names = [
            "proxy",
            self.case.unit(),
            "min",
            "max",
            "to HAProxy",
            &rss,
            "errors",
        ];
        names.map(str::to_owned).to_vec()
    }

    fn cells(&self, row: &Row) -> Vec<String> {
        let costs = row.costs();
        let ratio = self
            .ratio(row)
            .map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        let errors = row.problems().len();
        let rss = row.median_of(|sample| Some(sample.rss as f64 / f64::from(1 << 20)));
        let mut cells = vec![row.proxy.to_string()];
        cells
            .extend([median(&costs), minimum(&costs), maximum(&costs)].map(|cost| number(cost, 2)));
        cells.push(ratio);
        if self.case != Case::Idle {
            let rate = row.median_of(Sample::rate);
            let millis = |time: Option<Duration>| time.map(|time| time.as_secs_f64() * 1e3);
            let p50 = row.median_of(|sample| millis(sample.outcome.map(|outcome| outcome.p50)));
            let p99 = row.median_of(|sample| millis(sample.outcome.map(|outcome| outcome.p99)));
            cells.extend([number(rate, 0), number(p50, 2), number(p99, 2)]);
        }
        cells.push(number(rss, 1));
        cells.push(if errors == 0 {
            "none".to_owned()
        } else {
            "FAILED".to_owned()
        });
        cells
    }

    fn row(&self, proxy: Proxy) -> Option<&Row> {
        self.rows.iter().find(|row| row.proxy == proxy)
    }

    /// The median of the ratios within each round that both did.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let baseline = self
            .row(Proxy::Haproxy)?
            .samples
            .iter()
            .map(|sample| sample.cost);
        let ratios = row
            .costs()
            .into_iter()
            .zip(baseline)
            .map(|(cost, base)| cost / base);
        median(&ratios.filter(|ratio| ratio.is_finite()).collect::<Vec<_>>())
    }
}

impl Row {
    fn costs(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| sample.cost).collect()
    }

    fn median_of(&self, figure: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(&self.samples.iter().filter_map(figure).collect::<Vec<_>>())
    }

    fn p99(&self) -> Option<f64> {
        self.median_of(|sample| {
            sample
                .outcome
                .map(|outcome| outcome.p99.as_secs_f64() * 1e3)
        })
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
}

impl Sample {
    /// Requests a second.
    fn rate(&self) -> Option<f64> {
        self.outcome
            .map(|outcome| outcome.requests as f64 / outcome.elapsed.as_secs_f64())
    }
}

/// What was measured on what.
pub(super) fn heading(machine: &[String], options: &Options) -> String {
    let rounds = format!("{} rounds of {} s", options.rounds, options.seconds);
    let lines = machine.iter().map(String::as_str).chain([rounds.as_str()]);
    if options.markdown {
        lines
            .map(|line| format!("- {line}"))
            .collect::<Vec<_>>()
            .join("\n")
    } else {
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// All cases in one table, and lb's budgets where they were measured.
pub(super) fn summary(tables: &[Table], markdown: bool) -> String {
    let header = [
        "case",
        "proxy",
        "cost",
        "unit",
        "to HAProxy",
        "p99 ms",
        "req/s",
        "RSS MiB",
    ];
    let mut lines = vec![header.map(str::to_owned).to_vec()];
    for table in tables {
        for row in &table.rows {
            let ratio = table
                .ratio(row)
                .map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
            lines.push(vec![
                table.case.to_string(),
                row.proxy.to_string(),
                number(median(&row.costs()), 2),
                table.case.unit().to_owned(),
                ratio,
                number(row.p99(), 2),
                number(row.median_of(Sample::rate), 0),
                number(
                    row.median_of(|sample| Some(sample.rss as f64 / f64::from(1 << 20))),
                    1,
                ),
            ]);
        }
    }
    let mark = if markdown {
        "### Summary\n\n"
    } else {
        "summary\n"
    };
    let mut text = format!("{mark}{}", grid(&lines, markdown));
    let budgets: Vec<String> = tables.iter().flat_map(budgets).collect();
    if !budgets.is_empty() {
        text += "\n";
        for line in budgets {
            let bullet = if markdown { "- " } else { "" };
            writeln!(text, "{bullet}{line}").expect("a String takes all");
        }
    }
    text
}

/// lb's budgets in `table`, each with whether it is kept.
fn budgets(table: &Table) -> Vec<String> {
    let verdict = |kept| if kept { "kept" } else { "MISSED" };
    let mut lines = Vec::new();
    let (Some(lb), haproxy) = (table.row(Proxy::Lb), table.row(Proxy::Haproxy)) else {
        return lines;
    };
    if let (Case::Full, Some(ratio)) = (table.case, table.ratio(lb)) {
        let kept = verdict(ratio <= CPU_BUDGET);
        lines.push(format!(
            "CPU a request, full: {ratio:.2} of HAProxy's, budget {CPU_BUDGET}: {kept}"
        ));
    }
    if let (Case::Full, Some(own), Some(theirs)) =
        (table.case, lb.p99(), haproxy.and_then(Row::p99))
    {
        let kept = verdict(own <= theirs);
        lines.push(format!(
            "p99, full: {own:.2} ms, HAProxy's {theirs:.2} ms, budget no worse: {kept}"
        ));
    }
    if let (Case::Idle, Some(cost)) = (table.case, median(&lb.costs())) {
        let kept = verdict(cost <= IDLE_BUDGET);
        lines.push(format!(
            "idle client connection: {cost:.1} KiB, budget {IDLE_BUDGET} KiB: {kept}"
        ));
    }
    lines
}

/// Aligned columns: the first to the left, figures to the right.
fn grid(lines: &[Vec<String>], markdown: bool) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, &width))| {
                if column == 0 {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            })
            .collect();
        if markdown {
            writeln!(text, "| {} |", cells.join(" | ")).expect("a String takes all");
        } else {
            writeln!(text, "{}", cells.join("  ").trim_end()).expect("a String takes all");
        }
        if markdown && index == 0 {
            let rule = |column: usize| if column == 0 { "|---" } else { "|---:" };
            writeln!(text, "{}|", (0..columns).map(rule).collect::<String>())
                .expect("a String takes all");
        }
    }
    text
}

fn number(figure: Option<f64>, digits: usize) -> String {
    figure.map_or("-".to_owned(), |figure| format!("{figure:.digits$}"))
}

/// The middle figure; of an even number, the mean of the two in the middle.
fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 {
        upper
    } else {
        f64::midpoint(sorted[middle - 1], upper)
    })
}

fn minimum(figures: &[f64]) -> Option<f64> {
    figures.iter().copied().min_by(f64::total_cmp)
}

fn maximum(figures: &[f64]) -> Option<f64> {
    figures.iter().copied().max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(case: Case, costs: &[(Proxy, &[f64])]) -> Table {
        let sample = |&cost: &f64| Sample {
            cost,
            outcome: None,
            rss: 2 << 20,
            errors: Vec::new(),
        };
        let row = |&(proxy, costs): &(Proxy, &[f64])| Row {
            proxy,
            samples: costs.iter().map(sample).collect(),
            failure: None,
        };
        Table {
            case,
            rows: costs.iter().map(row).collect(),
        }
    }

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round_not_between_medians() {
        // The machine got slower in the second round and faster in the third; lb took 0.8 in each.
        let table = table(
            Case::Full,
            &[
                (Proxy::Lb, &[8.0, 16.0, 4.0]),
                (Proxy::Haproxy, &[10.0, 20.0, 5.0]),
            ],
        );
        assert_eq!(table.ratio(&table.rows[0]), Some(0.8));
        assert_eq!(
            budgets(&table),
            ["CPU a request, full: 0.80 of HAProxy's, budget 0.85: kept"]
        );
    }

    #[test]
    fn a_budget_that_is_overdrawn_is_said_to_be() {
        let full = table(
            Case::Full,
            &[(Proxy::Lb, &[9.0]), (Proxy::Haproxy, &[10.0])],
        );
        assert!(budgets(&full)[0].ends_with("MISSED"));
        let idle = table(Case::Idle, &[(Proxy::Lb, &[8.1])]);
        assert!(budgets(&idle)[0].ends_with("MISSED"));
    }

    #[test]
    fn an_error_in_any_round_fails_the_row_and_is_shown() {
        let mut table = table(
            Case::Small,
            &[(Proxy::Lb, &[1.0, 2.0]), (Proxy::Haproxy, &[1.0, 2.0])],
        );
        assert!(table.is_sound());
        table.rows[0].samples[1]
            .errors
            .push("3 read errors".to_owned());
        assert!(!table.is_sound());
        let text = table.render(false);
        assert!(text.contains("lb FAILED: round 2: 3 read errors"), "{text}");
        assert_eq!(text.matches("none").count(), 1, "{text}");
    }

    #[test]
    fn a_proxy_that_never_ran_leaves_a_row_without_figures() {
        let mut table = table(Case::Small, &[(Proxy::Lb, &[]), (Proxy::Haproxy, &[1.0])]);
        table.rows[0].failure = Some("lb ended before it served".to_owned());
        let text = table.render(true);
        assert!(text.contains("| lb      |"), "{text}");
        assert!(
            text.contains("lb FAILED: lb ended before it served"),
            "{text}"
        );
    }
}
