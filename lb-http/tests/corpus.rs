//! Replays the fuzzer's corpus (`fuzz/corpus`) as an ordinary test.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../../fuzz/laws/request_head.rs"]
mod law;
#[allow(dead_code, reason = "the tests of lb-cli need more of it")]
#[path = "../../lb-cli/tests/common/message.rs"]
mod message;

use std::{fs, path::Path};

use lb_http::sticky::{
    request::{Stripped, strip, unprefix, values},
    response::{prefix, rewrite, sets},
};

const NAME: &[u8] = b"SRV";

#[test]
fn cookies() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/cookies");
    let mut files = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let field = fs::read(&path).unwrap();
        files += 1;
        let ours = values(&field, NAME).count();
        match strip(&field, NAME) {
            Stripped::Unchanged => assert_eq!(ours, 0, "{path:?}"),
            Stripped::Rest(rest) => assert_eq!(values(&rest, NAME).count(), 0, "{path:?}"),
            Stripped::Nothing => assert!(ours > 0, "{path:?}"),
        }
        // A prefix may hold one of two quotes, and then changes what is quoted.
        if !field.contains(&b'"')
            && let Some(rest) = unprefix(&field, NAME, b'~')
        {
            assert_eq!(values(&rest, NAME).count(), ours, "{path:?}");
        }
        for changed in [
            rewrite(&field, NAME, b"c1"),
            prefix(&field, NAME, b"c1", b'~'),
        ] {
            assert_eq!(changed.is_some(), sets(&field, NAME), "{path:?}");
            assert!(
                changed.is_none_or(|changed| sets(&changed, NAME)),
                "{path:?}"
            );
        }
    }
    assert!(files >= 25, "only {files} files: is the corpus there?");
}

#[tokio::test]
async fn request_head() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/request_head");
    let (mut files, mut relayed, mut refused) = (0, 0, 0);
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let outcome = law::hold(&fs::read(&path).unwrap()).await;
        println!("{}: {outcome:?}", path.display());
        files += 1;
        relayed += outcome.requests.len();
        refused += outcome.statuses.iter().filter(|s| **s >= 400).count();
    }
    assert!(files >= 50, "only {files} files: is the corpus there?");
    assert!(
        relayed >= 20,
        "only {relayed} requests reached the upstream"
    );
    assert!(refused >= 20, "only {refused} were refused");
}
