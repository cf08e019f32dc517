use super::*;
use crate::compare::wrk::{Errors, Outcome};

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

fn outcome(p99: u64) -> Outcome {
    Outcome {
        requests: 90_000,
        elapsed: Duration::from_secs(2),
        bytes: 1,
        errors: Errors::default(),
        p50: Duration::from_micros(900),
        p99: Duration::from_micros(p99),
    }
}

#[test]
fn ratios_are_taken_within_a_round_not_between_medians() {
    // The machine was slower in the second round and faster in the third; lb took 0.8, 0.8 and 0.9.
    let costs: [(Proxy, &[f64]); 2] = [
        (Proxy::Lb, &[8.0, 16.0, 4.5]),
        (Proxy::Haproxy, &[10.0, 20.0, 5.0]),
    ];
    let table = table(Case::Full, &costs);
    assert_eq!(table.ratio(&table.rows[0]), Some(0.8));
    assert_eq!(table.ratio(&table.rows[1]), Some(1.0));
}

#[test]
fn without_haproxy_there_is_no_ratio() {
    let table = table(Case::Full, &[(Proxy::Lb, &[8.0]), (Proxy::Nginx, &[10.0])]);
    assert_eq!(table.ratio(&table.rows[0]), None);
    assert_eq!(budget::verdicts(&table), [""; 0]);
}

#[test]
fn each_budget_is_said_to_be_kept_or_missed() {
    let verdicts = |lb, p99| {
        let mut table = table(Case::Full, &[(Proxy::Lb, &[lb]), (Proxy::Haproxy, &[10.0])]);
        table.rows[0].samples[0].outcome = Some(outcome(p99));
        table.rows[1].samples[0].outcome = Some(outcome(2_000));
        budget::verdicts(&table)
    };
    assert_eq!(
        verdicts(8.0, 1_000),
        [
            "CPU a request, full: 0.80 of HAProxy's, budget 0.85: kept",
            "p99, full: 1.00 ms, HAProxy's 2.00 ms, budget no worse: kept"
        ]
    );
    assert!(
        verdicts(9.0, 2_100)
            .iter()
            .all(|line| line.ends_with("MISSED"))
    );
    let idle = |cost| budget::verdicts(&table(Case::Idle, &[(Proxy::Lb, &[cost])]));
    assert_eq!(
        idle(2.0),
        ["idle client connection: 2.00 KiB, budget 8 KiB: kept"]
    );
    assert!(idle(8.1)[0].ends_with("MISSED"));
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
    assert!(text.contains("| lb      |              - |"), "{text}");
    assert!(
        text.contains("lb FAILED: lb ended before it served"),
        "{text}"
    );
}

#[test]
fn the_summary_has_a_line_for_every_case_and_proxy() {
    let mut small = table(
        Case::Small,
        &[(Proxy::Lb, &[8.0]), (Proxy::Haproxy, &[10.0])],
    );
    small.rows[0].samples[0].outcome = Some(outcome(1_500));
    let idle = table(Case::Idle, &[(Proxy::Lb, &[2.0]), (Proxy::Haproxy, &[1.0])]);
    let text = summary(&[small, idle], true);
    let line = text
        .lines()
        .find(|line| line.starts_with("| small | lb "))
        .unwrap();
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    assert_eq!(
        cells[1..11],
        [
            "small",
            "lb",
            "CPU µs/request",
            "8.00",
            "8.00",
            "8.00",
            "0.80",
            "1.50",
            "45000",
            "2.0"
        ]
    );
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("| idle"))
            .count(),
        2
    );
}
