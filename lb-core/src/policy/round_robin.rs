//! placeholder until the helper's arrives
use super::*;
use crate::Server;
use std::sync::Arc;
/// RR
#[derive(Debug, Default)]
pub struct RoundRobin;
impl RoundRobin {
    /// new
    pub fn new() -> Self {
        Self
    }
}
impl Policy for RoundRobin {
    type Index = std::sync::atomic::AtomicUsize;
    fn index<T>(&self, _: &[Arc<Server<T>>], _: Option<&Self::Index>) -> Self::Index {
        Default::default()
    }
    fn pick<T>(&self, i: &Self::Index, s: &[Arc<Server<T>>], q: &mut Query<'_>) -> Choice {
        for _ in 0..s.len() {
            let n = i.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % s.len();
            if q.may_take(&s[n]) {
                return Choice::Any(n);
            }
        }
        Choice::Saturated
    }
}
