//! Replays the fuzzer's corpus (`fuzz/corpus/peer_link`): files named `bad-…` are no message.

#[path = "../../../fuzz/laws/peer_link.rs"]
mod law;

use std::{fs, path::Path};

#[test]
fn the_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/peer_link");
    let mut files = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let held = law::hold(&fs::read(entry.path()).unwrap());
        // What a fuzzer adds has a name of its own.
        if name.contains('-') {
            assert_eq!(held, !name.starts_with("bad-"), "{name}");
        }
        files += 1;
    }
    assert!(files >= 25, "only {files} files: is the corpus there?");
}
