//! Looking after the servers: a checker for each backend, and what follows from
//! a change.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use lb_core::{
    HealthChecker,
    health::{Checkup, Event, InitState, Observe, OnError, Probe, Rules, Severity, Verdict},
    server::Operational,
};
use lb_http::{
    ProxyVersion, Upstream,
    check::{Expect, HttpCheck, TcpCheck, Version},
};
use tokio::task::JoinSet;
use tower_service::Service;

use super::{RunningBackend, System, running::AddedServers};
use crate::{config::model, log::Level, plan::Plan};

/// What checks the servers of a backend.
pub(super) type Checker = HealthChecker<AnyCheck>;

/// A check of any kind: servers of one backend may be checked differently.
#[derive(Clone, Debug)]
pub(super) enum AnyCheck {
    Tcp(TcpCheck),
    Http(Box<HttpCheck>),
}

pin_project_lite::pin_project! {
    /// The future of [`AnyCheck`].
    #[project = CheckingProjection]
    pub(super) enum Checking {
        Tcp { #[pin] future: <TcpCheck as Service<Probe<Upstream>>>::Future },
        Http { #[pin] future: <HttpCheck as Service<Probe<Upstream>>>::Future },
    }
}

impl Future for Checking {
    type Output = Result<Verdict, std::convert::Infallible>;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            CheckingProjection::Tcp { future } => future.poll(cx),
            CheckingProjection::Http { future } => future.poll(cx),
        }
    }
}

impl Service<Probe<Upstream>> for AnyCheck {
    type Response = Verdict;
    type Error = std::convert::Infallible;
    type Future = Checking;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, probe: Probe<Upstream>) -> Checking {
        match self {
            Self::Tcp(check) => Checking::Tcp {
                future: check.call(probe),
            },
            Self::Http(check) => Checking::Http {
                future: check.call(probe),
            },
        }
    }
}

/// The same, knowing how servers are checked that are added at run time.
pub(super) fn with_newcomers(
    checker: HealthChecker<AnyCheck>,
    added: &Arc<AddedServers>,
) -> HealthChecker<AnyCheck> {
    let (usual, added) = (checker.usual(), Arc::clone(added));
    checker.newcomers(move |name| {
        let server = added.find(name)?;
        let checkup = by_rules(usual.clone(), server.model());
        Some(match &server.model().check {
            Some(check) => checkup.check(any_check(check, server.model())),
            None => checkup.unchecked(),
        })
    })
}

/// A checker for each backend, in order.
pub(super) fn checkers(plan: &Plan) -> Vec<HealthChecker<AnyCheck>> {
    let checkers: Vec<_> = plan
        .backends
        .iter()
        .map(|_| HealthChecker::new(AnyCheck::Tcp(TcpCheck::new())))
        .collect();
    let handles: Vec<_> = checkers.iter().map(HealthChecker::handle).collect();
    let handle_of = |name: &str| {
        let at = plan.backends.iter().position(|b| b.name() == name)?;
        Some(handles[at].clone())
    };
    plan.backends
        .iter()
        .zip(checkers)
        .map(|(backend, checker)| {
            backend.servers().iter().fold(checker, |checker, server| {
                let model = server.model();
                checker.server(model.name.as_str(), |checkup| {
                    let checkup = by_rules(checkup, model);
                    match (&model.track, &model.check) {
                        (Some(track), _) => match handle_of(&track.backend) {
                            Some(handle) => checkup.track(handle, &track.backend, &track.server),
                            None => checkup.unchecked(),
                        },
                        (None, Some(check)) => checkup.check(any_check(check, model)),
                        (None, None) => checkup.unchecked(),
                    }
                })
            })
        })
        .collect()
}

fn by_rules(checkup: Checkup<AnyCheck>, server: &model::Server) -> Checkup<AnyCheck> {
    checkup.rules(|_| {
        let mut rules = Rules::new()
            .error_limit(server.error_limit)
            .observe(match server.observe {
                None => Observe::Off,
                Some(model::Observe::Layer4) => Observe::Layer4,
                Some(model::Observe::Layer7) => Observe::Layer7,
            })
            .on_error(match server.on_error {
                model::OnError::FastInter => OnError::FastInterval,
                model::OnError::FailCheck => OnError::FailCheck,
                model::OnError::SuddenDeath => OnError::SuddenDeath,
                model::OnError::MarkDown => OnError::MarkDown,
            })
            .init_state(match server.init_state {
                model::InitState::Up => InitState::Up,
                model::InitState::Down => InitState::Down,
                model::InitState::FullyUp => InitState::FullyUp,
                model::InitState::FullyDown => InitState::FullyDown,
            });
        if let Some(check) = &server.check {
            rules = rules
                .rise(check.rise)
                .fall(check.fall)
                .interval(check.interval);
            if let Some(interval) = check.fast_interval {
                rules = rules.fast_interval(interval);
            }
            if let Some(interval) = check.down_interval {
                rules = rules.down_interval(interval);
            }
            if let Some(timeout) = check.timeout {
                rules = rules.timeout(timeout);
            }
        }
        rules
    })
}

fn any_check(check: &model::Check, server: &model::Server) -> AnyCheck {
    let version = match server.send_proxy {
        Some(model::ProxyVersion::V2) => ProxyVersion::V2,
        _ => ProxyVersion::V1,
    };
    let proxy = check.send_proxy.then_some(version);
    match &check.kind {
        model::CheckKind::Tcp => {
            let mut tcp = TcpCheck::new();
            if let Some(port) = check.port {
                tcp = tcp.port(port);
            }
            if let Some(address) = check.address {
                tcp = tcp.address(address);
            }
            if let Some(version) = proxy {
                tcp = tcp.send_proxy(version);
            }
            AnyCheck::Tcp(tcp)
        }
        model::CheckKind::Http(http) => {
            let mut ours = http_check(http);
            if let Some(port) = check.port {
                ours = ours.port(port);
            }
            if let Some(address) = check.address {
                ours = ours.address(address);
            }
            if let Some(version) = proxy {
                ours = ours.send_proxy(version);
            }
            AnyCheck::Http(Box::new(ours))
        }
    }
}

fn http_check(http: &model::HttpCheck) -> HttpCheck {
    let mut check = HttpCheck::new(http.method.clone(), http.uri.as_str())
        .expect("the configuration has checked the path")
        .version(match http.version {
            http::Version::HTTP_11 => Version::Http11,
            _ => Version::Http10,
        });
    for (name, value) in &http.headers {
        check = check.header(name.clone(), value.clone());
    }
    if let Some(body) = &http.body {
        check = check.body(body.clone());
    }
    let expectations = http
        .expect
        .iter()
        .filter_map(|text| text.parse::<Expect>().ok());
    expectations.fold(check, HttpCheck::expect)
}

/// Checks all servers for as long as the process runs.
pub(super) async fn run(system: Arc<System>) {
    let mut tasks = JoinSet::new();
    for backend in system.backends() {
        if let Some(checker) = backend.take_checker() {
            let followed = Arc::clone(backend);
            let log = system.log().clone();
            let is_listen = system.frontends().iter().any(|frontend| {
                frontend.plan().model().name.span() == backend.plan().model().name.span()
            });
            let checker = checker.on_event(move |event| {
                // A section without servers, such as one for a page, misses none.
                let missing =
                    followed.plan().servers().is_empty() && matches!(event, Event::NoServer { .. });
                let checks_are_told = followed.plan().model().log_health_checks;
                let wanted = match event {
                    Event::Checked(_) => checks_are_told,
                    _ => !missing,
                };
                if wanted {
                    // A line of the check itself has told the reason.
                    let text = match event {
                        // HAProxy calls a section that is both a proxy.
                        Event::NoServer { backend } if is_listen => {
                            format!("proxy {backend} has no server available!")
                        }
                        _ if checks_are_told => format!("{event:#}"),
                        _ => event.to_string(),
                    };
                    log.say(level(event.severity()), &text);
                }
                follow(&followed, event);
            });
            tasks.spawn(checker.run(backend.pool().clone()));
        }
    }
    while tasks.join_next().await.is_some() {}
}

fn level(severity: Severity) -> Level {
    match severity {
        Severity::Notice => Level::Notice,
        Severity::Alert => Level::Alert,
        Severity::Emergency => Level::Emerg,
    }
}

/// What a change of one server means for sessions.
fn follow(backend: &RunningBackend, event: &Event) {
    let Event::Changed(change) = event else {
        return;
    };
    backend.observe(change.active_left + change.backup_left > 0);
    let snapshot = backend.pool().snapshot();
    let find = |name: &str| snapshot.by_name(name);
    let Some(server) = backend.declared(&change.server) else {
        return;
    };
    let server = server.model();
    match change.to.operational {
        Operational::Down if change.from.operational != Operational::Down => {
            if let Some(down) = find(&change.server) {
                down.target().close_idle();
                if server.on_marked_down.is_some() {
                    let _ = down.target().shutdown_sessions();
                }
            }
        }
        Operational::Up if server.on_marked_up.is_some() => {
            for backup in snapshot.all().iter().filter(|server| server.is_backup()) {
                let _ = backup.target().shutdown_sessions();
            }
        }
        _ => {}
    }
}
