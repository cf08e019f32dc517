//! What each worker has done since the start: `show activity`.

use tokio::time::Instant;

use super::{System, Totals};

/// What one worker has done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Activity {
    pub(crate) requests: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// Connections to servers that it keeps for later requests.
    pub(crate) idle: u64,
    /// Milliseconds since it has lived last: more than some seconds is a defect.
    pub(crate) silent: u64,
}

impl System {
    /// Of each worker.
    pub(crate) fn activity(&self, now: Instant) -> Vec<Activity> {
        // Behind them is what another process has counted.
        let workers = self
            .all_tallies()
            .iter()
            .take(self.workers().get())
            .enumerate();
        let one = |(worker, tallies): (usize, &std::sync::Arc<super::tally::Tallies>)| {
            let frontends = 0..self.frontends().len();
            let totals = Totals::of(frontends.map(|at| &**tallies.frontend(at)));
            let snapshots = self.backends().iter().map(|one| one.pool().snapshot());
            let idle = snapshots.map(|snapshot| {
                let servers = snapshot.all().iter();
                let idle = servers.map(|server| server.target().idle_connections_of(worker));
                idle.sum::<usize>()
            });
            Activity {
                requests: totals.requests + totals.refused,
                bytes_in: totals.bytes_in,
                bytes_out: totals.bytes_out,
                idle: idle.sum::<usize>() as u64,
                silent: self.shared.beats.silence(worker, now),
            }
        };
        workers.map(one).collect()
    }
}
