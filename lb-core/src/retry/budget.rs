//! A bound on retries in proportion to requests.

use crate::sync::{AtomicU64, Ordering};

/// One request's worth of balance, in thousandths of a retry.
const UNIT: u64 = 1000;

/// Allows one retry for so many requests, so that a backend in trouble is not
/// buried under repeated requests ("retry storms": Finagle's `RetryBudget`).
///
/// Requests deposit, retries withdraw, and the balance is capped, so that a
/// long calm does not save up for a storm.
#[derive(Debug)]
pub struct Budget {
    deposit: u64,
    cap: u64,
    balance: AtomicU64,
}

impl Budget {
    /// Retries up to `percent` of requests, and `reserve` of them in advance.
    pub fn new(percent: u32, reserve: u32) -> Self {
        let deposit = u64::from(percent) * UNIT / 100;
        let cap = (u64::from(reserve) * UNIT).max(UNIT);
        Self {
            deposit,
            cap,
            balance: AtomicU64::new(cap),
        }
    }

    /// A request has come.
    pub fn deposit(&self) {
        let balance = self.balance.load(Ordering::Relaxed);
        if balance < self.cap {
            // Two at once may both pass the check; the cap is then exceeded by
            // one deposit, which is harmless.
            self.balance.fetch_add(self.deposit, Ordering::Relaxed);
        }
    }

    /// Would [`withdraw`](Self::withdraw) succeed now?
    pub fn has_room(&self) -> bool {
        self.balance.load(Ordering::Relaxed) >= UNIT
    }

    /// May there be one more retry?
    pub fn withdraw(&self) -> bool {
        let mut balance = self.balance.load(Ordering::Relaxed);
        while balance >= UNIT {
            match self.balance.compare_exchange_weak(
                balance,
                balance - UNIT,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => balance = now,
            }
        }
        false
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_requests_and_the_reserve() {
        let budget = Budget::new(20, 10);
        assert_eq!((0..100).filter(|_| budget.withdraw()).count(), 10);
        let retried = (0..100)
            .filter(|_| {
                budget.deposit();
                budget.withdraw()
            })
            .count();
        assert_eq!(retried, 20);
        (0..1000).for_each(|_| budget.deposit());
        assert_eq!((0..100).filter(|_| budget.withdraw()).count(), 10);
    }
}
