//! Asks the targets of a witness, round after round.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval, sleep};

use super::ping::Ping;
use super::tally::Tally;
use super::{Mode, Witness};

/// Something a [`Watch`] has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// In [`Mode::Arp`] only: ask this target for its hardware address, and call
    /// [`Watch::answered`] when it answers.
    Ask(IpAddr),
    /// Whether enough targets answer is known for the first time, or is another now.
    Changed(Change),
}

/// A verdict that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whether enough targets answer.
    pub reachable: bool,
    /// Who does and who does not: `witness: none of 192.0.2.1 answers`.
    pub reason: String,
}

/// A [`Witness`] that is asked. It starts with its first poll, and spawns nothing.
#[derive(Debug)]
pub struct Watch {
    witness: Witness,
    interface: String,
    tally: Tally,
    /// `None` before the first poll.
    rounds: Option<Interval>,
    round: Option<Round>,
    asks: VecDeque<IpAddr>,
    /// Why a target could not even be asked, in the last round.
    trouble: Option<String>,
    told: Option<bool>,
    /// When what was known was last forgotten.
    anew: Option<Instant>,
    waker: Option<Waker>,
}

/// Questions that are out.
#[derive(Debug)]
struct Round {
    end: Pin<Box<Sleep>>,
    /// For each target: whether its answer is awaited, and where it will arrive.
    awaited: Vec<bool>,
    pings: Vec<Option<Ping>>,
}

impl Watch {
    pub(super) fn new(witness: Witness, interface: String) -> Self {
        Self {
            tally: Tally::new(witness.targets(), witness.min_up()),
            witness,
            interface,
            rounds: None,
            round: None,
            asks: VecDeque::new(),
            trouble: None,
            told: None,
            anew: None,
            waker: None,
        }
    }

    /// Whether enough targets answer, as was told last; `None` while it is not known.
    pub const fn reachable(&self) -> Option<bool> {
        self.told
    }

    /// Forgets what is known and asks at once: what was so a round ago decides nothing now. False,
    /// and nothing is done, if that was less than a timeout ago.
    pub fn ask_anew(&mut self) -> bool {
        let now = Instant::now();
        let patience = self.witness.timeout();
        if self.anew.is_some_and(|at| now < at + patience) {
            return false;
        }
        self.anew = Some(now);
        self.tally = Tally::new(self.witness.targets(), self.witness.min_up());
        self.told = None;
        self.round = None;
        self.rounds = None;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        true
    }

    /// `target` has answered. An answer that nobody waits for, or waits for any more, is
    /// nothing.
    pub fn answered(&mut self, target: IpAddr) {
        let at = (self.witness.targets().iter()).position(|&other| other == target);
        if let Some(at) = at {
            self.record_answer(at);
        }
    }

    /// Waits for the next event. Nothing is lost if the future is dropped, but questions are
    /// asked only while one is polled.
    pub async fn next(&mut self) -> Event {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Asks and listens until there is something to say.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        self.poll_round(cx);
        if self.round.is_none() {
            let rounds = self.rounds.get_or_insert_with(|| {
                let mut rounds = interval(self.witness.interval());
                rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
                rounds
            });
            if rounds.poll_tick(cx).is_ready() {
                self.start_round();
                self.poll_round(cx);
            }
        }
        if let Some(change) = self.change() {
            return Poll::Ready(Event::Changed(change));
        }
        if let Some(target) = self.asks.pop_front() {
            return Poll::Ready(Event::Ask(target));
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn start_round(&mut self) {
        let targets = self.witness.targets();
        let mut pings = Vec::new();
        self.asks.clear();
        self.trouble = None;
        match self.witness.mode() {
            Mode::Arp => self.asks.extend(targets),
            Mode::Ping => pings.extend(targets.iter().map(|&target| {
                Ping::send(target, &self.interface, rand::random())
                    .map_err(|error| self.trouble = Some(error.to_string()))
                    .ok()
            })),
        }
        self.round = Some(Round {
            end: Box::pin(sleep(self.witness.timeout())),
            awaited: vec![true; targets.len()],
            pings,
        });
    }

    fn poll_round(&mut self, cx: &mut Context<'_>) {
        let Some(round) = &mut self.round else {
            return;
        };
        for (at, slot) in round.pings.iter_mut().enumerate() {
            if let Some(ping) = slot
                && ping.poll_answer(cx).is_ready()
            {
                *slot = None;
                round.awaited[at] = false;
                self.tally.record(at, true);
            }
        }
        if round.end.as_mut().poll(cx).is_ready() {
            for (at, _) in round.awaited.iter().enumerate().filter(|(_, late)| **late) {
                self.tally.record(at, false);
            }
            self.round = None;
        }
    }

    fn record_answer(&mut self, at: usize) {
        if let Some(round) = &mut self.round
            && std::mem::replace(&mut round.awaited[at], false)
        {
            self.tally.record(at, true);
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }

    fn change(&mut self) -> Option<Change> {
        let reachable = self.tally.reachable()?;
        if self.told == Some(reachable) {
            return None;
        }
        self.told = Some(reachable);
        let mut reason = self.tally.words();
        if let (false, Some(trouble)) = (reachable, &self.trouble) {
            reason = format!("{reason}: cannot ask through {}: {trouble}", self.interface);
        }
        Some(Change { reachable, reason })
    }
}

#[cfg(test)]
mod tests;
