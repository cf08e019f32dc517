//! What a request counts in: the statistics of this worker, and what rules track.

use lb_core::table::Event;
use lb_http::{
    compression::Meter,
    exchange::{Exchange, Failure},
    transaction::Tracking,
};
use tokio::time::Instant;

use super::Record;
use crate::{
    log::Termination,
    run::tally::{Took, Traffic},
};

impl Record {
    pub(super) fn answered(&mut self, status: u16, exchange: Option<Exchange>) {
        self.status = Some(status);
        self.answered = true;
        self.termination = Termination::of(exchange.as_ref().and_then(|e| e.failure));
        self.exchange = exchange;
        self.count_errors(status);
        self.site.traffic().answered(status);
        let Some(at) = self.by.backend() else { return };
        // Whoever answers first of those who are there at a peak has seen it; a
        // request that has failed has left already.
        let traffic = self.site.backend_traffic(at);
        traffic.answered(status);
        let in_flight = self.site.backend(at).pool.load().in_flight;
        traffic.in_flight_max.raise(in_flight.max(1).into());
        if let Some(server) = self.exchange.as_ref().and_then(|e| e.server.as_ref())
            && let Some(traffic) = self.site.server_traffic(at, server.uid())
        {
            self.met(at, traffic);
            traffic
                .in_flight_max
                .raise(server.in_flight().max(1).into());
            if self
                .exchange
                .as_ref()
                .is_some_and(|e| e.responded.is_some())
            {
                traffic.answered(status);
            }
        }
    }

    fn count_errors(&self, status: u16) {
        if !self.tracking.is_empty()
            && let Some(event) = self.error(status)
        {
            self.tracking.count(event, Instant::now());
        }
    }

    /// What servers answer, or fail to. Observed on HAProxy: one that cannot be reached counts nowhere.
    fn error(&self, status: u16) -> Option<Event> {
        match (self.exchange.as_ref()?.failure, status) {
            (
                Some(Failure::ResponseTimeout | Failure::BadResponse | Failure::InvalidResponse),
                _,
            ) => Some(Event::Failure),
            (Some(_), _) | (None, 501 | 505) => None,
            (None, 400..=499) => Some(Event::Error),
            (None, 500..=599) => Some(Event::Failure),
            (None, _) => None,
        }
    }

    /// Counts, to its end, in what rules on the response have chosen. Observed: as if they had chosen before it.
    pub(super) fn tracking_more(&mut self, more: &mut Tracking) {
        let error = self.status.and_then(|status| self.error(status));
        self.tracking.extend(more, |tracked| {
            if let Some(event) = error {
                tracked.entry().count(event, Instant::now());
            }
        });
    }

    /// It has come to a server of this backend.
    fn met(&self, backend: usize, traffic: &Traffic) {
        traffic.requests.add(1);
        for traffic in [traffic, self.site.backend_traffic(backend)] {
            traffic.last.raise(self.came);
        }
    }

    /// Adds what is known only at the end.
    pub(super) fn count(&self, ended: Instant) {
        let (bytes_in, bytes_out) = (self.client.bytes_in(), self.client.bytes_out());
        let volume = |traffic: &Traffic| {
            traffic.bytes_in.add(bytes_in);
            traffic.bytes_out.add(bytes_out);
        };
        let compressed = |traffic: &Traffic| {
            let Some(totals) = self.compressed.as_ref().map(Meter::totals) else {
                return;
            };
            let numbers = [totals.bytes_in, totals.bytes_out, totals.responses];
            for (tally, number) in traffic.compressed.iter().zip(numbers) {
                tally.add(number);
            }
        };
        volume(self.site.traffic());
        compressed(self.site.traffic());
        self.tracking.end(bytes_in, bytes_out, ended);
        if !self.answered {
            self.site.traffic().answered(0);
        }
        let Some(at) = self.by.backend() else { return };
        let of_backend = self.site.backend_traffic(at);
        volume(of_backend);
        compressed(of_backend);
        let exchange = self.exchange.as_ref();
        let server = exchange.and_then(|exchange| exchange.server.as_ref());
        let of_server = server.and_then(|server| self.site.server_traffic(at, server.uid()));
        if let Some(of_server) = of_server {
            volume(of_server);
            if !self.answered {
                self.met(at, of_server);
            }
        }
        let both = || [Some(of_backend), of_server].into_iter().flatten();
        let failure = exchange.and_then(|exchange| exchange.failure);
        let broke = matches!(self.termination, Termination('S' | 's', 'D'))
            || matches!(
                failure,
                Some(Failure::ResponseTimeout | Failure::BadResponse | Failure::InvalidResponse)
            );
        if !self.answered {
            // Whoever has gone has seen no status.
            of_backend.answered(0);
        }
        for traffic in both() {
            if broke {
                traffic.response_errors.add(1);
            }
            match self.termination {
                Termination('C' | 'c', _) => traffic.client_aborts.add(1),
                Termination('S', 'D') => traffic.server_aborts.add(1),
                _ => {}
            }
        }
        let Some(exchange) = exchange else { return };
        if let Some(
            Failure::NoServer | Failure::QueueTimeout | Failure::Connect | Failure::ConnectTimeout,
        ) = exchange.failure
        {
            of_server.unwrap_or(of_backend).unserved.add(1);
        }
        of_backend.queue_max.raise(exchange.pool_queue.into());
        if let Some(of_server) = of_server {
            of_server.queue_max.raise(exchange.server_queue.into());
        }
        let Exchange {
            started,
            dequeued: Some(dequeued),
            connected: Some(connected),
            responded: Some(responded),
            ..
        } = exchange
        else {
            return;
        };
        let queued = Took::from(*dequeued - *started);
        let connecting = Took::from(*connected - *dequeued);
        let responding = Took::from(*responded - *connected);
        let whole = Took::from(ended - *started);
        for traffic in both().chain([self.site.traffic()]) {
            traffic.queued.took(queued);
            traffic.connecting.took(connecting);
            traffic.responding.took(responding);
            traffic.whole.took(whole);
        }
    }
}
