//! The end of a request, and the line that tells of it.

use lb_http::{
    Broken,
    exchange::{Exchange, Preference, RequestCookie, ResponseCookie},
    fetch::View,
    format::Kept,
    transaction::LogLevel,
};
use tokio::time::Instant;

use super::{By, Record};
use crate::{
    log::{self, Level, Line, LocalClock, Termination},
    run::site::Site,
};

impl Drop for Record {
    fn drop(&mut self) {
        if self.site.is_cut() || self.client.is_killed() {
            // What is still there by then did not end by itself.
            let state = if self.status.is_some() { 'D' } else { 'H' };
            self.termination = Termination('K', state);
        } else if let Some(broken) = self.client.broken()
            && self.termination == Termination::NORMAL
        {
            let who = match broken {
                Broken::Gone => 'C',
                Broken::Stalled => 'c',
            };
            self.termination = Termination(who, 'D');
        }
        if self.exchange.is_none()
            && let Some(abandoned) = self.client.take_abandoned()
        {
            self.given_up(*abandoned);
        }
        if self.client.broken().is_some() && self.client.bytes_out() == 0 {
            self.status = None;
        }
        let ended = Instant::now();
        self.count(ended);
        if !self.logged {
            self.log(ended);
        }
    }
}

impl Record {
    /// Its client has gone before there was a response.
    fn given_up(&mut self, mut exchange: Exchange) {
        self.termination.1 = match &exchange {
            Exchange { dequeued: None, .. } => 'Q',
            Exchange {
                connected: None, ..
            } => 'C',
            // HAProxy tells who has closed from who has reset the connection.
            _ if self.client.broken().is_some() => 'D',
            _ => 'H',
        };
        let backend = self.by.backend().map(|at| self.site.backend(at));
        if backend.is_some_and(|backend| backend.plan().sticky().is_some()) {
            // The layer that knows more was dropped with its response.
            exchange.request_cookie = match exchange.preference {
                Preference::Honoured => RequestCookie::Valid,
                Preference::Down => RequestCookie::Down,
                Preference::Unknown => RequestCookie::Invalid,
                Preference::None => RequestCookie::None,
            };
            exchange.response_cookie = ResponseCookie::None;
        }
        self.exchange = Some(exchange);
    }

    pub(super) fn log(&self, ended: Instant) {
        let Some(asked) = &self.asked else { return };
        let Some(level) = level(self.transaction.log_level) else {
            return;
        };
        let plan = &self.site.frontend.plan;
        let backend = self.by.backend().map(|at| self.site.backend(at));
        let mut connections = self.site.connections();
        if let Some(backend) = backend {
            connections.backend = backend.pool.load().in_flight;
        }
        let server = self.exchange.as_ref().and_then(|e| e.server.as_ref());
        connections.server = server.map_or(0, |server| server.in_flight());
        let mut line = Line {
            client: self.client.peer(),
            client_text: self.client.peer_text(),
            local: self.client.local(),
            ready: self.client.ready(),
            began: self.client.began(),
            received: Some(self.client.received()),
            ended,
            now: LocalClock::now(),
            frontend: plan.name(),
            backend: backend.map_or(plan.name(), |backend| backend.plan().name()),
            exchange: self.exchange.as_ref(),
            by_stats: matches!(self.by, By::Stats | By::StatsOf(_)),
            status: self.status,
            bytes: self.client.bytes_out(),
            bytes_in: self.client.bytes_in(),
            termination: self.termination,
            connections,
            asked: Some(log::Asked {
                method: &asked.method,
                uri: &asked.uri,
                version: asked.version,
            }),
            captures: Some(&self.transaction.captures),
            // As the frontend logs.
            slots: (0, 0),
            asap: false,
            counters: (0, 0),
            view: View::default()
                .client(Some(&self.client))
                .transaction(&self.transaction),
        };
        self.site.write(&mut line, level, &self.kept);
    }
}

/// Takes what the samples of each layout find.
pub(super) fn keep(site: &Site, kept: &mut Vec<Kept>, view: &View<'_>) {
    let outputs = site.frontend.plan.logging().outputs();
    kept.resize_with(outputs.len(), Kept::default);
    for (kept, output) in kept.iter_mut().zip(outputs) {
        if let Some(format) = output.layout.format() {
            format.keep(kept, view);
        }
    }
}

/// The level of a line; `None`: there is none.
fn level(wanted: Option<LogLevel>) -> Option<Level> {
    Some(match wanted {
        None | Some(LogLevel::Info) => Level::Info,
        Some(LogLevel::Emerg) => Level::Emerg,
        Some(LogLevel::Alert) => Level::Alert,
        Some(LogLevel::Crit) => Level::Crit,
        Some(LogLevel::Err) => Level::Err,
        Some(LogLevel::Warning) => Level::Warning,
        Some(LogLevel::Notice) => Level::Notice,
        Some(LogLevel::Debug) => Level::Debug,
        Some(LogLevel::Silent) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_level_that_a_rule_gave_it() {
        assert_eq!(level(None), Some(Level::Info));
        assert_eq!(level(Some(LogLevel::Silent)), None);
        for word in [
            "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
        ] {
            let found = level(LogLevel::parse(word)).unwrap();
            assert_eq!(found.as_str(), word);
        }
    }
}
