//! A frontend with its ways to every backend that it uses, as one worker serves it.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use bytes::BytesMut;
use http::{HeaderValue, Request};
use lb_core::policy::Algorithm;
use lb_http::{
    Client, Proxy,
    compression::Compression,
    fetch::View,
    page::Pages,
    server::{Incoming, Server, Shutdown},
    stick::StickService,
    sticky::{StickyService, StickySession},
    transaction::Transaction,
};
use lb_tcp::{Endpoint, Stream};
use tokio::time::Instant;
use tower_layer::Layer;

use super::{RunningBackend, RunningFrontend, System, frontend, tally::Tallies};
use crate::{
    config::model::HttpConnection,
    log::{Capturing, Unheard},
    plan::{To, forwarded_for},
    stats,
};

type Upstreams = Proxy<Algorithm>;

/// All frontends, as one worker serves them.
#[derive(Default)]
pub(super) struct Service {
    /// In the order of the system.
    sites: Vec<FrontendServer>,
}

/// A frontend with its ways to every backend it uses.
pub(super) struct Site {
    pub(super) system: Arc<System>,
    pub(super) frontend: Arc<RunningFrontend>,
    /// Its place among the frontends.
    pub(super) at: usize,
    pub(super) tallies: Arc<Tallies>,
    /// The backends it leads to.
    pub(super) targets: Vec<Target>,
    /// Where each route leads, by its place.
    routes: Vec<Way>,
    /// The place of a backend that a route may name.
    named: HashMap<Box<str>, usize>,
    default: Option<usize>,
}

/// Where a route leads.
enum Way {
    /// To the target at this place.
    Target(usize),
    /// To the one that it names.
    Named,
}

/// A backend, as one frontend of one worker reaches it.
pub(super) struct Target {
    /// It is the same section, whose rules have been applied.
    pub(super) own: bool,
    pub(super) backend: Arc<RunningBackend>,
    /// Its place among the backends.
    pub(super) at: usize,
    /// Its own, else the frontend's.
    pub(super) pages: Arc<Pages>,
    /// Its own, else the frontend's.
    pub(super) compression: Option<Compression>,
    pub(super) entrance: Entrance,
}

pub(super) enum Entrance {
    Plain(Upstreams),
    Sticky(StickyService<Upstreams>),
    /// Fields of responses are kept, and the cookie's are not the server's.
    StickyCapturing(StickyService<Capturing<Upstreams>>),
    Stick(StickService<Upstreams>),
    /// The cookie comes first.
    Both(StickService<StickyService<Upstreams>>),
    /// All of it.
    BothCapturing(StickService<StickyService<Capturing<Upstreams>>>),
}

impl Service {
    /// Serves by this system from now on, whoever is connected already, too.
    pub(super) fn follow(&mut self, worker: usize, system: &Arc<System>) {
        let frontends = system.frontends().iter().enumerate();
        let sites = frontends.map(|(at, frontend)| {
            let site = Arc::new(Site::new(worker, system, at, frontend));
            let name = frontend.plan.name();
            let known = self.sites.iter().find(|server| *server.name == *name);
            match known {
                Some(known) => {
                    known.site.store(site);
                    known.clone()
                }
                None => FrontendServer {
                    name: name.into(),
                    site: Arc::new(ArcSwap::new(site)),
                },
            }
        });
        self.sites = sites.collect();
    }

    pub(super) fn server(&self, frontend: usize) -> FrontendServer {
        self.sites[frontend].clone()
    }
}

/// Serves connections of one frontend, each request by what the frontend is then.
#[derive(Clone)]
pub(super) struct FrontendServer {
    name: Arc<str>,
    site: Arc<ArcSwap<Site>>,
}

impl FrontendServer {
    pub(super) async fn serve(
        &self,
        stream: Stream,
        early: BytesMut,
        client: Client,
        shutdown: &Shutdown,
    ) {
        let (site, refusals) = (Arc::clone(&self.site), Arc::clone(&self.site));
        let service =
            hyper::service::service_fn(move |request| frontend::respond(site.load_full(), request));
        let settings = self.site.load().frontend.plan.settings();
        let silenced = Server::new(service, settings)
            .on_refused(move |refused| refusals.load().log_refusal(refused))
            .serve_client(stream, early, client, shutdown)
            .await;
        if let Some(stream) = silenced {
            stream.drop_silently();
        }
    }

    /// Logs a connection that ended before HTTP began on it; `silent` if nothing came from its client.
    pub(super) fn log_unheard(
        &self,
        [client, local]: [&Endpoint; 2],
        since: Instant,
        bind: usize,
        message: &str,
        silent: bool,
    ) {
        let site = self.site.load();
        let unheard = Unheard {
            client,
            local,
            since,
            frontend: site.frontend.plan.name(),
            bind: bind + 1,
            message,
            connections: site.connections(),
        };
        site.log_unheard(&unheard, silent);
    }
}

impl Site {
    fn new(
        worker: usize,
        system: &Arc<System>,
        at: usize,
        frontend: &Arc<RunningFrontend>,
    ) -> Self {
        let plan = &frontend.plan;
        let mut targets: Vec<Target> = Vec::new();
        let mut target = |name: &str| {
            let known = targets.iter().position(|to| to.backend.plan.name() == name);
            known.or_else(|| {
                let (at, backend) = system.backend(name)?;
                targets.push(Target::new(worker, frontend, at, backend));
                Some(targets.len() - 1)
            })
        };
        let mut names_any = false;
        let routes = plan.routes().iter().map(|route| match &route.to {
            To::Backend(backend) => target(backend.name()).map_or(Way::Named, Way::Target),
            To::Named(_) => {
                names_any = true;
                Way::Named
            }
        });
        let routes = routes.collect();
        let default = plan.default_backend().and_then(|to| target(to.name()));
        let all = system.backends().iter().filter(|_| names_any);
        let named = all.filter_map(|backend| {
            let name = backend.plan.name();
            Some((name.into(), target(name)?))
        });
        let named = named.collect();
        Self {
            targets,
            routes,
            named,
            default,
            at,
            tallies: Arc::clone(system.tallies(worker)),
            system: Arc::clone(system),
            frontend: Arc::clone(frontend),
        }
    }

    /// The first route that takes the request, else the default.
    pub(super) fn route(
        &self,
        request: &Request<Incoming>,
        transaction: &Transaction,
    ) -> Option<usize> {
        let routes = self.frontend.plan.routes();
        if routes.is_empty() {
            return self.default;
        }
        let view = View::of(request).transaction(transaction);
        let Some(at) = self.frontend.plan.route(&view) else {
            return self.default;
        };
        match (&self.routes[at], &routes[at].to) {
            (Way::Target(at), _) => Some(*at),
            (Way::Named, To::Named(format)) => {
                let name = format.text(&view);
                let name = std::str::from_utf8(&name).ok();
                name.and_then(|name| self.named.get(name).copied())
                    .or(self.default)
            }
            // It names a backend that was not there to be run.
            (Way::Named, To::Backend(_)) => self.default,
        }
    }
}

impl Target {
    /// The backend's statistics page, if this request is for it.
    pub(super) fn page(
        &self,
        request: &Request<Incoming>,
    ) -> Option<(&stats::Page, stats::Owner<'_>)> {
        let page = self.backend.page()?;
        let owner = stats::Owner {
            stats: self.backend.plan.stats()?,
            pages: &self.pages,
            name: self.backend.plan.name(),
        };
        stats::is_for(&owner.stats.model().uri, request).then_some((page, owner))
    }

    fn new(
        worker: usize,
        frontend: &RunningFrontend,
        at: usize,
        backend: &Arc<RunningBackend>,
    ) -> Self {
        let (front, back) = (frontend.plan.model(), backend.plan.model());
        let pages = backend.plan.pages().clone().or(frontend.plan.pages());
        let pages = Arc::new(pages);
        let mut proxy = Proxy::builder(backend.pool.clone())
            .shard(worker)
            .timeouts(backend.plan.timeouts(&front.timeout))
            .retries(backend.plan.retries())
            .tells_source(frontend.plan.logging().tells_source())
            .reuse(backend.plan.reuse())
            .server_close(
                front.http_connection.max(back.http_connection) != HttpConnection::KeepAlive,
            )
            .via((front.via && back.via).then(|| HeaderValue::from_static("lb")))
            .pages(Arc::clone(&pages));
        if let Some(forwarded_for) =
            forwarded_for(front.forwardfor.as_ref(), back.forwardfor.as_ref())
        {
            proxy = proxy.forwarded_for(forwarded_for);
        }
        if let Some(budget) = backend.plan.budget() {
            proxy = proxy.retry_budget(Arc::clone(budget));
        }
        if let Some(key) = backend.plan.key() {
            proxy = proxy.key(key.clone());
        }
        let proxy = backend.observed(proxy.build());
        let sticky: Option<&StickySession> = backend.plan.sticky();
        let capture = frontend.plan.logging().capture();
        let captures = Capturing::<Upstreams>::is_needed(capture);
        Self {
            entrance: match (sticky, backend.plan.stick()) {
                (Some(sticky), stick) if captures => {
                    let sticky = sticky.layer(Capturing::new(proxy, capture));
                    match stick {
                        Some(stick) => Entrance::BothCapturing(stick.layer(sticky)),
                        None => Entrance::StickyCapturing(sticky),
                    }
                }
                (Some(sticky), Some(stick)) => Entrance::Both(stick.layer(sticky.layer(proxy))),
                (Some(sticky), None) => Entrance::Sticky(sticky.layer(proxy)),
                (None, Some(stick)) => Entrance::Stick(stick.layer(proxy)),
                (None, None) => Entrance::Plain(proxy),
            },
            compression: backend
                .plan
                .compression()
                .or(frontend.plan.compression())
                .cloned(),
            own: front.name.span() == back.name.span(),
            pages,
            at,
            backend: Arc::clone(backend),
        }
    }
}
