//! Declaring what is checked, and how.

use std::{collections::HashMap, fmt, future::Pending, sync::Arc, time::Duration};

use tower_layer::Layer;
use tower_service::Service;

use super::{
    Answer, Event, Handle, Observable, Probe, Rules, Targets, Verdict, driver, handle::Shared,
};

/// Checks the servers of a pool and tells the pool what it finds.
///
/// It does nothing until [`run`](Self::run); as a [`Layer`] it lets whatever
/// sends traffic to the servers report how that goes
/// ([`Rules::observe`]).
#[derive(Clone)]
pub struct HealthChecker<C, A = NoAgent> {
    default: Checkup<C, A>,
    named: HashMap<Box<str>, Checkup<C, A>>,
    newcomer: Option<Newcomer<C, A>>,
    on_event: Option<OnEvent>,
    resumed: Option<Handle>,
    shared: Arc<Shared>,
}

/// What is done about a server of this name that was not there at first.
pub(super) type Newcomer<C, A> = Arc<dyn Fn(&str) -> Option<Checkup<C, A>> + Send + Sync>;

pub(super) type OnEvent = Arc<dyn Fn(&Event) + Send + Sync>;

/// What is done about one server.
#[derive(Clone, Debug)]
pub struct Checkup<C, A = NoAgent> {
    pub(super) check: Option<C>,
    pub(super) agent: Option<A>,
    pub(super) agent_interval: Duration,
    pub(super) rules: Rules,
    pub(super) track: Option<Track>,
}

#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) handle: Handle,
    pub(super) server: Arc<str>,
    /// `backend/server`.
    pub(super) source: Arc<str>,
}

/// Stands for an agent where there is none.
#[derive(Clone, Copy, Debug)]
pub enum NoAgent {}

impl<T> Service<Probe<T>> for NoAgent {
    type Response = Answer;
    type Error = std::convert::Infallible;
    type Future = Pending<Result<Answer, Self::Error>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        match *self {}
    }

    fn call(&mut self, _: Probe<T>) -> Self::Future {
        match *self {}
    }
}

impl<C: Clone> HealthChecker<C> {
    /// Checks every server in this way, by HAProxy's default rules.
    ///
    /// A check is a tower service that takes a [`Probe`] and answers with a
    /// [`Verdict`]; one that fails with an error counts as a socket error with
    /// the error's text.
    pub fn new(check: C) -> Self {
        Self {
            default: Checkup {
                check: Some(check),
                agent: None,
                agent_interval: Duration::from_secs(2),
                rules: Rules::new(),
                track: None,
            },
            named: HashMap::new(),
            newcomer: None,
            on_event: None,
            resumed: None,
            shared: Arc::default(),
        }
    }
}

impl<C: Clone, A: Clone> HealthChecker<C, A> {
    /// Replaces the rules as a whole.
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.default.rules = rules;
        self
    }

    /// See [`Rules::rise`].
    #[must_use]
    pub fn rise(self, successes: u32) -> Self {
        self.edit(|rules| rules.rise(successes))
    }

    /// See [`Rules::fall`].
    #[must_use]
    pub fn fall(self, failures: u32) -> Self {
        self.edit(|rules| rules.fall(failures))
    }

    /// See [`Rules::interval`].
    #[must_use]
    pub fn interval(self, interval: Duration) -> Self {
        self.edit(|rules| rules.interval(interval))
    }

    /// See [`Rules::fast_interval`].
    #[must_use]
    pub fn fast_interval(self, interval: Duration) -> Self {
        self.edit(|rules| rules.fast_interval(interval))
    }

    /// See [`Rules::down_interval`].
    #[must_use]
    pub fn down_interval(self, interval: Duration) -> Self {
        self.edit(|rules| rules.down_interval(interval))
    }

    /// See [`Rules::timeout`].
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.edit(|rules| rules.timeout(timeout))
    }

    fn edit(mut self, edit: impl FnOnce(Rules) -> Rules) -> Self {
        self.default.rules = edit(self.default.rules);
        self
    }

    /// Also asks an agent on every server. Drops what
    /// [`server`](Self::server) has set before.
    #[must_use]
    pub fn agent<B: Clone>(self, agent: B, interval: Duration) -> HealthChecker<C, B> {
        HealthChecker {
            default: Checkup {
                check: self.default.check,
                agent: Some(agent),
                agent_interval: interval.max(Duration::from_millis(1)),
                rules: self.default.rules,
                track: self.default.track,
            },
            named: HashMap::new(),
            newcomer: None,
            on_event: self.on_event,
            resumed: self.resumed,
            shared: self.shared,
        }
    }

    /// Treats the server of this name differently. The closure gets what holds
    /// for every server so far; what is set later does not reach this one.
    #[must_use]
    pub fn server(
        mut self,
        name: impl Into<String>,
        differ: impl FnOnce(Checkup<C, A>) -> Checkup<C, A>,
    ) -> Self {
        let name = name.into().into_boxed_str();
        let so_far = self.named.remove(&name);
        let checkup = differ(so_far.unwrap_or_else(|| self.default.clone()));
        self.named.insert(name, checkup);
        self
    }

    /// Says how servers are treated that come later, by their names; what
    /// [`server`](Self::server) has set for a name does not count for those that
    /// this knows.
    #[must_use]
    pub fn newcomers(
        mut self,
        treat: impl Fn(&str) -> Option<Checkup<C, A>> + Send + Sync + 'static,
    ) -> Self {
        self.newcomer = Some(Arc::new(treat));
        self
    }

    /// What is done about a server for which nothing else is said.
    pub fn usual(&self) -> Checkup<C, A> {
        self.default.clone()
    }

    /// Is told of every [`Event`], from within the checker's future: it should
    /// hand the event on and return.
    #[must_use]
    pub fn on_event(mut self, tell: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Arc::new(tell));
        self
    }

    /// Begins with what an earlier checker knows of the same servers, as when a
    /// configuration is reloaded.
    #[must_use]
    pub fn resume(mut self, earlier: Handle) -> Self {
        self.resumed = Some(earlier);
        self
    }

    /// A view of this checker.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// Checks the servers of `targets`, and those that come later, for ever.
    ///
    /// A plain future: spawn it. Dropping it ends all checks and leaves every
    /// server as it is.
    pub fn run<T, G>(self, targets: G) -> impl Future<Output = ()> + Send
    where
        T: Send + Sync + 'static,
        G: Targets<T>,
        C: Service<Probe<T>, Response = Verdict, Error: fmt::Display, Future: Send> + Send,
        A: Service<Probe<T>, Response = Answer, Error: fmt::Display, Future: Send> + Send,
    {
        driver::run(
            driver::Plan {
                default: self.default,
                named: self.named,
                newcomer: self.newcomer,
                resumed: self.resumed,
            },
            driver::Scene {
                backend: targets.name().into(),
                targets,
                shared: self.shared,
                on_event: self.on_event,
            },
        )
    }
}

impl<C, A, B: Observable> Layer<B> for HealthChecker<C, A> {
    type Service = B;

    fn layer(&self, inner: B) -> B {
        inner.observed_by(Handle::new(Arc::clone(&self.shared)).observer())
    }
}

impl<C, A> Checkup<C, A> {
    /// Checks it in this way.
    #[must_use]
    pub fn check(mut self, check: C) -> Self {
        self.check = Some(check);
        self
    }

    /// By these rules.
    #[must_use]
    pub fn rules(mut self, edit: impl FnOnce(Rules) -> Rules) -> Self {
        self.rules = edit(self.rules);
        self
    }

    /// Not at all: the server is UP unless its agent says otherwise.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.check = None;
        self
    }

    /// Asks this agent too, this often.
    #[must_use]
    pub fn agent(mut self, agent: A, interval: Duration) -> Self {
        self.agent = Some(agent);
        self.agent_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Asks no agent.
    #[must_use]
    pub fn without_agent(mut self) -> Self {
        self.agent = None;
        self
    }

    /// Does not check it: it is what the server of this name is, which the
    /// checker behind `handle` looks after (`track`). The handle may be this
    /// checker's own. Chains work; the servers of a circle stay as they are.
    #[must_use]
    pub fn track(mut self, handle: Handle, backend: &str, server: &str) -> Self {
        self.check = None;
        self.agent = None;
        self.track = Some(Track {
            handle,
            server: server.into(),
            source: format!("{backend}/{server}").into(),
        });
        self
    }
}

impl<C: fmt::Debug, A: fmt::Debug> fmt::Debug for HealthChecker<C, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthChecker")
            .field("default", &self.default)
            .field("named", &self.named)
            .finish_non_exhaustive()
    }
}
