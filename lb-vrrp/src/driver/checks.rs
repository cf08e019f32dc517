//! The check scripts of all virtual routers.

use std::task::{Context, Poll};

use super::TrackHandle;
use crate::script::{Checker, Script, Verdict};

/// Scripts, and who tracks each with which weight.
#[derive(Default)]
pub(super) struct Checks(Vec<Check>);

struct Check {
    checker: Checker,
    tracked: Vec<(TrackHandle, i16)>,
}

impl Checks {
    pub(super) fn add(&mut self, script: &Script, tracked: Vec<(TrackHandle, i16)>) {
        let checker = script.checker();
        let check = Check { checker, tracked };
        check.tell(Verdict::Pending, "not checked yet");
        self.0.push(check);
    }

    /// Drives every script; a new verdict is told to who tracks it, and why is returned.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Option<String> {
        for check in &mut self.0 {
            if let Poll::Ready(change) = check.checker.poll_next(cx) {
                check.tell(change.verdict, &change.reason);
                return Some(change.reason);
            }
        }
        None
    }
}

impl Check {
    fn tell(&self, verdict: Verdict, why: &str) {
        let well = match verdict {
            Verdict::Pending => None,
            Verdict::Ok => Some(true),
            Verdict::Failed => Some(false),
        };
        for (handle, weight) in &self.tracked {
            handle.weigh(*weight, well, why);
        }
    }
}
