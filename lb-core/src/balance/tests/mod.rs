//! The balancer under paused time, over mocks.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod call;
mod choice;
mod retry;
mod traffic;

use std::{
    collections::VecDeque,
    future::{Ready, ready},
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use tower_service::Service;

use crate::server::Server;

/// What a fake server does with its next request; without orders it answers 200.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Answer(u16),
    Refuse,
    /// Fails before it takes a request.
    NeverReady,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("connection refused")]
pub(super) struct Refused;

/// Answers with its name and a status, and logs the requests it got.
#[derive(Clone)]
pub(super) struct Fake {
    name: &'static str,
    acts: Arc<Mutex<VecDeque<Act>>>,
    log: Log,
}

#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Who was asked what since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    pub(super) fn server(&self, name: &'static str, acts: &[Act]) -> Server<Fake> {
        let acts = Arc::new(Mutex::new(acts.iter().copied().collect()));
        let log = self.clone();
        Server::new(name, Fake { name, acts, log })
    }
}

impl Service<&'static str> for Fake {
    type Response = (&'static str, u16);
    type Error = Refused;
    type Future = Ready<Result<Self::Response, Refused>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        let mut acts = self.acts.lock().unwrap();
        match acts.front() {
            Some(Act::NeverReady) => {
                acts.pop_front();
                Poll::Ready(Err(Refused))
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: &'static str) -> Self::Future {
        let mut log = self.log.0.lock().unwrap();
        log.push(format!("{}: {request}", self.name));
        ready(match self.acts.lock().unwrap().pop_front() {
            None => Ok((self.name, 200)),
            Some(Act::Answer(status)) => Ok((self.name, status)),
            Some(_) => Err(Refused),
        })
    }
}
