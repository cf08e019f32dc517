//! How many connections there may be at a time, changed while they come and go.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Waker},
};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// As many permits as no limit at all is.
const UNLIMITED: u32 = u32::MAX;

/// Places for connections; whoever finds none waits in line.
#[derive(Debug)]
pub(super) struct Quota {
    places: Arc<Semaphore>,
    limit: Mutex<Option<u32>>,
}

impl Quota {
    /// `None` is no limit.
    pub(super) fn new(limit: Option<u32>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limit.unwrap_or(UNLIMITED) as usize)),
            limit: Mutex::new(limit),
        }
    }

    pub(super) fn limit(&self) -> Option<u32> {
        *self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it, within a runtime. Those who are above a lower limit stay, and nobody comes
    /// until so many have gone.
    pub(super) fn set(&self, limit: u32) {
        self.set_or_lift(Some(limit));
    }

    /// The same; `None` is no limit.
    pub(super) fn set_or_lift(&self, limit: Option<u32>) {
        let mut now = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *now, limit).unwrap_or(UNLIMITED);
        let limit = limit.unwrap_or(UNLIMITED);
        if limit >= before {
            return self.places.add_permits((limit - before) as usize);
        }
        let less = before - limit;
        let gone = self.places.forget_permits(less as usize);
        let owed = less - u32::try_from(gone).unwrap_or(less);
        if owed > 0 {
            // Ahead of all who come later: places that are given back go here first.
            let places = Arc::clone(&self.places);
            let mut owing = Box::pin(async move {
                if let Ok(places) = places.acquire_many_owned(owed).await {
                    places.forget();
                }
            });
            // In line from now on, and not when the task comes to it.
            let mut context = Context::from_waker(Waker::noop());
            if owing.as_mut().poll(&mut context).is_pending() {
                tokio::spawn(owing);
            }
        }
    }

    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.places).acquire_owned().await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn is_full(quota: &Quota) -> bool {
        timeout(Duration::from_secs(1), quota.take()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_lower_limit_lets_nobody_in_until_enough_have_gone() {
        let quota = Quota::new(None);
        let mut held = Vec::new();
        for _ in 0..5 {
            held.push(quota.take().await.unwrap());
        }
        quota.set(3);
        assert_eq!(quota.limit(), Some(3));
        held.truncate(3);
        assert!(is_full(&quota).await);
        held.truncate(2);
        held.push(quota.take().await.unwrap());
        assert!(is_full(&quota).await);
        quota.set(4);
        held.push(quota.take().await.unwrap());
        assert!(is_full(&quota).await);
        // Lowered and raised before anybody has gone.
        quota.set(1);
        quota.set(5);
        held.push(quota.take().await.unwrap());
        assert!(is_full(&quota).await);
    }
}
