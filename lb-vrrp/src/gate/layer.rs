use std::time::Duration;

use http::HeaderValue;
use tower_layer::Layer;

use super::Gate;
use crate::driver::Mastery;

/// Makes a [`Gate`] of a service; from [`Vrrp::gate`](crate::Vrrp::gate).
#[derive(Clone, Debug)]
pub struct GateLayer {
    mastery: Mastery,
    retry_after: HeaderValue,
}

impl GateLayer {
    /// `down` is how long a failover takes; clients come back after it.
    pub(crate) fn new(mastery: Mastery, down: Duration) -> Self {
        let seconds = down.as_secs() + u64::from(down.subsec_nanos() > 0);
        Self {
            mastery,
            retry_after: seconds.max(1).into(),
        }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate::new(inner, self.mastery.clone(), self.retry_after.clone())
    }
}
