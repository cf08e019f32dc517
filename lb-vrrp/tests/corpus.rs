//! Replays the fuzzer's corpus (`fuzz/corpus`) as an ordinary test: a file named `bad-…` is taken by no format,
//! every other one by some.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../../fuzz/laws/vrrp.rs"]
mod law;

use std::{fs, path::Path};

#[test]
fn vrrp() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/vrrp");
    let mut files = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let taken = law::hold(&fs::read(path).unwrap());
        assert_eq!(taken == 0, name.starts_with("bad-"), "{name}: {taken}");
        files += 1;
    }
    assert!(files >= 40, "only {files} files: is the corpus there?");
}
