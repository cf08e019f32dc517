//! What a worker does with a request: apply its rules, find its backend, send
//! it there, log it.

use std::{convert::Infallible, pin::pin, sync::Arc};

use http::{Request, Response, StatusCode, response::Parts};
use http_body::Body as _;
use lb_core::server::ServerUid;
use lb_http::{
    Client,
    exchange::{Exchange, Failure, Junk},
    fetch::View,
    format::Kept,
    rules::{Answer, Verdict},
    server::{Incoming, Refused},
    transaction::{Transaction, VariableScope},
};
use tokio::time::Instant;
use tower_service::Service as _;

use super::{
    RunningBackend,
    record::{Asked, Body, By, Record},
    site::{Entrance, Site, Target},
    tally::Traffic,
    wait,
};
use crate::{
    config::model::HttpConnection,
    log::{self, Connections, Level, Line, Refusal, Unheard},
    plan, stats,
};

/// The response to a request, as the frontend is now.
pub(super) async fn respond(
    site: Arc<Site>,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let plan = &site.frontend.plan;
    if let Some(status) = plan.monitor().and_then(|m| m.answers(&View::of(&request))) {
        return Ok(site.monitored(client_of(&request), status));
    }
    let mut client = client_of(&request);
    let mut transaction = Transaction::of(&request, plan.keeps_line());
    let asked = Asked::of(&site, &request);
    log::capture_request(
        plan.logging().capture(),
        request.headers(),
        &mut transaction.captures,
    );
    let rules = &plan.rules().request;
    if !rules.is_empty() {
        let verdict = wait::apply(rules, &mut request, &mut transaction, plan.pages()).await;
        client = client_of(&request);
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
        client.sends_to(site.targets[at].backend.number());
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
        let verdict = wait::apply(rules, &mut request, &mut transaction, &target.pages).await;
        client = client_of(&request);
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
        Entrance::StickyCapturing(sticky) => pin!(sticky.clone().call(request)).await,
        Entrance::Stick(stick) => pin!(stick.clone().call(request)).await,
        Entrance::Both(both) => pin!(both.clone().call(request)).await,
        Entrance::BothCapturing(both) => pin!(both.clone().call(request)).await,
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

/// Who asks; a rule may have said that it is somebody else (`set-src`).
fn client_of(request: &Request<Incoming>) -> Client {
    let client = request.extensions().get::<Client>().cloned();
    client.expect("the server puts one into every request")
}

impl Site {
    /// HAProxy's page for those who watch: it is counted, but not logged.
    fn monitored(self: &Arc<Self>, client: Client, status: StatusCode) -> Response<Body> {
        let response = self.frontend.plan.pages().response(status);
        let failure = Failure::Local;
        let answer = Answer { response, failure };
        let record = Record::new(self, By::Nobody, client, None, Transaction::default());
        let record = record.answered_here(&answer);
        answer.response.map(|page| Body::page(page, Some(record)))
    }

    /// What the client gets from this process itself.
    fn answered(&self, record: Box<Record>, answer: Answer) -> Response<Body> {
        let mut record = record.answered_here(&answer);
        let (mut head, mut page) = answer.response.into_parts();
        let target = record.backend().map(|at| &self.targets[at]);
        let back = target.filter(|target| !target.own);
        let back = back.map(|target| target.backend.plan.rules());
        let pages = target.map_or(self.frontend.plan.pages(), |target| &target.pages);
        let rules = back.into_iter().chain([self.frontend.plan.rules()]);
        let rules = rules.map(|rules| &rules.after_response);
        for rules in rules.filter(|rules| !rules.is_empty()) {
            let client = record.client().clone();
            let transaction = &mut record.transaction;
            if let Some(answer) = rules.apply(&mut head, Some(&client), transaction, pages) {
                (head, page) = answer.response.into_parts();
            }
        }
        record.goes_out_with(&head);
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
        body.give_transaction(transaction);
        body.goes_out_with(head);
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
        let page = self.frontend.page()?;
        let owner = stats::Owner {
            stats: self.frontend.plan.stats()?,
            pages: self.frontend.plan.pages(),
            name: self.frontend.plan.name(),
        };
        stats::is_for(&owner.stats.model().uri, request).then_some((page, owner))
    }

    /// What came from a server of the backend of a route was no response.
    pub(super) fn keep_junk(&self, at: usize, exchange: &Exchange, client: &Client, junk: Junk) {
        let names = [self.frontend.plan.name(), self.backend(at).plan.name()];
        let refusals = self.system.refusals();
        refusals.response(names, exchange, client, junk);
    }

    /// Is the process stopping without waiting for requests?
    pub(super) fn is_cut(&self) -> bool {
        self.system.is_cut()
    }

    /// Connections of the process and of the frontend.
    pub(super) fn connections(&self) -> Connections {
        Connections {
            process: self.system.shared.connections.now(),
            frontend: self.frontend.life.connections.now(),
            ..Connections::default()
        }
    }

    pub(super) fn log_refusal(&self, refused: &Refused) {
        let plan = &self.frontend.plan;
        self.system.refusals().request(plan.name(), refused);
        let traffic = self.traffic();
        traffic.refused.add(1);
        traffic.answered(refused.status.as_u16());
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
    pub(super) fn log_unheard(&self, unheard: &Unheard<'_>, silent: bool) {
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
