//! What a driver does at the end of a round, and the slower things it polls.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use super::{Driver, Report, Said, now};
use crate::machine::{Action, Event, RouterIndex, State, Transition};
use crate::{VirtualAddress, script, witness};

impl Driver {
    /// Does what the machines want done, and tells who watches.
    pub(super) fn act(&mut self, now: Instant) {
        while let Some((index, action)) = self.router.poll_action() {
            self.perform(now, index, action);
        }
        for index in self.router.indices() {
            let machine = self.router.machine(index);
            let seat = &mut self.seats[index.0];
            seat.port.refresh_if_due(now, machine.state());
            seat.publisher.refresh(machine);
            let said: Vec<_> = seat.port.said().collect();
            for said in said {
                self.say(index, said);
            }
        }
        if let Some(peers) = &mut self.peers {
            peers.publish(&self.router, &self.seats);
        }
    }

    fn perform(&mut self, now: Instant, index: RouterIndex, action: Action) {
        let machine = self.router.machine(index);
        let port = &mut self.seats[index.0].port;
        match action {
            Action::Advertise(priority) => port.advertise(now, machine, priority),
            Action::AddAddresses => port.add_addresses(now),
            Action::RemoveAddresses => port.remove_addresses(now),
            Action::Announce => port.announce(now),
            Action::Probe => {
                port.probe(now);
                self.ask_witness(now, index);
            }
            Action::AskSuccessor => {
                if let Some(peers) = &mut self.peers {
                    peers.ask_successor(machine);
                }
            }
            Action::Transition(transition) => self.transition(index, transition),
            Action::Alarm(alarm) => self.say(index, Said::Alarm(alarm)),
        }
    }

    fn transition(&mut self, index: RouterIndex, transition: Transition) {
        let priority = self.router.machine(index).priority().0;
        let seat = &mut self.seats[index.0];
        seat.publisher.transition(&transition);
        if let Some(notifier) = &mut seat.notifier {
            match transition.to {
                State::Master => notifier.push(script::State::Master, priority),
                State::Backup => notifier.push(script::State::Backup, priority),
                State::Fault => notifier.push(script::State::Fault, priority),
                State::Initialize => notifier.stop(priority),
            }
        }
        self.say(index, Said::Transition(transition));
    }

    pub(super) fn say(&mut self, index: RouterIndex, said: Said) {
        let about = self.router.name(index).clone();
        self.report(&Report { about, said });
    }

    pub(super) fn report(&mut self, report: &Report) {
        match report.severity() {
            super::Severity::Notice => tracing::info!("{report}"),
            super::Severity::Warning => tracing::warn!("{report}"),
            super::Severity::Alert => tracing::error!("{report}"),
        }
        (self.observer)(report);
    }

    pub(super) fn poll_checks(&mut self, cx: &mut Context<'_>) -> bool {
        let mut busy = false;
        while let Some(reason) = self.checks.poll(cx) {
            busy = true;
            let about = "check".into();
            let said = Said::Notice(reason);
            self.report(&Report { about, said });
        }
        busy
    }

    /// Witnesses and notify programs.
    pub(super) fn poll_programs(&mut self, cx: &mut Context<'_>) -> bool {
        let mut busy = false;
        for index in self.router.indices() {
            while let Some(event) = self.poll_witness(cx, index) {
                busy = true;
                self.witness_event(index, event);
            }
            while let Some(report) = self.poll_notifier(cx, index) {
                if !report.ok {
                    self.say(index, Said::Trouble(report.reason));
                }
            }
        }
        busy
    }

    fn poll_witness(&mut self, cx: &mut Context<'_>, index: RouterIndex) -> Option<witness::Event> {
        let watch = self.seats[index.0].witness.as_mut()?;
        match watch.poll_next(cx) {
            Poll::Ready(event) => Some(event),
            Poll::Pending => None,
        }
    }

    /// Has the witness asked now. Until it answers this node counts as cut off: what a round of a
    /// second ago said is too old for one that hears no master.
    pub(super) fn ask_witness(&mut self, now: Instant, index: RouterIndex) {
        let watch = self.seats[index.0].witness.as_mut();
        if watch.is_some_and(witness::Watch::ask_anew) {
            let reachable = false;
            self.router
                .handle_event(now, index, Event::Witness { reachable });
        }
    }

    fn witness_event(&mut self, index: RouterIndex, event: witness::Event) {
        let now = now();
        match event {
            witness::Event::Ask(target) => {
                let port = &mut self.seats[index.0].port;
                let asked = port.network.probe(&VirtualAddress::new(target.into()));
                port.check(now, "cannot ask its witness", asked);
            }
            witness::Event::Changed(change) => {
                let reachable = change.reachable;
                let event = Event::Witness { reachable };
                self.router.handle_event(now, index, event);
                if self.seats[index.0].reached.replace(reachable) != Some(reachable) {
                    self.say(index, Said::Notice(change.reason));
                }
            }
        }
    }

    fn poll_notifier(
        &mut self,
        cx: &mut Context<'_>,
        index: RouterIndex,
    ) -> Option<script::Report> {
        let notifier = self.seats[index.0].notifier.as_mut()?;
        match notifier.poll_next(cx) {
            Poll::Ready(report) => report,
            Poll::Pending => None,
        }
    }

    /// Sleeps until `deadline`; ready when it has come.
    pub(super) fn poll_sleep(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Option<Instant>,
    ) -> Poll<()> {
        let Some(deadline) = deadline else {
            return Poll::Pending;
        };
        let deadline = deadline.into();
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        Pin::as_mut(sleep).poll(cx)
    }
}
