//! What a worker does with a request: find its backend, send it there, log it.

use std::{convert::Infallible, sync::Arc};

use bytes::BytesMut;
use http::{HeaderValue, Request, Response, StatusCode};
use lb_core::{policy::Algorithm, server::ServerUid};
use lb_http::{
    Client, Proxy,
    fetch::RequestView,
    server::{Incoming, Refused, Server, Shutdown},
    sticky::{StickyService, StickySession},
};
use lb_tcp::{Endpoint, Stream};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service as _;

use super::{
    System,
    record::{Body, By, Record},
    system::{RunningBackend, RunningFrontend},
    tally::{Tallies, Traffic},
};
use crate::{
    config::model::HttpConnection,
    log::{self, Connections, Level, Refusal},
    plan::forwarded_for,
    stats,
};

type Upstreams = Proxy<Algorithm>;

/// All frontends, as one worker serves them.
pub(super) struct Service {
    frontends: Vec<Arc<Site>>,
}

/// A frontend with its ways to every backend it uses.
pub(super) struct Site {
    system: Arc<System>,
    pub(super) frontend: Arc<RunningFrontend>,
    /// Its place among the frontends.
    at: usize,
    tallies: Arc<Tallies>,
    /// In the order of its routes, then the default.
    targets: Vec<Target>,
    has_default: bool,
    logs: bool,
}

/// A backend, as one frontend of one worker reaches it.
struct Target {
    backend: Arc<RunningBackend>,
    /// Its place among the backends.
    at: usize,
    entrance: Entrance,
}

enum Entrance {
    Plain(Upstreams),
    Sticky(StickyService<Upstreams>),
}

impl Service {
    pub(super) fn for_worker(worker: usize, system: &Arc<System>) -> Self {
        let frontends = system.frontends().iter().enumerate();
        let site = |(at, frontend)| Arc::new(Site::new(worker, system, at, frontend));
        Self {
            frontends: frontends.map(site).collect(),
        }
    }

    pub(super) fn server(&self, frontend: usize) -> FrontendServer {
        FrontendServer {
            site: Arc::clone(&self.frontends[frontend]),
        }
    }
}

/// Serves connections of one frontend.
pub(super) struct FrontendServer {
    site: Arc<Site>,
}

impl FrontendServer {
    pub(super) async fn serve(
        &self,
        stream: Stream,
        early: BytesMut,
        peer: Endpoint,
        local: Endpoint,
        shutdown: &Shutdown,
    ) {
        let site = Arc::clone(&self.site);
        let refusals = Arc::clone(&self.site);
        let service =
            hyper::service::service_fn(move |request| respond(Arc::clone(&site), request));
        Server::new(service, self.site.frontend.plan.settings())
            .on_refused(move |refused| refusals.log_refusal(refused))
            .serve(stream, early, peer, local, shutdown)
            .await;
    }
}

async fn respond(
    site: Arc<Site>,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let client = request.extensions().get::<Client>().cloned();
    if let Some(page) = site.page(&request) {
        let record = client.map(|client| Record::new(&site, By::Stats, client, &request));
        // In a box, so that the future of other requests is no larger for it.
        let answer = Box::pin(page.answer(&site.system, &site.frontend.plan, request)).await;
        let status = answer.status().as_u16();
        return Ok(answer.map(|page| Body::page(page, record.map(|r| r.with_stats(status)))));
    }
    let at = site.route(&request, client.as_ref());
    if let (Some(client), Some(at)) = (&client, at) {
        let backend = site.targets[at].backend.plan.model();
        client.abort_on_close(backend.abortonclose);
        if backend.http_connection == HttpConnection::Close {
            client.close();
        }
    }
    let by = at.map_or(By::Nobody, By::Backend);
    let record = client.map(|client| Record::new(&site, by, client, &request));
    let Some(target) = at.map(|at| &site.targets[at]) else {
        let page = site
            .frontend
            .plan
            .pages()
            .response(StatusCode::SERVICE_UNAVAILABLE);
        return Ok(page.map(|page| Body::page(page, record.map(Record::without_server))));
    };
    let persist = target.backend.plan.persist();
    let view = view(&request, request.extensions().get());
    if let Some(persistence) = persist.of(&view) {
        request.extensions_mut().insert(persistence);
    }
    let response = match &target.entrance {
        Entrance::Plain(proxy) => proxy.clone().call(request).await,
        Entrance::Sticky(sticky) => sticky.clone().call(request).await,
    };
    response.map(|response| Body::proxied(response, record))
}

fn view<'a>(request: &'a Request<Incoming>, client: Option<&Client>) -> RequestView<'a> {
    RequestView::of(request).connection(
        client.and_then(|client| client.peer().inet()),
        client.and_then(|client| client.local().inet()),
    )
}

impl Site {
    fn new(
        worker: usize,
        system: &Arc<System>,
        at: usize,
        frontend: &Arc<RunningFrontend>,
    ) -> Self {
        let plan = &frontend.plan;
        let routes = plan.routes().iter().map(|route| &route.backend);
        let targets = routes.chain(plan.default_backend()).filter_map(|backend| {
            let (at, backend) = system.backend(backend.name())?;
            Some(Target::new(worker, frontend, at, backend))
        });
        Self {
            targets: targets.collect(),
            has_default: plan.default_backend().is_some(),
            logs: system.log().takes(Level::Info),
            at,
            tallies: Arc::clone(system.tallies(worker)),
            system: Arc::clone(system),
            frontend: Arc::clone(frontend),
        }
    }

    /// The first route that takes the request, else the default.
    fn route(&self, request: &Request<Incoming>, client: Option<&Client>) -> Option<usize> {
        let routes = self.frontend.plan.routes();
        if !routes.is_empty() {
            let view = view(request, client);
            if let Some(at) = routes.iter().position(|route| route.takes(&view)) {
                return Some(at);
            }
        }
        self.has_default.then_some(routes.len())
    }

    /// The backend of a route.
    pub(super) fn backend(&self, at: usize) -> &RunningBackend {
        &self.targets[at].backend
    }

    /// Are lines of requests written anywhere?
    pub(super) fn logs(&self) -> bool {
        self.logs
    }

    /// Where this worker counts what the frontend does.
    pub(super) fn traffic(&self) -> &Traffic {
        self.tallies.frontend(self.at)
    }

    /// The same for the backend of a route.
    pub(super) fn backend_traffic(&self, at: usize) -> &Traffic {
        &self.tallies.backend(self.targets[at].at).traffic
    }

    /// The same for one of its servers.
    pub(super) fn server_traffic(&self, at: usize, server: ServerUid) -> Option<&Traffic> {
        self.tallies.backend(self.targets[at].at).server(server)
    }

    /// Milliseconds from the start of the process, and one: 0 is never.
    pub(super) fn since_start(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.system.started());
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX) + 1
    }

    /// The statistics page, if this request is for it.
    fn page(&self, request: &Request<Incoming>) -> Option<&stats::Page> {
        let page = self.frontend.page.as_ref()?;
        let model = self.frontend.plan.stats()?.model();
        stats::is_for(&model.uri, request).then_some(page)
    }

    /// Is the process stopping without waiting for requests?
    pub(super) fn is_cut(&self) -> bool {
        self.system.is_cut()
    }

    /// Connections of the process and of the frontend.
    pub(super) fn connections(&self) -> Connections {
        Connections {
            process: self.system.connections.now(),
            frontend: self.frontend.connections.now(),
            ..Connections::default()
        }
    }

    fn log_refusal(&self, refused: &Refused) {
        let plan = &self.frontend.plan;
        let traffic = self.traffic();
        if refused.began {
            traffic.refused.add(1);
            traffic.answered(refused.status.as_u16());
        }
        if !refused.began && plan.model().dontlognull {
            return;
        }
        let refusal = Refusal {
            refused,
            frontend: plan.name(),
            connections: self.connections(),
        };
        log::line(|out, clock| refusal.write(out, clock));
    }
}

impl Target {
    fn new(
        worker: usize,
        frontend: &RunningFrontend,
        at: usize,
        backend: &Arc<RunningBackend>,
    ) -> Self {
        let (front, back) = (frontend.plan.model(), backend.plan.model());
        let pages = backend.plan.pages().clone().or(frontend.plan.pages());
        let mut proxy = Proxy::builder(backend.pool.clone())
            .shard(worker)
            .timeouts(backend.plan.timeouts(&front.timeout))
            .retries(backend.plan.retries())
            .reuse(backend.plan.reuse())
            .server_close(
                front.http_connection.max(back.http_connection) != HttpConnection::KeepAlive,
            )
            .via((front.via && back.via).then(|| HeaderValue::from_static("lb")))
            .pages(Arc::new(pages));
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
        Self {
            entrance: match sticky {
                Some(sticky) => Entrance::Sticky(sticky.layer(proxy)),
                None => Entrance::Plain(proxy),
            },
            at,
            backend: Arc::clone(backend),
        }
    }
}
