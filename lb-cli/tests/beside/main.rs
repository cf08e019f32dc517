//! A whole site in front of `lb` and of HAProxy: the same file in the words of each, the same clients and accidents, and
//! everything compared that an operator sees of it.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod admin;
#[path = "../common/mod.rs"]
mod common;
mod compression;
#[path = "../logs/line.rs"]
mod line;
mod script;
mod site;
mod words;

use line::Line;
use site::{Peer, Site};

/// What two programs said and counted of the same.
#[tokio::test]
async fn a_site_is_told_and_counted_as_by_haproxy() {
    let (mut ours, mut theirs) = tokio::join!(Site::new(Peer::Lb), Site::new(Peer::Haproxy));
    let (our_acts, their_acts) = tokio::join!(script::play(&mut ours), script::play(&mut theirs));
    let mut different = Vec::new();
    for (ours, theirs) in our_acts.iter().zip(&their_acts) {
        different.extend(ours.differences(theirs));
    }
    different.extend(words::differences(&ours.messages(), &theirs.messages()));
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}
