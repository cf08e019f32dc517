//! Every file and directory in `tests/broken` has its whole report beside it, as a user sees it.
//!
//! `UPDATE_GOLDEN=1 cargo test -p lb-cli --test broken` writes the reports anew; read the difference before committing it.

use std::{fs, path::Path, path::PathBuf};

use lb_cli::config::{Config, Severity};

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

#[test]
fn every_broken_file_gets_its_whole_report() {
    assert!(cases().len() > 10);
    for case in cases() {
        let report = match Config::load(std::slice::from_ref(&case)) {
            Ok(config) => panic!("{} is not broken:\n{}", case.display(), config.diagnostics),
            Err(diagnostics) => diagnostics.to_string(),
        };
        let golden = case.with_extension("txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &report).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert!(
            report == expected,
            "{} is reported as\n{report}\nand not as\n{expected}",
            case.display()
        );
    }
}

#[test]
fn every_problem_has_a_place_and_shows_it() {
    for case in cases() {
        for problem in Config::load(std::slice::from_ref(&case))
            .unwrap_err()
            .iter()
        {
            let text = fs::read_to_string(&problem.file).unwrap();
            let line = text.lines().nth(problem.line - 1).unwrap();
            assert_eq!(problem.source_line, line, "{}", problem.message);
            assert!(
                problem.column <= line.chars().count() + 1,
                "{}",
                problem.message
            );
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_reported_with_the_others() {
    let paths = [
        Path::new(BROKEN).join("none.toml"),
        Path::new(BROKEN).join("unknown-section.toml"),
    ];
    let report = Config::load(&paths).unwrap_err();
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
