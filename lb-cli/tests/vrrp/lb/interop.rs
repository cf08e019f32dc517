//! One node `lb`, the other Keepalived, in both directions and every way of advertising.

use std::thread;

use lb_benches::rig::Profile;

use super::lb;
use crate::handover::there_and_back;
use crate::stage::{keepalived, turn};

#[test]
fn version_3() {
    let _turn = turn();
    for profile in [Profile::V3, Profile::V6] {
        both_ways(profile);
    }
}

/// Side by side: each waits for its own seconds, and hardly works.
#[test]
fn version_2() {
    let _turn = turn();
    thread::scope(|scope| {
        for profile in [Profile::V2_OPEN, Profile::V2, Profile::UNICAST] {
            scope.spawn(move || both_ways(profile));
        }
    });
}

fn both_ways(profile: Profile) {
    thread::scope(|scope| {
        scope.spawn(|| there_and_back(profile, [lb(), keepalived()]));
        scope.spawn(|| there_and_back(profile, [keepalived(), lb()]));
    });
}
