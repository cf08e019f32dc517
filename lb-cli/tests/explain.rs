//! What `lb explain` says. Each `tests/explain/*.txt` is a command and, below it, what it prints.
//!
//! `UPDATE_GOLDEN=1 cargo test -p lb-cli --test explain` writes the answers anew; read the difference before committing it.

mod process;

use std::{fs, path::PathBuf};

use process::run;

const CASES: &str = "tests/explain";

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(CASES).expect("the tests run in the package's directory");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    let mut cases: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    cases.sort();
    cases
}

/// The words of a command, of which some are in single quotes.
fn words(command: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (at, part) in command.split('\'').enumerate() {
        match at % 2 {
            0 => words.extend(part.split_whitespace()),
            _ => words.push(part),
        }
    }
    words
}

#[test]
fn every_request_is_explained() {
    assert!(cases().len() > 12);
    let mut differences = String::new();
    for case in cases() {
        let name = case.display();
        let text = fs::read_to_string(&case).unwrap();
        let command = text.lines().next().expect("a command");
        let arguments = words(command.strip_prefix("$ lb").expect("a command"));
        let done = run(&arguments);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{name}");
        let answer = format!("{command}\n{}", done.out);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&case, &answer).unwrap();
        } else if answer != text {
            differences += &format!("{name} is\n{answer}\nand not\n{text}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn what_is_no_request_is_a_usage_error() {
    let explain = |more: &[&str]| {
        let mut arguments = vec!["explain", "tests/explain/site.toml"];
        arguments.extend(more);
        run(&arguments)
    };
    for (arguments, message) in [
        (&[][..], "--request"),
        (&["--request", "GET"], "a method and a target are expected"),
        (&["--request", "G@T /"], "the first word is not a method"),
        (&["--request", "GET / HTTP/2"], "only HTTP/1.0 or HTTP/1.1"),
        (
            &["--request", "GET /", "--header", "Host"],
            "a name, a colon and a value are expected",
        ),
        (
            &["--request", "GET /", "--src", "localhost"],
            "an IP address is expected",
        ),
        (
            &["--request", "GET /", "--frontend", "wbe"],
            "there is no frontend `wbe`; did you mean `web`?",
        ),
    ] {
        let done = explain(arguments);
        assert_eq!(done.code, 2, "{arguments:?}");
        assert_eq!(done.out, "");
        assert!(done.err.contains(message), "{}", done.err);
    }
}

#[test]
fn a_broken_configuration_is_reported_instead() {
    let done = run(&[
        "explain",
        "tests/broken/every-stage.toml",
        "--request",
        "GET /",
    ]);
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    // The names of servers are not looked up.
    assert!(done.err.ends_with("4 errors in 1 file\n"), "{}", done.err);
}
