//! Every file and directory in `tests/broken` has beside it what `lb check` says of it, whole, as a user sees it.
//!
//! `UPDATE_GOLDEN=1 cargo test -p lb-cli --test broken` writes the reports anew; read the difference before committing it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use lb_cli::{
    config::{Config, Diagnostic, Diagnostics, Severity},
    plan::Plan,
};

/// Relative to the package, so that reports name the same paths everywhere.
const BROKEN: &str = "tests/broken";

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(BROKEN).expect("the tests run in the package's directory");
    let entries = entries.map(|entry| entry.expect("a readable entry").path());
    let mut cases: Vec<_> = entries
        .filter(|path| path.extension().is_none_or(|e| e == "toml"))
        .collect();
    cases.sort();
    cases
}

/// What every stage says of these files.
fn problems(paths: &[PathBuf]) -> Diagnostics {
    match Plan::compile(Config::load_recoverable(paths)) {
        Ok(plan) => panic!("{paths:?} is not broken:\n{}", plan.warnings),
        Err(diagnostics) => diagnostics,
    }
}

/// How systems say that a name does not exist differs.
fn without_reasons(report: &str) -> String {
    let mut lines = String::new();
    for line in report.lines() {
        let is_one = line.starts_with("error: cannot resolve");
        match line.split_once("`: ").filter(|_| is_one) {
            Some((name, _)) => lines += &format!("{name}`: …\n"),
            None => lines += &format!("{line}\n"),
        }
    }
    lines
}

#[test]
fn every_broken_file_gets_its_whole_report() {
    assert!(cases().len() > 25);
    let mut differences = String::new();
    for case in cases() {
        let mut lb = Command::new(env!("CARGO_BIN_EXE_lb"));
        let output = lb.arg("check").arg(&case).output().expect("lb runs");
        let name = case.display();
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{name}");
        let report = String::from_utf8(output.stderr).expect("a report is text");
        let report = without_reasons(&report);
        let golden = case.with_extension("txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &report).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if report != expected {
            differences += &format!("{name} is reported as\n{report}\nand not as\n{expected}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// Each line of this file is wrong in its own way, and none is taken.
#[test]
fn every_broken_rule_is_reported_at_its_line() {
    let path = Path::new(BROKEN).join("words.toml");
    let report = problems(std::slice::from_ref(&path));
    let text = fs::read_to_string(&path).unwrap();
    let rules = text.lines().enumerate().filter(|(_, line)| {
        let line = line.trim_start();
        line.starts_with(['"', '\'']) || line.starts_with("acl.")
    });
    let mut count = 0;
    for (at, rule) in rules {
        let found = report.iter().find(|problem| problem.line == at + 1);
        let found = found.unwrap_or_else(|| panic!("this is taken: {rule}"));
        assert!(found.column > 1, "{rule}");
        count += 1;
    }
    assert!(count > 100, "{count}");
}

#[test]
fn every_problem_has_a_place_and_shows_it() {
    for case in cases() {
        let has_place = |problem: &&Diagnostic| problem.line > 0;
        let report = problems(std::slice::from_ref(&case));
        for problem in report.iter().filter(has_place) {
            let text = fs::read_to_string(&problem.file).unwrap();
            let line = text.lines().nth(problem.line - 1).unwrap();
            assert_eq!(problem.source_line, line, "{}", problem.message);
            assert!(
                problem.column <= line.chars().count() + 1,
                "{}",
                problem.message
            );
        }
        let without = report.iter().filter(|problem| problem.line == 0);
        let without: Vec<_> = without.map(|problem| problem.message.as_str()).collect();
        assert!(
            without
                .iter()
                .all(|message| message.starts_with("cannot read")
                    || message.starts_with("no frontend")),
            "{without:?}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_reported_with_the_others() {
    let paths = [
        Path::new(BROKEN).join("none.toml"),
        Path::new(BROKEN).join("unknown-section.toml"),
    ];
    let report = problems(&paths);
    assert!(
        report
            .iter()
            .all(|problem| problem.severity == Severity::Error)
    );
    let text = report.to_string();
    assert!(
        text.contains("cannot read `tests/broken/none.toml`"),
        "{text}"
    );
    assert!(text.contains("did you mean `frontend`?"), "{text}");
    assert!(text.ends_with("3 errors in 2 files\n"), "{text}");
}
