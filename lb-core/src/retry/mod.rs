//! How often a request is tried, after which failures, and where.
//!
//! [`Retries`] is the configuration (HAProxy's `retries`, `retry-on`,
//! `option redispatch`), [`Attempts`] the pure rule for one request, and
//! [`Budget`] keeps retries from multiplying the load of a backend that fails.
//!
//! ```
//! use lb_core::retry::{Cause, Next, Retries};
//!
//! let mut attempts = Retries::default().attempts();
//! // A connection was refused, and the client is not bound to that server:
//! assert_eq!(attempts.failed(Cause::ConnectFailure, false), Next::Elsewhere);
//! // A client that is bound to it gets two more tries there and the last elsewhere.
//! let mut attempts = Retries::default().attempts();
//! assert_eq!(attempts.failed(Cause::ConnectFailure, true), Next::SameServer);
//! assert_eq!(attempts.failed(Cause::ConnectFailure, true), Next::SameServer);
//! assert_eq!(attempts.failed(Cause::ConnectFailure, true), Next::Elsewhere);
//! assert_eq!(attempts.failed(Cause::ConnectFailure, true), Next::GiveUp);
//! ```

mod budget;
mod causes;

use std::num::NonZeroU32;

pub use budget::Budget;
pub use causes::{Cause, Causes, UnknownCause};

/// When the binding of a client to its server is given up (`option redispatch`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Redispatch {
    /// Never: a bound client fails with its server.
    Never,
    /// On every so many retries; 1 is on each.
    Every(NonZeroU32),
    /// On one retry, counted from the last; 1 is the last itself.
    FromLast(NonZeroU32),
}

impl Default for Redispatch {
    /// On the last retry.
    fn default() -> Self {
        Self::FromLast(NonZeroU32::MIN)
    }
}

/// How often and why a request is tried again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retries {
    /// Attempts after the first (`retries`).
    pub count: u32,
    /// The failures that lead to one (`retry-on`).
    pub causes: Causes,
    /// What happens to a client that is bound to the server that failed.
    pub redispatch: Redispatch,
}

impl Default for Retries {
    /// Three, after a connection that failed or that closed without an answer;
    /// the latter only for requests that may be sent twice.
    fn default() -> Self {
        Self {
            count: 3,
            causes: Causes::default(),
            redispatch: Redispatch::default(),
        }
    }
}

impl Retries {
    /// The rule for one request.
    pub fn attempts(&self) -> Attempts {
        Attempts {
            left: self.count,
            made: 0,
            causes: self.causes,
            redispatch: self.redispatch,
        }
    }
}

/// The attempts of one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attempts {
    left: u32,
    made: u32,
    causes: Causes,
    redispatch: Redispatch,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Report the failure.
    GiveUp,
    /// Try the same server again, after a pause.
    SameServer,
    /// Choose anew, without the server that failed.
    Elsewhere,
}

impl Attempts {
    /// Attempts after the first so far.
    pub fn made(&self) -> u32 {
        self.made
    }

    /// Would a failure of this cause lead to another attempt?
    pub fn retries_on(&self, cause: Cause) -> bool {
        self.left > 0 && self.causes.contains(cause)
    }

    /// An attempt has failed; `bound` says that persistence chose the server.
    pub fn failed(&mut self, cause: Cause, bound: bool) -> Next {
        if !self.retries_on(cause) {
            return Next::GiveUp;
        }
        self.left -= 1;
        self.made += 1;
        let elsewhere = match self.redispatch {
            _ if !bound => self.redispatch != Redispatch::Never,
            Redispatch::Never => false,
            Redispatch::FromLast(n) => self.left + 1 == n.get(),
            Redispatch::Every(n) => self.made.is_multiple_of(n.get()),
        };
        match elsewhere {
            true => Next::Elsewhere,
            false => Next::SameServer,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const fn n(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).expect("not 0")
    }

    fn plan(redispatch: Redispatch, bound: bool) -> Vec<Next> {
        let mut attempts = Retries {
            redispatch,
            ..Retries::default()
        }
        .attempts();
        (0..4)
            .map(|_| attempts.failed(Cause::ConnectFailure, bound))
            .collect()
    }

    #[test]
    fn redispatch_as_haproxy_does() {
        use Next::{Elsewhere as E, GiveUp as G, SameServer as S};
        assert_eq!(plan(Redispatch::Never, true), [S, S, S, G]);
        assert_eq!(plan(Redispatch::Never, false), [S, S, S, G]);
        assert_eq!(plan(Redispatch::FromLast(n(1)), true), [S, S, E, G]);
        assert_eq!(plan(Redispatch::FromLast(n(1)), false), [E, E, E, G]);
        assert_eq!(plan(Redispatch::Every(n(2)), true), [S, E, S, G]);
        assert_eq!(plan(Redispatch::Every(n(1)), true), [E, E, E, G]);
    }

    #[test]
    fn other_causes_give_up_at_once() {
        let mut attempts = Retries::default().attempts();
        assert_eq!(attempts.failed(Cause::Status(503), false), Next::GiveUp);
        assert_eq!(attempts.made(), 0);
    }
}
