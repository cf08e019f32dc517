//! One server, its health, and those who are to know about it.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Cause, Change, Command, Event, Post, Rules, Scene, State};
use crate::{
    health::{
        Answer, Check, Grade, Health, Report, Status, Targets, Transition, Verdict, checker::Track,
    },
    server::{Administrative, Operational, Server},
};

/// One server, its health, and the ways to tell others about it.
pub(super) struct Patient<'a, T, G> {
    scene: &'a Scene<G>,
    server: Arc<Server<T>>,
    post: &'a Post,
    pub(super) health: Health,
    pub(super) report: Report,
    track: Option<Track>,
    pub(super) next_ramp: Option<Instant>,
}

impl<'a, T, G: Targets<T>> Patient<'a, T, G> {
    pub(super) fn new(
        scene: &'a Scene<G>,
        server: Arc<Server<T>>,
        post: &'a Post,
        rules: Rules,
        known: Option<Report>,
        track: Option<Track>,
    ) -> Self {
        let health = match &known {
            Some(known) => Health::resumed(rules, known.label),
            None => Health::new(rules),
        };
        let report = Report {
            label: health.label(),
            administrative: server.administrative_state(),
            checked: true,
            tracks: track.as_ref().map(|track| Arc::clone(&track.source)),
            verdict: known.as_ref().and_then(|known| known.verdict.clone()),
            agent: known.as_ref().and_then(|known| known.agent.clone()),
            since: known
                .as_ref()
                .map_or_else(Instant::now, |known| known.since),
            downtime: known.map_or(Duration::ZERO, |known| known.downtime),
        };
        Self {
            scene,
            server,
            post,
            health,
            report,
            track,
            next_ramp: None,
        }
    }

    /// Makes the pool agree with what is assumed before the first check.
    pub(super) fn begin(&mut self) {
        let state = self.health.operational();
        if self.server.operational_state() != state {
            self.scene.targets.set_operational(&self.server, state);
        }
        self.publish();
        self.follow(Instant::now());
    }

    /// Is a check to be sent to it when it is due?
    pub(super) fn is_checkable(&self) -> bool {
        self.report.checked && self.report.administrative != Administrative::Maint
    }

    pub(super) fn on_check(&mut self, now: Instant, verdict: Verdict) {
        if verdict.grade() == Grade::Failed && self.report.label.state != Operational::Down {
            self.server.counters().failed_checks();
        }
        let verdict = Arc::new(verdict);
        let before = self.health.label();
        let transition = self.health.on_result(now, &verdict);
        let last = self.report.verdict.replace(Arc::clone(&verdict));
        let is_news = last.is_none_or(|last| last.status() != verdict.status());
        if is_news || self.health.label() != before {
            self.scene.tell(&Event::Checked(Check {
                backend: Arc::clone(&self.scene.backend),
                server: Arc::clone(self.post.name()),
                uid: self.server.uid(),
                backup: self.server.is_backup(),
                verdict: Arc::clone(&verdict),
                label: self.health.label(),
            }));
        }
        self.apply(now, transition, Cause::Verdict(verdict));
    }

    pub(super) fn on_answer(&mut self, now: Instant, answer: &Answer) {
        let verdict = Arc::new(answer.verdict());
        self.report.agent = Some(Arc::clone(&verdict));
        let transition = self.health.on_agent(now, answer);
        self.apply(now, transition, Cause::Verdict(verdict));
        if let Some(limit) = answer.max_conn {
            self.server.set_max_conn(limit);
        }
        if let Some(weight) = answer.weight {
            let weight = weight.of(self.server.initial_weight());
            if weight != self.server.user_weight() {
                self.scene.targets.set_weight(&self.server, weight);
                self.ramp(now);
            }
        }
        // The pool tells of the change, which then comes back as an order.
        if let Some(state) = answer.administrative
            && state != self.server.administrative_state()
        {
            self.scene.targets.set_administrative(&self.server, state);
        }
    }

    pub(super) fn on_order(&mut self, now: Instant, order: Command) {
        match order {
            Command::Traffic(last) => {
                let limit = self.health.rules().error_limit;
                let verdict = Arc::new(Verdict::new(Status::Analyzed).with_info(format_args!(
                    "Detected {limit} consecutive errors, last one was: {}",
                    last.description()
                )));
                let before = self.health.label();
                let transition = self.health.on_traffic(now, last);
                if self.health.label() != before {
                    self.report.verdict = Some(Arc::clone(&verdict));
                }
                self.apply(now, transition, Cause::Verdict(verdict));
            }
            // What a server that tracks is, is not its own.
            Command::Force(_) | Command::ForceAgent(_) if self.track.is_some() => {}
            Command::Force(state) => {
                let transition = self.health.force(now, state);
                self.apply(now, transition, Cause::Operator);
            }
            Command::ForceAgent(up) => {
                let transition = self.health.force_agent(now, up);
                self.apply(now, transition, Cause::Operator);
            }
            Command::Administrative => self.on_administrative(now),
            Command::Check(on) => {
                self.report.checked = on;
                self.publish();
            }
            Command::Agent(_) | Command::End => {}
        }
    }

    fn on_administrative(&mut self, now: Instant) {
        let from = self.report.state();
        let source = self.source();
        let to = self.administrative(source.as_ref());
        if from.administrative == to {
            return;
        }
        self.report.administrative = to;
        self.settle(now, from);
        if from.administrative == Administrative::Maint {
            self.health.on_ready(now);
            self.ramp(now);
        }
        self.publish();
        self.tell(from, Cause::Operator, 0);
    }

    /// Takes over the state of the tracked server. Maintenance and drain of
    /// that one take this one out too, without a change of what its own operator
    /// wants.
    pub(super) fn follow(&mut self, now: Instant) {
        let (Some(track), Some(source)) = (&self.track, self.source()) else {
            return;
        };
        let cause = Cause::Tracked(Arc::clone(&track.source));
        let state = match (source.administrative, source.label.state) {
            (Administrative::Maint, _) => Operational::Down,
            (Administrative::Drain, Operational::Up) => Operational::Stopping,
            (_, state) => state,
        };
        let administrative = self.administrative(Some(&source));
        if (administrative, source.label) == (self.report.administrative, self.report.label) {
            return;
        }
        let from = self.report.state();
        let transition = self.health.force(now, state);
        self.report.administrative = administrative;
        self.report.label = source.label;
        self.change(now, from, transition, cause);
    }

    /// What is known about the tracked server.
    fn source(&self) -> Option<Report> {
        let track = self.track.as_ref()?;
        track.handle.named(&track.server)
    }

    /// The administrative state, its own or that of the tracked server.
    fn administrative(&self, source: Option<&Report>) -> Administrative {
        match (self.server.administrative_state(), source) {
            (Administrative::Ready, Some(source)) => source.administrative,
            (own, _) => own,
        }
    }

    /// Applies the ramp of a slow start as it is now.
    pub(super) fn ramp(&mut self, now: Instant) {
        let ramp = self.health.ramp(now);
        self.scene.targets.set_ramp(&self.server, ramp);
        self.next_ramp = self.health.next_ramp(now);
    }

    fn apply(&mut self, now: Instant, transition: Option<Transition>, cause: Cause) {
        let from = self.report.state();
        self.report.label = self.health.label();
        self.change(now, from, transition, cause);
    }

    /// Passes a change on: to the pool, to those who read the report, and, if it
    /// is one of the state and not of the counter only, to the operator.
    fn change(&mut self, now: Instant, from: State, transition: Option<Transition>, cause: Cause) {
        let mut requeued = 0;
        if let Some(transition) = transition {
            if transition.to == Operational::Up {
                // Before the state, so that it never has its full weight for a moment.
                self.ramp(now);
            } else {
                self.next_ramp = None;
            }
            requeued = self.set(transition.to);
        }
        self.settle(now, from);
        self.publish();
        if self.report.state() != from {
            self.tell(from, cause, requeued);
        }
    }

    /// If the state is another one than `from`: the time of that one is over.
    fn settle(&mut self, now: Instant, from: State) {
        if self.report.state() == from {
            return;
        }
        if from.is_out() {
            self.report.downtime += now.saturating_duration_since(self.report.since);
        }
        self.report.since = now;
    }

    /// Tells the pool; returns how many that waited for the server must now
    /// wait for another.
    fn set(&self, state: Operational) -> u32 {
        let requeued = match state {
            Operational::Down => self.server.queued(),
            _ => 0,
        };
        self.scene.targets.set_operational(&self.server, state);
        requeued
    }

    fn publish(&mut self) {
        if self.track.is_none() {
            self.report.label = self.health.label();
        }
        self.scene.shared.report(self.post, self.report.clone());
    }

    fn tell(&self, from: State, cause: Cause, requeued: u32) {
        if self.scene.on_event.is_none() {
            return;
        }
        let servers = self.scene.targets.servers();
        let usable = servers.iter().filter(|server| server.is_usable());
        let (backups, active): (Vec<_>, Vec<_>) = usable.partition(|server| server.is_backup());
        self.scene.tell(&Event::Changed(Change {
            backend: Arc::clone(&self.scene.backend),
            server: Arc::clone(self.post.name()),
            uid: self.server.uid(),
            backup: self.server.is_backup(),
            from,
            to: self.report.state(),
            cause,
            active_left: active.len(),
            backup_left: backups.len(),
            sessions: self.server.in_flight(),
            requeued,
            queued: self.scene.targets.queued(),
        }));
    }
}
