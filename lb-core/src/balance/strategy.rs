//! What counts as a failure, and what is done about it.

use std::{sync::Arc, time::Duration};

use crate::retry::{Attempts, Budget, Cause, Retries};

/// Judges results, and sends requests again.
pub trait Strategy<Req, Res, E> {
    /// What is kept of a request while it is on its way.
    type Kept;

    /// Keeps what [`again`](Self::again) needs.
    fn keep(&self, request: &Req) -> Self::Kept;

    /// The request once more; `None` if it cannot be sent again.
    fn again(&self, kept: &Self::Kept) -> Option<Req>;

    /// Why an attempt failed; `None` if it did not.
    fn cause(&self, result: &Result<Res, E>) -> Option<Cause>;

    /// How often a request may be sent again; `None` is never.
    fn limits(&self) -> Option<&Limits>;
}

/// Why an attempt failed, if it did: a closure, or [`AnyError`].
pub trait Classify<Res, E> {
    /// `None` is a success.
    fn cause(&self, result: &Result<Res, E>) -> Option<Cause>;
}

/// Every error is a connection that failed; every response is a success.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AnyError;

impl<Res, E> Classify<Res, E> for AnyError {
    fn cause(&self, result: &Result<Res, E>) -> Option<Cause> {
        result.is_err().then_some(Cause::ConnectFailure)
    }
}

impl<F, Res, E> Classify<Res, E> for F
where
    F: Fn(&Result<Res, E>) -> Option<Cause>,
{
    fn cause(&self, result: &Result<Res, E>) -> Option<Cause> {
        self(result)
    }
}

/// How often, why and where a request is sent again.
#[derive(Clone, Debug)]
pub struct Limits {
    retries: Retries,
    budget: Option<Arc<Budget>>,
    pub(super) pause: Duration,
}

impl Limits {
    /// By these rules, without a budget.
    pub fn new(retries: Retries) -> Self {
        Self {
            retries,
            budget: None,
            // HAProxy's turn-around delay.
            pause: Duration::from_secs(1),
        }
    }

    /// A bound on retries, which several balancers may share.
    #[must_use]
    pub fn budget(mut self, budget: Arc<Budget>) -> Self {
        self.budget = Some(budget);
        self
    }

    /// How long a server that failed is left alone before the same one is tried
    /// again; 1 s unless given. Another server is tried at once.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// A request has come: the rule for its attempts.
    pub(super) fn attempts(&self) -> Attempts {
        if let Some(budget) = &self.budget {
            budget.deposit();
        }
        self.retries.attempts()
    }

    pub(super) fn affords_another(&self) -> bool {
        self.budget.as_ref().is_none_or(|budget| budget.withdraw())
    }
}

/// Each request is sent once. What counts as a failure matters all the same, for
/// the servers' counters and to a health checker that observes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NoRetry<C = AnyError> {
    classify: C,
}

impl NoRetry {
    /// Sends once; failures are what `classify` says.
    pub fn classify<Res, E, C>(classify: C) -> NoRetry<C>
    where
        C: Fn(&Result<Res, E>) -> Option<Cause>,
    {
        NoRetry { classify }
    }
}

impl<Req, Res, E, C: Classify<Res, E>> Strategy<Req, Res, E> for NoRetry<C> {
    type Kept = ();

    fn keep(&self, _: &Req) {}

    fn again(&self, (): &()) -> Option<Req> {
        None
    }

    fn cause(&self, result: &Result<Res, E>) -> Option<Cause> {
        self.classify.cause(result)
    }

    fn limits(&self) -> Option<&Limits> {
        None
    }
}

/// Requests are cloned, to be sent again.
///
/// ```
/// use lb_core::{balance::{Limits, Resend}, retry::{Cause, Causes, Retries}};
///
/// let retries = Retries {
///     causes: Causes::default().with(Cause::Status(503)),
///     ..Retries::default()
/// };
/// let strategy = Resend::new(Limits::new(retries)).classify(
///     |result: &Result<u16, std::io::Error>| match result {
///         Ok(503) => Some(Cause::Status(503)),
///         Ok(_) => None,
///         Err(_) => Some(Cause::ConnectFailure),
///     },
/// );
/// # let _ = strategy;
/// ```
#[derive(Clone, Debug)]
pub struct Resend<C = AnyError> {
    limits: Limits,
    classify: C,
}

impl Resend {
    /// Within these limits; every error is a connection that failed.
    pub fn new(limits: impl Into<Limits>) -> Self {
        Self {
            limits: limits.into(),
            classify: AnyError,
        }
    }

    /// Failures are what `classify` says.
    pub fn classify<Res, E, C>(self, classify: C) -> Resend<C>
    where
        C: Fn(&Result<Res, E>) -> Option<Cause>,
    {
        Resend {
            limits: self.limits,
            classify,
        }
    }
}

impl From<Retries> for Limits {
    fn from(retries: Retries) -> Self {
        Self::new(retries)
    }
}

impl<Req: Clone, Res, E, C: Classify<Res, E>> Strategy<Req, Res, E> for Resend<C> {
    type Kept = Req;

    fn keep(&self, request: &Req) -> Req {
        request.clone()
    }

    fn again(&self, kept: &Req) -> Option<Req> {
        Some(kept.clone())
    }

    fn cause(&self, result: &Result<Res, E>) -> Option<Cause> {
        self.classify.cause(result)
    }

    fn limits(&self) -> Option<&Limits> {
        Some(&self.limits)
    }
}
