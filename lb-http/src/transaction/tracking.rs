//! What a request counts in: `track-sc0` to `track-sc2`.

use lb_core::table::{Event, Tracked};
use tokio::time::Instant;

/// The entries of a request, by slot. In each, the first one tracked counts to the end.
#[derive(Debug, Default)]
pub struct Tracking([Option<Tracked>; 3]);

impl Tracking {
    /// How many slots there are.
    pub const SLOTS: usize = 3;

    /// Does nothing count?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// What is tracked in a slot.
    #[must_use]
    pub fn find(&self, slot: usize) -> Option<&Tracked> {
        self.0.get(slot)?.as_ref()
    }

    /// Begins to track in a slot that is still free.
    pub fn track(&mut self, slot: usize, tracked: Tracked) {
        if let Some(place @ None) = self.0.get_mut(slot) {
            *place = Some(tracked);
        }
    }

    /// Counts in all of them.
    pub fn count(&self, event: Event, now: Instant) {
        for tracked in self.0.iter().flatten() {
            tracked.entry().count(event, now);
        }
    }

    /// The request is over: counts its bytes, and lets its entries live on from now.
    pub fn end(&self, bytes_in: u64, bytes_out: u64, now: Instant) {
        self.count(Event::BytesIn(bytes_in), now);
        self.count(Event::BytesOut(bytes_out), now);
        for tracked in self.0.iter().flatten() {
            tracked.touch(now);
        }
    }

    /// Takes over what counts in slots that are free here; `others` looks on. Passes each of these to `each`.
    pub fn extend(&mut self, others: &mut Self, mut each: impl FnMut(&Tracked)) {
        for (place, other) in self.0.iter_mut().zip(&mut others.0) {
            if let (None, Some(tracked)) = (&place, &other) {
                each(tracked);
                let looks_on = tracked.look_on();
                *place = other.replace(looks_on);
            }
        }
    }

    /// Hands over what counts, to whoever lasts as long as the request, and keeps what looks on.
    #[must_use]
    pub fn hand_over(&mut self) -> Self {
        let look_on = |tracked: &Option<Tracked>| tracked.as_ref().map(Tracked::look_on);
        let looks_on = Self(self.0.each_ref().map(look_on));
        std::mem::replace(self, looks_on)
    }
}
