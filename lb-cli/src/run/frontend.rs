//! What a worker does with a request: apply its rules, find its backend, send
//! it there, log it.

use std::{collections::HashMap, convert::Infallible, pin::pin, sync::Arc};

use bytes::BytesMut;
use http::{HeaderValue, Request, Response, StatusCode, response::Parts};
use http_body::Body as _;
use lb_core::{policy::Algorithm, server::ServerUid};
use lb_http::{
    Client, Proxy,
    compression::Compression,
    exchange::Failure,
    fetch::View,
    format::Kept,
    page::Pages,
    rules::{Answer, Verdict},
    server::{Incoming, Refused, Server, Shutdown},
    stick::StickService,
    sticky::{StickyService, StickySession},
    transaction::{Transaction, VariableScope},
};
use lb_tcp::{Endpoint, Stream};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service as _;

use super::{
    System,
    record::{Asked, Body, By, Record},
    system::{RunningBackend, RunningFrontend},
    tally::{Tallies, Traffic},
};
use crate::{
    config::model::HttpConnection,
    log::{self, Connections, Level, Line, Refusal, Unheard},
    plan::{self, To, forwarded_for},
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
    /// The backends it leads to.
    targets: Vec<Target>,
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
struct Target {
    /// It is the same section, whose rules have been applied.
    own: bool,
    backend: Arc<RunningBackend>,
    /// Its place among the backends.
    at: usize,
    /// Its own, else the frontend's.
    pages: Arc<Pages>,
    /// Its own, else the frontend's.
    compression: Option<Compression>,
    entrance: Entrance,
}

enum Entrance {
    Plain(Upstreams),
    Sticky(StickyService<Upstreams>),
    Stick(StickService<Upstreams>),
    /// The cookie comes first.
    Both(StickService<StickyService<Upstreams>>),
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
        let silenced = Server::new(service, self.site.frontend.plan.settings())
            .on_refused(move |refused| refusals.log_refusal(refused))
            .serve(stream, early, peer, local, shutdown)
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
        let site = &self.site;
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

async fn respond(
    site: Arc<Site>,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let plan = &site.frontend.plan;
    if let Some(status) = plan.monitor().and_then(|m| m.answers(&View::of(&request))) {
        site.traffic().intercepted.add(1);
        return Ok(monitored(plan.pages(), status));
    }
    let client = request.extensions().get::<Client>().cloned();
    let client = client.expect("the server puts one into every request");
    let mut transaction = Transaction::of(&request, plan.keeps_line());
    let asked = Asked::of(&site, &request);
    log::capture_request(
        plan.logging().capture(),
        request.headers(),
        &mut transaction.captures,
    );
    let rules = &plan.rules().request;
    if !rules.is_empty() {
        let verdict = rules.apply(&mut request, &mut transaction, plan.pages());
        if let Some(answer) = answer(&site, verdict).await {
            let record = Record::new(&site, By::Nobody, client, asked, transaction);
            return Ok(site.answered(record.seeing(&request), answer));
        }
    }
    if let Some((page, owner)) = site.page(&request) {
        let record = Record::new(&site, By::Stats, client, asked, transaction).seeing(&request);
        // In a box, so that the future of other requests is no larger for it.
        let response = Box::pin(page.answer(&site.system, owner, request)).await;
        let failure = Failure::Local;
        return Ok(site.answered(record, Answer { response, failure }));
    }
    let at = site.route(&request, &transaction);
    if let Some(at) = at {
        let backend = site.targets[at].backend.plan.model();
        client.abort_on_close(backend.abortonclose);
        if backend.http_connection == HttpConnection::Close {
            client.close();
        }
    }
    let by = at.map_or(By::Nobody, By::Backend);
    let Some(target) = at.map(|at| &site.targets[at]) else {
        let record = Record::new(&site, by, client, asked, transaction).seeing(&request);
        let response = plan.pages().response(StatusCode::SERVICE_UNAVAILABLE);
        let failure = Failure::NoServer;
        return Ok(site.answered(record, Answer { response, failure }));
    };
    let rules = &target.backend.plan.rules().request;
    if !rules.is_empty() && !target.own {
        let verdict = rules.apply(&mut request, &mut transaction, &target.pages);
        if let Some(answer) = answer(&site, verdict).await {
            let record = Record::new(&site, by, client, asked, transaction);
            return Ok(site.answered(record.seeing(&request), answer));
        }
    }
    if let Some((page, owner)) = target.page(&request) {
        let by = at.map_or(By::Nobody, By::StatsOf);
        let record = Record::new(&site, by, client, asked, transaction).seeing(&request);
        let response = Box::pin(page.answer(&site.system, owner, request)).await;
        let failure = Failure::Local;
        return Ok(site.answered(record, Answer { response, failure }));
    }
    let persist = target.backend.plan.persist();
    if !persist.is_empty()
        && let Some(persistence) = persist.of(&View::of(&request).transaction(&transaction))
    {
        request.extensions_mut().insert(persistence);
    }
    let record = Record::new(&site, by, client, asked, transaction).seeing(&request);
    let compress = target.compression.as_ref().and_then(|compression| {
        let coding = compression.negotiate(&request)?;
        Some((compression, coding))
    });
    // Pinned where they are made: `await` would move them once more.
    let response = match &target.entrance {
        Entrance::Plain(proxy) => pin!(proxy.clone().call(request)).await,
        Entrance::Sticky(sticky) => pin!(sticky.clone().call(request)).await,
        Entrance::Stick(stick) => pin!(stick.clone().call(request)).await,
        Entrance::Both(both) => pin!(both.clone().call(request)).await,
    };
    let (mut head, body) = response?.into_parts();
    let mut body = Body::proxied(&mut head, body, record);
    if site.has_response_rules(target) {
        site.after(target, &mut head, &mut body);
    }
    body.begins(&head);
    if let Some((compression, coding)) = compress
        && let Some(encoder) = compression.begin(coding, &mut head, body.size_hint().exact())
    {
        body.compress(encoder);
    }
    Ok(Response::from_parts(head, body))
}

/// What a verdict gives the client in place of a server's response, once it is due.
async fn answer(site: &Site, verdict: Verdict) -> Option<Answer> {
    match verdict {
        Verdict::Pass => None,
        Verdict::Answer(answer) => Some(answer),
        Verdict::Tarpit(answer) => {
            let patience = site.frontend.plan.model().timeout.tarpit;
            // In a box: few requests are held here.
            Box::pin(tokio::time::sleep(patience)).await;
            Some(answer)
        }
        _ => None,
    }
}

/// HAProxy's page for those who watch.
fn monitored(pages: &Pages, status: StatusCode) -> Response<Body> {
    let page = pages.response(status);
    page.map(|page| Body::page(page, None))
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
    fn route(&self, request: &Request<Incoming>, transaction: &Transaction) -> Option<usize> {
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

    /// What the client gets from this process itself.
    fn answered(&self, record: Box<Record>, answer: Answer) -> Response<Body> {
        let mut record = record.answered_here(&answer);
        let (mut head, mut page) = answer.response.into_parts();
        let rules = &self.frontend.plan.rules().after_response;
        if !rules.is_empty() {
            let client = record.client().clone();
            let pages = self.frontend.plan.pages();
            let transaction = &mut record.transaction;
            if let Some(answer) = rules.apply(&mut head, Some(&client), transaction, pages) {
                (head, page) = answer.response.into_parts();
            }
            record.goes_out_with(&head);
        }
        let mut body = Body::page(page, Some(record));
        body.begins(&head);
        Response::from_parts(head, body)
    }

    fn has_response_rules(&self, target: &Target) -> bool {
        let any =
            |rules: &plan::Rules| !rules.response.is_empty() || !rules.after_response.is_empty();
        any(self.frontend.plan.rules()) || (!target.own && any(target.backend.plan.rules()))
    }

    /// Applies the rules on responses: the backend's first, then the frontend's.
    fn after(&self, target: &Target, head: &mut Parts, body: &mut Body) {
        let mut transaction = body.take_transaction();
        transaction.forget(VariableScope::Request);
        let client = body.client().cloned();
        let (front, back) = (self.frontend.plan.rules(), target.backend.plan.rules());
        let rules = [(!target.own).then_some(back), Some(front)];
        let rules = || rules.into_iter().flatten();
        let mut apply = |rules: &lb_http::rules::ResponseRules, head: &mut Parts| {
            rules.apply(head, client.as_ref(), &mut transaction, &target.pages)
        };
        if body.is_of_server() {
            for rules in rules() {
                if let Some(answer) = apply(&rules.response, head) {
                    *head = body.replace(answer);
                    break;
                }
            }
        }
        for rules in rules() {
            if let Some(answer) = apply(&rules.after_response, head) {
                *head = body.replace(answer);
            }
        }
        body.goes_out_with(head);
        body.give_transaction(transaction);
    }

    /// The backend of a route.
    pub(super) fn backend(&self, at: usize) -> &RunningBackend {
        &self.targets[at].backend
    }

    /// Are lines of requests written anywhere?
    pub(super) fn logs(&self) -> bool {
        self.frontend.plan.logs()
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
    fn page(&self, request: &Request<Incoming>) -> Option<(&stats::Page, stats::Owner<'_>)> {
        let page = self.frontend.page.as_ref()?;
        let owner = stats::Owner {
            stats: self.frontend.plan.stats()?,
            pages: self.frontend.plan.pages(),
            name: self.frontend.plan.name(),
        };
        stats::is_for(&owner.stats.model().uri, request).then_some((page, owner))
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
        let client = log::client_text(&refused.peer);
        let mut line = refusal.line(&client);
        self.write(&mut line, Level::Info, &[]);
    }

    /// A connection ended before HTTP began on it. Its client has sent nothing if it was `silent`.
    fn log_unheard(&self, unheard: &Unheard<'_>, silent: bool) {
        let plan = &self.frontend.plan;
        if silent && plan.model().dontlognull {
            return;
        }
        let client = log::client_text(unheard.client);
        for targets in plan.logging().targets() {
            log::line(targets, Level::Info, |out, clock| {
                match plan.logging().error() {
                    Some(format) => unheard.write_by(format, &client, out, clock),
                    None => unheard.write(&client, out, clock),
                }
            });
        }
    }

    /// Writes a line in every layout that somebody wants; `kept` are the samples of each.
    pub(super) fn write(&self, line: &mut Line<'_>, level: Level, kept: &[Kept]) {
        let logging = self.frontend.plan.logging();
        (line.slots, line.asap) = (logging.slots(), logging.asap());
        if logging.has_counters() {
            line.counters = self.system.number(&self.frontend);
        }
        for (at, output) in logging.outputs().iter().enumerate() {
            log::line(&output.targets, level, |out, clock| {
                output.layout.write(line, level, kept.get(at), out, clock);
            });
        }
    }
}

impl Target {
    /// The backend's statistics page, if this request is for it.
    fn page(&self, request: &Request<Incoming>) -> Option<(&stats::Page, stats::Owner<'_>)> {
        let page = self.backend.page.as_ref()?;
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
        Self {
            entrance: match (sticky, backend.plan.stick()) {
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
