//! The future that looks after one server.

use std::{
    fmt,
    future::{pending, poll_fn},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep_until};
use tower_service::Service;

use super::{
    Cause, Change, Checkup, Command, Event, Post, Rules, Scene, State,
    routine::{Failed, Finished, Routine},
};
use crate::{
    health::{
        Answer, Check, Grade, Health, Probe, Report, Status, Targets, Transition, Verdict,
        checker::Track,
    },
    server::{Administrative, Operational, Server},
};

/// What happened next to a server.
enum Step<C, A> {
    Checked(C),
    Answered(A),
    Orders(Vec<Command>),
    Ramp,
    /// The report of the tracked server may have changed.
    Source,
}

/// Looks after `server` until it is told to end.
pub(super) async fn watch<T, G, C, A>(
    scene: &Scene<G>,
    server: Arc<Server<T>>,
    checkup: Checkup<C, A>,
    post: Arc<Post>,
    known: Option<Report>,
    peers: usize,
) where
    T: Send + Sync + 'static,
    G: Targets<T>,
    C: Service<Probe<T>, Response = Verdict, Error: fmt::Display>,
    A: Service<Probe<T>, Response = Answer, Error: fmt::Display>,
{
    let Checkup {
        check,
        agent,
        agent_interval,
        rules,
        track,
    } = checkup;
    let mut source = track.as_ref().map(|track| track.handle.subscribe());
    let mut patient = Patient::new(scene, Arc::clone(&server), &post, rules, known, track);
    patient.report.checked = check.is_some();
    patient.begin();

    let timeout = patient.health.rules().check_timeout();
    let check = check.map(|service| Routine::new(service, Arc::clone(&server), timeout));
    let agent = agent.map(|service| Routine::new(service, server, agent_interval));
    tokio::pin!(check, agent);
    let (mut checks, mut asks) = (true, true);

    let now = Instant::now();
    let first = patient.health.first_check(now, peers, &mut rand::rng());
    if let Some(check) = check.as_mut().as_pin_mut()
        && patient.is_checkable()
    {
        check.schedule(first);
    }
    if let Some(agent) = agent.as_mut().as_pin_mut() {
        agent.schedule(first);
    }

    loop {
        let ramp = patient.next_ramp;
        let step = tokio::select! {
            biased;
            orders = post.receive() => Step::Orders(orders),
            finished = finished(check.as_mut()) => Step::Checked(finished),
            finished = finished(agent.as_mut()) => Step::Answered(finished.result),
            () = sleep_until(ramp.unwrap_or_else(Instant::now)), if ramp.is_some() => Step::Ramp,
            () = changed(source.as_mut()) => Step::Source,
        };
        let now = Instant::now();
        match step {
            Step::Checked(finished) => {
                patient.on_check(now, verdict(finished));
                let next = patient.health.next_check(now, &mut rand::rng());
                if let Some(check) = check.as_mut().as_pin_mut() {
                    check.schedule(next);
                }
            }
            Step::Answered(answer) => {
                // That the agent cannot be reached is no error: the check is
                // there to find out about the server.
                if let Ok(answer) = answer {
                    patient.on_answer(now, &answer);
                }
                if let Some(agent) = agent.as_mut().as_pin_mut() {
                    agent.schedule(now + agent_interval);
                }
            }
            Step::Ramp => patient.ramp(now),
            Step::Source => patient.follow(now),
            Step::Orders(orders) => {
                for order in orders {
                    if order == Command::End {
                        return;
                    }
                    if let Command::Agent(on) = order
                        && let Some(agent) = agent.as_mut().as_pin_mut()
                        && asks != on
                    {
                        asks = on;
                        match on {
                            true => agent.schedule(now),
                            false => agent.pause(),
                        }
                    }
                    let was_checkable = checks && patient.is_checkable();
                    if let Command::Check(on) = order {
                        checks = on;
                    }
                    patient.on_order(now, order);
                    let Some(check) = check.as_mut().as_pin_mut() else {
                        continue;
                    };
                    match (was_checkable, checks && patient.is_checkable()) {
                        (false, true) => check.schedule(now),
                        (true, false) => check.pause(),
                        (true, true) if matches!(order, Command::Traffic(_)) => {
                            check.hasten(patient.health.fast_check(now));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

async fn finished<S: Service<Probe<T>>, T>(
    mut routine: Pin<&mut Option<Routine<S, T>>>,
) -> Finished<S::Response, S::Error> {
    poll_fn(|cx| match routine.as_mut().as_pin_mut() {
        Some(routine) => routine.poll_finished(cx),
        None => std::task::Poll::Pending,
    })
    .await
}

async fn changed(source: Option<&mut tokio::sync::watch::Receiver<()>>) {
    if let Some(source) = source
        && source.changed().await.is_ok()
    {
        return;
    }
    // Not tracking, or the tracked server's checker is gone for good.
    pending::<()>().await;
}

fn verdict<E: fmt::Display>(finished: Finished<Verdict, E>) -> Verdict {
    let verdict = match finished.result {
        Ok(verdict) => verdict,
        Err(Failed::TimedOut(stage)) => Verdict::new(stage.timeout()),
        Err(Failed::Error(error)) => Verdict::new(Status::SocketError).with_info(error),
    };
    verdict.with_duration(finished.duration)
}

/// One server, its health, and the ways to tell others about it.
struct Patient<'a, T, G> {
    scene: &'a Scene<G>,
    server: Arc<Server<T>>,
    post: &'a Post,
    health: Health,
    report: Report,
    track: Option<Track>,
    next_ramp: Option<Instant>,
}

impl<'a, T, G: Targets<T>> Patient<'a, T, G> {
    fn new(
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
    fn begin(&mut self) {
        let state = self.health.operational();
        if self.server.operational_state() != state {
            self.scene.targets.set_operational(&self.server, state);
        }
        self.publish();
        self.follow(Instant::now());
    }

    fn is_checkable(&self) -> bool {
        self.report.administrative != Administrative::Maint
    }

    fn on_check(&mut self, now: Instant, verdict: Verdict) {
        if verdict.grade() == Grade::Failed && self.report.label.state != Operational::Down {
            self.server.counters().failed_checks();
        }
        let verdict = Arc::new(verdict);
        let before = self.health.label();
        let transition = self.health.on_result(now, &verdict);
        self.report.verdict = Some(Arc::clone(&verdict));
        if self.health.label() != before {
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

    fn on_answer(&mut self, now: Instant, answer: &Answer) {
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

    fn on_order(&mut self, now: Instant, order: Command) {
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
    fn follow(&mut self, now: Instant) {
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
    fn ramp(&mut self, now: Instant) {
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
            if transition.from == Operational::Down {
                self.report.downtime += now.saturating_duration_since(self.report.since);
            }
            self.report.since = now;
        }
        self.publish();
        if self.report.state() != from {
            self.tell(from, cause, requeued);
        }
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
