//! The future that looks after one server.

use std::{
    fmt,
    future::{pending, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

use tokio::time::{Instant, sleep_until};
use tower_service::Service;

use super::{
    Checkup, Command, Post, Scene,
    patient::Patient,
    routine::{Failed, Finished, Routine},
};
use crate::{
    health::{Answer, Probe, Report, Status, Targets, Verdict},
    server::Server,
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
                    if matches!(order, Command::Check(_)) && check.is_none() {
                        continue;
                    }
                    let was_checkable = patient.is_checkable();
                    patient.on_order(now, order);
                    match (order, agent.as_mut().as_pin_mut()) {
                        (Command::End, _) => return,
                        (Command::Agent(true), Some(agent)) => agent.schedule(now),
                        (Command::Agent(false), Some(agent)) => agent.pause(),
                        _ => {}
                    }
                    let Some(check) = check.as_mut().as_pin_mut() else {
                        continue;
                    };
                    match (was_checkable, patient.is_checkable()) {
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
        None => Poll::Pending,
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
