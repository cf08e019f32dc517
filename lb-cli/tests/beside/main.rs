//! A whole site in front of `lb` and of HAProxy: the same file in the words of each, the same clients and accidents, and
//! everything compared that an operator sees of it.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod admin;
#[path = "../common/mod.rs"]
mod common;
mod compression;
mod figures;
#[path = "../logs/line.rs"]
mod line;
mod script;
mod site;
mod words;

use line::Line;
use script::{ACTS, OTHERS, play};
use site::{Peer, Site};

/// What two programs said and counted of the same.
#[tokio::test]
async fn a_site_is_told_and_counted_as_by_haproxy() {
    let (mut ours, mut theirs) = tokio::join!(Site::new(Peer::Lb), Site::new(Peer::Haproxy));
    let mut different = Vec::new();
    for acts in [ACTS, OTHERS] {
        let (our, their) = tokio::join!(play(&mut ours, acts), play(&mut theirs, acts));
        for (ours, theirs) in our.iter().zip(&their) {
            different.extend(ours.differences(theirs));
        }
        if acts.len() == ACTS.len() {
            different.extend(figures::differences(&ours, &theirs).await);
        }
    }
    different.extend(words::differences(&ours.messages(), &theirs.messages()));
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}
