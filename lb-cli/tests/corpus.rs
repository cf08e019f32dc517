//! Replays the fuzzer's corpus (`fuzz/corpus`) as an ordinary test.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../../fuzz/laws/config.rs"]
mod law;

use std::{fs, path::Path};

#[test]
fn config() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/config");
    let (mut files, mut valid) = (0, 0);
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read(&path).unwrap();
        println!("{}", path.display());
        files += 1;
        valid += usize::from(law::hold(&String::from_utf8_lossy(&text)));
    }
    assert!(files >= 30, "only {files} files: is the corpus there?");
    assert!(valid >= 5, "only {valid} of them are valid");
}
