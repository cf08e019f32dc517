//! What compression has counted (`comp_in` and its kin on HAProxy's page).

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counts, over all responses or of one.
#[derive(Debug, Default)]
pub(super) struct Counted {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    responses: AtomicU64,
}

/// What has been compressed so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Totals {
    /// Octets of bodies before.
    pub bytes_in: u64,
    /// And after.
    pub bytes_out: u64,
    /// Responses.
    pub responses: u64,
}

/// What is counted of one response, for who keeps counts of his own; outlives its [`Encoder`](super::Encoder).
#[derive(Debug, Clone)]
pub struct Meter(Arc<Counted>);

impl Meter {
    /// So far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.0.totals()
    }
}

impl Counted {
    pub(super) fn totals(&self) -> Totals {
        Totals {
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            responses: self.responses.load(Ordering::Relaxed),
        }
    }
}

/// The counts that a response adds to: those of all, and its own.
#[derive(Debug)]
pub(super) struct Counts {
    all: Arc<Counted>,
    own: Arc<Counted>,
}

impl Counts {
    /// One more response.
    pub(super) fn begin(all: &Arc<Counted>) -> Self {
        let counts = Self {
            all: Arc::clone(all),
            own: Arc::default(),
        };
        counts.add(|counted| &counted.responses, 1);
        counts
    }

    pub(super) fn takes(&self, octets: usize) {
        self.add(|counted| &counted.bytes_in, octets);
    }

    pub(super) fn gives(&self, octets: usize) {
        self.add(|counted| &counted.bytes_out, octets);
    }

    pub(super) fn meter(&self) -> Meter {
        Meter(Arc::clone(&self.own))
    }

    fn add(&self, which: impl Fn(&Counted) -> &AtomicU64, number: usize) {
        for counted in [&self.all, &self.own] {
            which(counted).fetch_add(number as u64, Ordering::Relaxed);
        }
    }
}
