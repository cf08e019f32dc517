//! From a plan to a system that runs: the first one of a process, or the next after a reload.
//!
//! All that can fail comes first. What stays under its name is the same pool, the same counts and the same sockets.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    sync::{Arc, Weak},
};

use lb_core::{Server, policy::Algorithm, server::ServerUid};
use lb_http::{Upstream, fetch::FrontendFacts};
use lb_tcp::{Address, BindError, Listen, Listener};
use tokio::time::Instant;

use super::{
    Gate, RunError, RunningBackend, RunningFrontend,
    change::Cleared,
    checks, limits,
    quota::Quota,
    running::{AddedServers, BackendLife, FrontendLife, ListeningSocket},
    shared::Shared,
    system::{Parts, System},
    takeover::Predecessor,
    tally::{OfBackend, Tallies, Totals, Traffic},
};
use crate::{
    log::Sink,
    plan::{self, Plan, Rated},
};

const CHECKED: &str = "the configuration has distinct servers with addresses";

type Pool = lb_core::Pool<Upstream, Algorithm>;

/// Sockets that nobody accepts from yet, and their addresses as declared: those of each worker.
pub(super) type Opened = Vec<Vec<(Address, Listener)>>;

/// The first system of a process.
///
/// # Errors
///
/// What the system refuses: descriptors, addresses.
pub(super) fn first(
    plan: Plan,
    log: Sink,
    predecessor: Option<&mut Predecessor>,
) -> Result<(Arc<System>, Opened), RunError> {
    let maxconn = limits::prepare(&plan)?;
    let taken = Taken::by(&plan, predecessor)?;
    let sockets = Sockets::open(&plan, plan.workers, None, taken)?;
    let shared = Arc::new(Shared::new(plan.workers, maxconn, log));
    Ok(system(plan, sockets, shared, None))
}

/// The one after `before`. Its pools are declared anew when this returns: from here on there is no way back.
///
/// # Errors
///
/// An address that cannot be listened on; nothing has changed then.
pub(super) fn next(plan: Plan, before: &System) -> Result<(Arc<System>, Opened), BindError> {
    let shared = Arc::clone(&before.shared);
    let sockets = Sockets::open(&plan, shared.workers, Some(before), Taken::default())?;
    Ok(system(plan, sockets, shared, Some(before)))
}

/// Sockets that another process has given.
#[derive(Default)]
struct Taken(HashMap<Address, Vec<Listener>>);

impl Taken {
    fn by(plan: &Plan, predecessor: Option<&mut Predecessor>) -> Result<Self, RunError> {
        let mut taken = HashMap::new();
        if let Some(predecessor) = predecessor {
            for listen in plan.frontends.iter().flat_map(plan::Frontend::listens) {
                let mut listeners = predecessor.listeners(&listen)?;
                if listeners.is_empty() {
                    continue;
                }
                // A worker more than there were has a share of what others have.
                for at in listeners.len()..plan.workers.get() {
                    let again = listeners[at % listeners.len()].try_clone();
                    listeners.push(again.map_err(RunError::Worker)?);
                }
                taken.insert(listen.address().clone(), listeners);
            }
        }
        Ok(Self(taken))
    }
}

/// Those of all frontends.
struct Sockets {
    /// Of each frontend, in the order of its `bind`.
    all: Vec<Vec<ListeningSocket>>,
    opened: Opened,
}

impl Sockets {
    /// Opens what is not open already.
    fn open(
        plan: &Plan,
        workers: NonZeroUsize,
        before: Option<&System>,
        mut taken: Taken,
    ) -> Result<Self, BindError> {
        let mut opened: Opened = (0..workers.get()).map(|_| Vec::new()).collect();
        let mut socket = |listen: Listen| {
            let address = listen.address();
            if let Some(open) = before.and_then(|before| before.socket(address)) {
                return Ok(open.clone());
            }
            let listeners = match taken.0.remove(address) {
                Some(listeners) => listeners,
                None => listen.bind_each(workers)?,
            };
            let address = address.clone();
            let local = listeners[0].local().clone();
            // Another process may have had more workers, or fewer.
            for (at, listener) in listeners.into_iter().enumerate() {
                opened[at % workers.get()].push((address.clone(), listener));
            }
            Ok(ListeningSocket { address, local })
        };
        let frontends = plan.frontends.iter();
        let all = frontends
            .map(|frontend| frontend.listens().map(&mut socket).collect())
            .collect::<Result<_, BindError>>()?;
        Ok(Self { all, opened })
    }
}

impl System {
    /// The socket of this address that somebody accepts from.
    fn socket(&self, address: &Address) -> Option<&ListeningSocket> {
        let open = self.frontends().iter();
        let open = open.filter(|frontend| frontend.gate() != Gate::Shut);
        let mut sockets = open.flat_map(|frontend| frontend.sockets());
        sockets.find(|socket| socket.address == *address)
    }
}

fn system(
    plan: Plan,
    sockets: Sockets,
    shared: Arc<Shared>,
    before: Option<&System>,
) -> (Arc<System>, Opened) {
    let workers = shared.workers;
    let checkers = checks::checkers(&plan);
    let backends = plan.backends.iter().zip(checkers);
    let backends: Vec<_> = backends
        .map(|(plan, checker)| {
            let before = before.and_then(|before| before.backend(plan.name()));
            backend(
                plan,
                checker,
                workers,
                before.map(|(_, backend)| &**backend),
            )
        })
        .collect();
    let sections = plan.frontends.into_iter().zip(sockets.all);
    let frontends: Vec<_> = sections
        .map(|(plan, sockets)| {
            let before = before.and_then(|before| before.frontend(plan.name()));
            frontend(plan, sockets, before.map(|(_, frontend)| &**frontend))
        })
        .collect();
    // One more for what is inherited from another process.
    let tallies = (0..=workers.get()).map(|worker| tallies(worker, &frontends, &backends, before));
    let parts = Parts {
        tallies: tallies.collect(),
        cleared: before.map_or_else(Cleared::default, |before| {
            cleared(&frontends, &backends, before)
        }),
        frontends,
        backends,
        tables: plan.tables,
        log_targets: plan.log,
        hard_stop_after: plan.hard_stop_after,
        node: plan.node,
        config: plan.config,
    };
    (System::new(shared, parts), sockets.opened)
}

fn backend(
    plan: &Arc<plan::Backend>,
    checker: checks::Checker,
    workers: NonZeroUsize,
    before: Option<&RunningBackend>,
) -> Arc<RunningBackend> {
    let added = Arc::new(AddedServers::default());
    let mut checker = checks::with_newcomers(checker, &added);
    let pool = match before {
        None => plan.pool(workers.get()).expect(CHECKED),
        Some(before) => {
            checker = checker.resume(before.health().clone());
            redeclared(plan, workers, before)
        }
    };
    let life = match before {
        Some(before) => Arc::clone(&before.life),
        None => {
            let snapshot = pool.snapshot();
            let up = snapshot.all().is_empty() || !snapshot.usable().is_empty();
            Arc::new(BackendLife::new(up, Instant::now()))
        }
    };
    let place = plan.place();
    let running = Arc::new(RunningBackend::new(plan, pool, checker, added, life));
    let rated: Weak<dyn Rated> = Arc::downgrade(&(Arc::clone(&running) as _));
    place.fill(&running.pool, rated);
    running
}

/// The pool that runs, as it is declared now.
fn redeclared(plan: &plan::Backend, workers: NonZeroUsize, before: &RunningBackend) -> Pool {
    let snapshot = before.pool.snapshot();
    // One of the same name elsewhere is another server.
    let stays = |server: &plan::Server| -> Option<Arc<Server<Upstream>>> {
        let name = server.model().name.as_str();
        let declared = before.declared(name)?;
        (declared.address() == server.address())
            .then(|| snapshot.by_name(name).cloned())
            .flatten()
    };
    let servers = plan.servers().iter().filter_map(stays);
    let staying: HashSet<ServerUid> = servers.map(|server| server.uid()).collect();
    let declaration = plan.declaration(workers.get(), stays).expect(CHECKED);
    let pool = before.pool.clone();
    pool.redeclare(declaration, plan.algorithm(), |old, _| {
        staying.contains(&old.uid())
    })
    .expect(CHECKED);
    pool
}

fn frontend(
    plan: plan::Frontend,
    sockets: Vec<ListeningSocket>,
    before: Option<&RunningFrontend>,
) -> Arc<RunningFrontend> {
    let model = plan.model();
    let life = match before {
        Some(before) => {
            let life = Arc::clone(&before.life);
            if before.gate() == Gate::Shut {
                // Its sockets are new ones.
                life.gate.send_replace(Gate::Open);
                life.refusing.send_replace(0);
            }
            let declared = before.plan.model().maxconn;
            if declared != model.maxconn {
                life.permits.set_or_lift(model.maxconn);
            }
            life
        }
        None => Arc::new(FrontendLife::new(model.maxconn)),
    };
    let permits = model.bind.iter().map(|bind| {
        let limit = bind.maxconn?;
        let known = before.and_then(|before| {
            let mut binds = before.plan.model().bind.iter().zip(&before.bind_permits);
            binds
                .find(|(known, _)| known.address == bind.address)?
                .1
                .clone()
        });
        Some(match known {
            Some(quota) => {
                quota.set_or_lift(Some(limit));
                quota
            }
            None => Arc::new(Quota::new(Some(limit))),
        })
    });
    let permits = permits.collect();
    let running = Arc::new(RunningFrontend::new(plan, sockets, permits, life));
    let facts: Weak<dyn FrontendFacts> = Arc::downgrade(&(Arc::clone(&running) as _));
    running.plan.place().fill(facts);
    running
}

/// Where a worker counts: where it did before, as far as there is the same name.
fn tallies(
    worker: usize,
    frontends: &[Arc<RunningFrontend>],
    backends: &[Arc<RunningBackend>],
    before: Option<&System>,
) -> Arc<Tallies> {
    let counted = before.map(|before| (before, before.tallies(worker)));
    let frontends = frontends.iter().map(|frontend| -> Arc<Traffic> {
        let counted = counted.and_then(|(before, counted)| {
            let (at, _) = before.frontend(frontend.plan.name())?;
            Some(Arc::clone(counted.frontend(at)))
        });
        counted.unwrap_or_default()
    });
    let backends = backends.iter().map(|backend| {
        let counted = counted.and_then(|(before, counted)| {
            let (at, _) = before.backend(backend.plan.name())?;
            Some(counted.backend(at))
        });
        let snapshot = backend.pool.snapshot();
        let servers = snapshot.all().iter().map(|server| server.uid());
        OfBackend::new(counted, servers.collect())
    });
    Arc::new(Tallies::new(frontends, backends))
}

/// What does not count any more, at its new places.
fn cleared(
    frontends: &[Arc<RunningFrontend>],
    backends: &[Arc<RunningBackend>],
    before: &System,
) -> Cleared {
    let cleared = before.lock_cleared();
    let frontends = frontends.iter().map(|frontend| -> Totals {
        let at = before.frontend(frontend.plan.name());
        let base = at.and_then(|(at, _)| cleared.frontends.get(at));
        base.copied().unwrap_or_default()
    });
    let backends = backends.iter().map(|backend| -> Totals {
        let at = before.backend(backend.plan.name());
        let base = at.and_then(|(at, _)| cleared.backends.get(at));
        base.copied().unwrap_or_default()
    });
    Cleared {
        frontends: frontends.collect(),
        backends: backends.collect(),
        servers: cleared.servers.clone(),
    }
}
