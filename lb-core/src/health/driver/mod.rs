//! Runs the checks of a set of servers: one future, in which one future per
//! server runs until the server goes.

mod patient;
mod routine;
mod watch;

use std::{collections::HashMap, fmt, sync::Arc};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tower_service::Service;

use super::{
    Answer, Change, Event, Handle, Probe, Rules, Targets, Verdict,
    checker::{Checkup, Newcomer, OnEvent},
    event::{Cause, State},
    handle::{Command, Post, Posts, Shared},
    observer::Streak,
    outcome::Observe,
    rules::InitState,
};
use crate::server::{Administrative, Operational, Server, ServerUid};

/// What is done about which server.
pub(super) struct Plan<C, A> {
    pub(super) default: Checkup<C, A>,
    pub(super) named: HashMap<Box<str>, Checkup<C, A>>,
    pub(super) newcomer: Option<Newcomer<C, A>>,
    pub(super) resumed: Option<Handle>,
}

/// Where it is done, and who is told.
pub(super) struct Scene<G> {
    pub(super) backend: Arc<str>,
    pub(super) targets: G,
    pub(super) shared: Arc<Shared>,
    pub(super) on_event: Option<OnEvent>,
}

pub(super) async fn run<T, G, C, A>(plan: Plan<C, A>, scene: Scene<G>)
where
    T: Send + Sync + 'static,
    G: Targets<T>,
    C: Service<Probe<T>, Response = Verdict, Error: fmt::Display, Future: Send> + Clone + Send,
    A: Service<Probe<T>, Response = Answer, Error: fmt::Display, Future: Send> + Clone + Send,
{
    let mut members: HashMap<ServerUid, Member> = HashMap::new();
    let mut watches = FuturesUnordered::new();
    let mut had_server = true;
    loop {
        // Before the look at the servers, so that no change falls in between.
        let changed = scene.targets.changed();
        let servers = scene.targets.servers();
        let new: Vec<_> = servers
            .iter()
            .filter(|server| !members.contains_key(&server.uid()))
            .cloned()
            .collect();
        let peers = new.len();
        let mut membership_changed = peers > 0;
        for server in new {
            let checkup = plan.checkup(&server);
            let post = Arc::new(Post::new(server.name(), Streak::new(&checkup.rules)));
            let known = plan.resumed.as_ref().and_then(|h| h.report(server.uid()));
            members.insert(server.uid(), Member::new(&server, Arc::clone(&post)));
            watches.push(watch::watch(&scene, server, checkup, post, known, peers));
        }
        for server in &servers {
            if let Some(member) = members.get_mut(&server.uid()) {
                member.notice(server.administrative_state());
            }
        }
        if members.len() > servers.len() {
            let here: Vec<_> = servers.iter().map(|server| server.uid()).collect();
            members.retain(|uid, member| {
                let stays = here.contains(uid);
                if !stays {
                    member.post.send(Command::End);
                }
                stays
            });
            membership_changed = true;
        }
        if membership_changed {
            scene.publish(&members);
        }
        let has_server = servers.iter().any(|server| server.is_usable());
        if had_server && !has_server {
            let backend = Arc::clone(&scene.backend);
            scene.tell(&Event::NoServer { backend });
        }
        had_server = has_server;

        tokio::pin!(changed);
        loop {
            tokio::select! {
                () = &mut changed => break,
                Some(()) = watches.next() => {}
            }
        }
    }
}

/// A server whose watch is running.
struct Member {
    post: Arc<Post>,
    administrative: Administrative,
}

impl Member {
    fn new<T>(server: &Server<T>, post: Arc<Post>) -> Self {
        Self {
            post,
            administrative: server.administrative_state(),
        }
    }

    fn notice(&mut self, administrative: Administrative) {
        if self.administrative != administrative {
            self.administrative = administrative;
            self.post.send(Command::Administrative);
        }
    }
}

impl<C: Clone, A: Clone> Plan<C, A> {
    fn checkup<T>(&self, server: &Server<T>) -> Checkup<C, A> {
        let newcomer = self.newcomer.as_ref();
        let mut checkup = newcomer
            .and_then(|treat| treat(server.name()))
            .unwrap_or_else(|| {
                let declared = self.named.get(server.name());
                declared.unwrap_or(&self.default).clone()
            });
        let rules = &mut checkup.rules;
        rules.slow_start = rules.slow_start.or(Some(server.slow_start_time()));
        let is_down = server.operational_state() == Operational::Down;
        rules.init_state = match (&checkup.check, is_down, rules.init_state) {
            // One that is DOWN already does not come UP without a success.
            (Some(_), true, InitState::Up) => InitState::Down,
            (Some(_), true, InitState::FullyUp) => InitState::FullyDown,
            (Some(_), _, state) => state,
            (None, true, _) => InitState::FullyDown,
            (None, false, _) => InitState::FullyUp,
        };
        if checkup.check.is_none() {
            // Nothing would bring it UP again.
            rules.observe = Observe::Off;
        }
        checkup
    }
}

impl<G> Scene<G> {
    fn publish(&self, members: &HashMap<ServerUid, Member>) {
        let posts: Posts = members
            .iter()
            .map(|(uid, member)| (*uid, Arc::clone(&member.post)))
            .collect();
        self.shared.publish(posts);
    }

    fn tell(&self, event: &Event) {
        if let Some(tell) = &self.on_event {
            tell(event);
        }
    }
}
