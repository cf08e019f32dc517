//! The record of one request, which becomes its log line when all is over.

mod body;
mod count;
mod line;

use std::sync::Arc;

use http::{Extensions, Method, Request, Uri, Version, response::Parts};
use lb_core::table::Event;
use lb_http::{
    Client,
    compression::Meter,
    exchange::{Exchange, Failure, Junk},
    fetch::{ResponseView, View},
    format::Kept,
    rules::Answer,
    server::{Hangup, Incoming},
    transaction::{Tracking, Transaction},
};
use tokio::time::Instant;

use super::{site::Site, tally::Traffic};
use crate::log::Termination;

pub(super) use body::Body;
use line::keep;

/// What is known of a request before its response. Dropped without one, it was
/// given up by its client.
pub(super) struct Record {
    site: Arc<Site>,
    by: By,
    client: Client,
    /// When it came, as [`Site::since_start`] counts.
    came: u64,
    /// For the log, if there is one.
    asked: Option<Asked>,
    exchange: Option<Exchange>,
    /// The status that the client has seen.
    status: Option<u16>,
    /// There is a response, sent or not.
    answered: bool,
    termination: Termination,
    /// What rules and captures have kept.
    pub(super) transaction: Transaction,
    /// Samples of each layout, while they are there.
    kept: Vec<Kept>,
    /// The line is out (`logasap`).
    logged: bool,
    /// What it counts in.
    tracking: Tracking,
    /// What becomes of its body, if that is compressed.
    compressed: Option<Meter>,
}

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The backend of a route.
    Backend(usize),
    /// No backend is there for it.
    Nobody,
    /// The statistics page of the frontend.
    Stats,
    /// That of the backend of a route.
    StatsOf(usize),
}

impl By {
    /// The backend that the request has reached.
    const fn backend(self) -> Option<usize> {
        match self {
            Self::Backend(at) | Self::StatsOf(at) => Some(at),
            Self::Nobody | Self::Stats => None,
        }
    }
}

/// The request as it came, before rules change it.
pub(super) struct Asked {
    method: Method,
    uri: Uri,
    version: Version,
}

impl Asked {
    /// `None` where nobody wants to know.
    pub(super) fn of(site: &Site, request: &Request<Incoming>) -> Option<Self> {
        site.logs().then(|| Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
        })
    }
}

impl Record {
    /// A request that this `client` has `asked`, and what has been kept of it so far.
    pub(super) fn new(
        site: &Arc<Site>,
        by: By,
        client: Client,
        asked: Option<Asked>,
        mut transaction: Transaction,
    ) -> Box<Self> {
        let came = site.since_start(client.received());
        let count = |traffic: &Traffic| {
            traffic.requests.add(1);
            traffic.last.raise(came);
        };
        count(site.traffic());
        match by {
            By::Backend(at) => site.backend_traffic(at).requests.add(1),
            By::StatsOf(at) => count(site.backend_traffic(at)),
            By::Stats => site.traffic().intercepted.add(1),
            By::Nobody => {}
        }
        // It counts to its end; rules on its response look on.
        let tracking = match transaction.tracking.is_empty() {
            true => Tracking::default(),
            false => transaction.tracking.hand_over(),
        };
        // In a box: it changes hands a few times.
        Box::new(Self {
            site: Arc::clone(site),
            by,
            client,
            came,
            asked,
            exchange: None,
            status: None,
            answered: false,
            termination: Termination('C', 'H'),
            transaction,
            kept: Vec::new(),
            logged: false,
            tracking,
            compressed: None,
        })
    }

    /// Keeps for the line what its samples take of the request.
    pub(super) fn seeing(mut self: Box<Self>, request: &Request<Incoming>) -> Box<Self> {
        if self.site.frontend.plan.logging().has_samples() {
            let view = View::of(request).transaction(&self.transaction);
            keep(&self.site, &mut self.kept, &view);
        }
        self
    }

    /// The head of the response goes to the client.
    fn begins(&mut self, head: &Parts) {
        let logging = self.site.frontend.plan.logging();
        if logging.has_samples() {
            let mut view = View::default().client(Some(&self.client));
            view.response = Some(ResponseView::new(head));
            view.transaction = Some(&self.transaction);
            keep(&self.site, &mut self.kept, &view);
        }
        if logging.asap() {
            self.log(Instant::now());
            self.logged = true;
        }
    }

    /// This process answers itself.
    pub(super) fn answered_here(mut self: Box<Self>, answer: &Answer) -> Box<Self> {
        self.answered(answer.response.status().as_u16(), None);
        if answer.failure == Failure::Rejected {
            self.status = None;
        }
        self.termination = Termination::of(Some(answer.failure));
        match (answer.failure, self.by) {
            (Failure::Denied | Failure::Tarpitted | Failure::Rejected, by) => {
                self.tracking.count(Event::Error, Instant::now());
                self.site.traffic().denied.add(1);
                if let By::Backend(at) = by {
                    self.site.backend_traffic(at).denied.add(1);
                }
            }
            (Failure::Local, By::Nobody | By::Backend(_)) => {
                self.site.traffic().intercepted.add(1);
            }
            _ => {}
        }
        self
    }

    /// The backend that its request has reached.
    pub(super) const fn backend(&self) -> Option<usize> {
        self.by.backend()
    }

    /// Who asked.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// No rule changes the response's head any more.
    pub(super) fn goes_out_with(&mut self, head: &Parts) {
        if head.extensions.get::<Hangup>().is_none() {
            self.status = Some(head.status.as_u16());
        }
    }

    /// What was no response is kept for `show errors`.
    fn keep_junk(&self, extensions: &mut Extensions) {
        let junk = |exchange: &&Exchange| exchange.failure == Some(Failure::InvalidResponse);
        if let Some(exchange) = self.exchange.as_ref().filter(junk)
            && let Some(at) = self.by.backend()
            && let Some(junk) = extensions.remove::<Junk>()
        {
            self.site.keep_junk(at, exchange, &self.client, junk);
        }
    }

    /// A rule has put another response in the place of the server's.
    fn replaced(&mut self, failure: Failure, status: u16) {
        self.status = (failure != Failure::Rejected).then_some(status);
        self.termination = Termination::of(Some(failure));
        if failure != Failure::ResponseDenied {
            return;
        }
        self.site.traffic().denied_responses.add(1);
        let Some(at) = self.by.backend() else { return };
        self.site.backend_traffic(at).denied_responses.add(1);
        let server = self.exchange.as_ref().and_then(|e| e.server.as_ref());
        if let Some(traffic) = server.and_then(|s| self.site.server_traffic(at, s.uid())) {
            traffic.denied_responses.add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use lb_core::policy::Algorithm;
    use lb_http::Proxy;
    use tower_service::Service;

    use super::*;

    type Proxied = <Proxy<Algorithm> as Service<Request<Incoming>>>::Future;

    /// Every layer that a request passes moves these: what few requests have belongs into a box.
    #[test]
    fn what_moves_with_every_request_stays_small() {
        assert!(size_of::<Transaction>() <= 296);
        assert!(size_of::<Body>() <= 128);
        assert!(size_of::<Proxied>() <= 656);
    }
}
