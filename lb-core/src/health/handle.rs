//! Looking into a checker that runs, and telling it what to do.

use std::{
    collections::HashMap,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{Label, Observer, Outcome, Verdict, event::State, observer::Streak};
use crate::server::{Administrative, Operational, ServerUid};

/// A view of a [`HealthChecker`](super::HealthChecker) for statistics pages and
/// runtime commands. It can be had before the checker runs, and keeps the last
/// reports when it no longer does.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// What is known about one server's health.
#[derive(Clone, Debug)]
pub struct Report {
    /// State and counter of its checks.
    pub label: Label,
    /// The state its operator wants, or that of the server it tracks.
    pub administrative: Administrative,
    /// Is it checked at all? If not, it is UP unless its agent or the server it
    /// tracks is not.
    pub checked: bool,
    /// The server it tracks, as `backend/server`.
    pub tracks: Option<Arc<str>>,
    /// What the last check, or its traffic, said; `None` before the first.
    pub verdict: Option<Arc<Verdict>>,
    /// What the agent said last.
    pub agent: Option<Arc<Verdict>>,
    /// When the state changed last, or when the checker began.
    pub since: Instant,
    /// How long it was DOWN or in maintenance in all, before `since`.
    pub downtime: Duration,
}

impl Report {
    /// The status in HAProxy's words, as on its statistics page: `UP 2/3`,
    /// `DOWN (agent)`, `NOLB`, `DRAIN`, `MAINT`, `MAINT (via app/s1)`,
    /// `no check`.
    pub fn status(&self) -> String {
        match (self.administrative, &self.tracks) {
            (Administrative::Maint, Some(source)) => format!("MAINT (via {source})"),
            (Administrative::Maint, None) => "MAINT".to_owned(),
            (Administrative::Drain, _) if self.label.state != Operational::Down => {
                "DRAIN".to_owned()
            }
            _ if !self.checked && self.tracks.is_none() && !self.label.by_agent => {
                "no check".to_owned()
            }
            _ => self.label.to_string(),
        }
    }

    /// How long it was DOWN or in maintenance in all, until `now`.
    pub fn downtime(&self, now: Instant) -> Duration {
        match self.state().is_out() {
            true => self.downtime + now.saturating_duration_since(self.since),
            false => self.downtime,
        }
    }

    pub(super) fn state(&self) -> State {
        State {
            operational: self.label.state,
            administrative: self.administrative,
        }
    }
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// What is known about a server; `None` if the checker does not run, or
    /// does not know it.
    pub fn report(&self, server: ServerUid) -> Option<Report> {
        self.shared.posts().get(&server)?.report()
    }

    /// Where to tell how a server's traffic goes.
    pub fn observer(&self) -> Observer {
        Observer {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Sets the state as if its checks had found it, until the next one
    /// (`set server … health up|stopping|down`). False if the checker does not
    /// know the server.
    pub fn force(&self, server: ServerUid, state: Operational) -> bool {
        self.command(server, Command::Force(state))
    }

    /// Sets the state as if its agent had said so (`set server … agent up|down`).
    pub fn force_agent(&self, server: ServerUid, up: bool) -> bool {
        self.command(server, Command::ForceAgent(up))
    }

    /// Suspends or resumes a server's checks (`disable health`, `enable health`).
    pub fn set_checked(&self, server: ServerUid, on: bool) -> bool {
        self.command(server, Command::Check(on))
    }

    /// Suspends or resumes asking its agent (`disable agent`, `enable agent`).
    pub fn set_agent_checked(&self, server: ServerUid, on: bool) -> bool {
        self.command(server, Command::Agent(on))
    }

    fn command(&self, server: ServerUid, command: Command) -> bool {
        let posts = self.shared.posts();
        let post = posts.get(&server);
        if let Some(post) = post {
            post.send(command);
        }
        post.is_some()
    }

    /// The report on the server of this name.
    pub(super) fn named(&self, name: &str) -> Option<Report> {
        let posts = self.shared.posts();
        posts.values().find(|post| &*post.name == name)?.report()
    }

    /// Changes when a report does.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.shared.changed.subscribe()
    }
}

/// What a checker, its observers and its handles share.
#[derive(Debug)]
pub(super) struct Shared {
    posts: ArcSwap<Posts>,
    observes: AtomicBool,
    changed: watch::Sender<()>,
}

pub(super) type Posts = HashMap<ServerUid, Arc<Post>, ahash::RandomState>;

impl Default for Shared {
    fn default() -> Self {
        Self {
            posts: ArcSwap::default(),
            observes: AtomicBool::new(false),
            changed: watch::Sender::new(()),
        }
    }
}

impl Shared {
    pub(super) fn posts(&self) -> arc_swap::Guard<Arc<Posts>> {
        self.posts.load()
    }

    pub(super) fn observes(&self) -> bool {
        self.observes.load(Ordering::Relaxed)
    }

    pub(super) fn publish(&self, posts: Posts) {
        let observes = posts.values().any(|post| post.streak.is_on());
        self.posts.store(Arc::new(posts));
        self.observes.store(observes, Ordering::Relaxed);
        self.changed.send_replace(());
    }

    pub(super) fn report(&self, post: &Post, report: Report) {
        *lock(&post.report) = Some(report);
        self.changed.send_replace(());
    }
}

/// Where one server's watch gets its orders and leaves its reports.
#[derive(Debug)]
pub(super) struct Post {
    name: Arc<str>,
    streak: Streak,
    inbox: Mutex<Vec<Command>>,
    mail: Notify,
    report: Mutex<Option<Report>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Command {
    /// Too many errors in a row, the last one this.
    Traffic(Outcome),
    /// Someone changed the administrative state.
    Administrative,
    Force(Operational),
    ForceAgent(bool),
    Check(bool),
    Agent(bool),
    /// The server has gone.
    End,
}

impl Post {
    pub(super) fn new(name: &str, streak: Streak) -> Self {
        Self {
            name: name.into(),
            streak,
            inbox: Mutex::default(),
            mail: Notify::new(),
            report: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn observe(&self, outcome: Outcome) {
        if self.streak.completes(outcome) {
            self.send(Command::Traffic(outcome));
        }
    }

    pub(super) fn send(&self, command: Command) {
        let mut inbox = lock(&self.inbox);
        // Says the same only once, so that nothing piles up where nobody reads.
        if inbox.last() != Some(&command) {
            inbox.push(command);
        }
        drop(inbox);
        self.mail.notify_one();
    }

    /// Waits for commands. Cancelling it loses none.
    pub(super) async fn receive(&self) -> Vec<Command> {
        loop {
            let commands = mem::take(&mut *lock(&self.inbox));
            if !commands.is_empty() {
                return commands;
            }
            self.mail.notified().await;
        }
    }

    pub(super) fn report(&self) -> Option<Report> {
        lock(&self.report).clone()
    }
}

/// Both locks hold plain values that are whole at each step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
