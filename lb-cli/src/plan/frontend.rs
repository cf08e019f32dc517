//! A frontend that can run: its sockets, its limits, its routes.

use std::{net::IpAddr, sync::Arc};

use lb_core::condition::{AclError, Condition, Scope, Word};
use lb_http::{
    compression::Compression,
    fetch::{HttpExpr, HttpVocabulary, Place, Registry, View},
    headers::ForwardedFor,
    page::{Page, Pages},
    rules::{Router, Section, Text},
    server::{Limits, Settings, Timeouts},
};
use lb_tcp::{Address, Listen};

use super::{
    Backend, FrontendPlace, LogTargets, Logging, Monitor, Rules, Stats,
    ids::{GROUPS, USERS},
    problem,
    rules::Scopes,
};
use crate::{
    config::{BindAddress, Config, Diagnostics, Spanned, model},
    log::Level,
};

/// A frontend, compiled.
#[derive(Debug)]
pub struct Frontend {
    name: Arc<str>,
    routes: Vec<Route>,
    router: Router,
    default: Option<Arc<Backend>>,
    pages: Arc<Pages>,
    /// Those that move from node to node: bound before this one has them.
    virtual_addresses: Arc<[IpAddr]>,
    stats: Option<Stats>,
    rules: Rules,
    compression: Option<Compression>,
    monitor: Option<Monitor>,
    logging: Logging,
    /// Lines of its requests are written somewhere, or may be.
    logs: bool,
    place: Arc<FrontendPlace>,
    registry: Arc<Registry>,
    model: model::Frontend,
}

/// A `use_backend`.
#[derive(Debug)]
pub struct Route {
    /// The condition, and whether it is one of `unless`.
    pub condition: Option<(bool, Condition<HttpExpr>)>,
    /// Where requests go for which it holds.
    pub to: To,
    /// The rule as written.
    pub text: String,
}

/// Where a route leads.
#[derive(Debug)]
pub enum To {
    /// To a backend.
    Backend(Arc<Backend>),
    /// To the one whose name this gives; to the default where there is none of that name.
    Named(Text),
}

/// What a frontend may name.
pub(super) struct Around<'a> {
    pub(super) backends: &'a [Arc<Backend>],
    pub(super) virtual_addresses: &'a [IpAddr],
    pub(super) registry: &'a Arc<Registry>,
    pub(super) log_targets: &'a LogTargets,
}

impl Frontend {
    pub(super) fn compile(
        model: &model::Frontend,
        around: &Around<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let scopes = scopes(&model.acl, around.registry, diagnostics);
        let scope = &scopes.request;
        check_owners(&model.bind, diagnostics);
        let find = |name: &str| around.backends.iter().find(|b| b.name() == name).cloned();
        let routes = model.use_backend.iter().filter_map(|rule| {
            let condition = match &rule.condition {
                None => None,
                Some(text) => Some((text.unless, condition(scope, text, diagnostics)?)),
            };
            let words = rule.condition.as_ref().map(|condition| {
                let word = if condition.unless { "unless" } else { "if" };
                format!(" {word} {}", condition.text)
            });
            Some(Route {
                condition,
                to: match rule.is_dynamic() {
                    true => To::Named(format(&rule.name, scope, diagnostics)?),
                    false => To::Backend(find(&rule.name)?),
                },
                text: format!("{}{}", rule.name, words.unwrap_or_default()),
            })
        });
        let routes: Vec<Route> = routes.collect();
        let stats = model.stats.as_ref();
        let logging = Logging::compile(model, around.log_targets, scope.vocabulary(), diagnostics);
        let lengths = |fields: &[model::CapturedField]| -> Vec<usize> {
            fields.iter().map(|field| field.len).collect()
        };
        let (request, response) = (
            lengths(&model.capture.request),
            lengths(&model.capture.response),
        );
        let section = Section::new(&model.name).captures(&request, &response);
        let rules = Rules::compile(&model.rules, section, &scopes, diagnostics);
        let logging = logging.with_slots(rules.request.captures());
        Self {
            // A rule may raise a line above `info`.
            logs: logging.takes(
                around.log_targets,
                match model.rules == model::Rules::default() {
                    true => Level::Info,
                    false => Level::Emerg,
                },
            ),
            logging,
            name: model.name.as_str().into(),
            virtual_addresses: around.virtual_addresses.into(),
            router: Router::new(routes.iter().map(|route| route.condition.clone())),
            routes,
            default: model.default_backend.as_ref().and_then(|name| find(name)),
            pages: Arc::new(pages(&model.errorfile)),
            stats: stats.map(|stats| Stats::compile(stats, scope, diagnostics)),
            rules,
            monitor: Monitor::compile(&model.monitor, scope, diagnostics),
            compression: model.compression.as_ref().map(compression),
            place: Arc::default(),
            registry: Arc::clone(around.registry),
            model: model.clone(),
        }
    }

    /// Sets its place in expressions.
    pub(super) fn at(mut self, place: Arc<FrontendPlace>) -> Self {
        self.place = place;
        self
    }

    /// Its place in expressions.
    pub fn place(&self) -> &FrontendPlace {
        &self.place
    }

    /// What the expressions of this configuration name: backends, maps, users.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Whether an expression asks for the first line of requests as it came.
    pub fn keeps_line(&self) -> bool {
        self.registry.keeps_line()
    }

    /// What of its responses is compressed.
    pub fn compression(&self) -> Option<&Compression> {
        self.compression.as_ref()
    }

    /// Its rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What it answers to those who watch this process.
    pub fn monitor(&self) -> Option<&Monitor> {
        self.monitor.as_ref()
    }

    /// How it logs.
    pub fn logging(&self) -> &Logging {
        &self.logging
    }

    /// Are lines of its requests written anywhere?
    pub fn logs(&self) -> bool {
        self.logs
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name, shared.
    pub fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// What the file says.
    pub fn model(&self) -> &model::Frontend {
        &self.model
    }

    /// Its routes, in order.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The place of the first route that takes a request.
    pub fn route(&self, view: &View<'_>) -> Option<usize> {
        self.router.first(view)
    }

    /// Where requests go that no route takes.
    pub fn default_backend(&self) -> Option<&Arc<Backend>> {
        self.default.as_ref()
    }

    /// Its error pages.
    pub fn pages(&self) -> &Arc<Pages> {
        &self.pages
    }

    /// Its statistics page.
    pub fn stats(&self) -> Option<&Stats> {
        self.stats.as_ref()
    }

    /// How its connections are treated.
    pub fn settings(&self) -> Settings {
        let limits = &self.model.limits;
        let timeout = &self.model.timeout;
        Settings {
            limits: Limits {
                header_bytes: usize::try_from(limits.header_bytes.0).unwrap_or(usize::MAX),
                headers: limits.headers.into(),
                uri_bytes: usize::try_from(limits.uri_bytes.0).unwrap_or(usize::MAX),
                body_bytes: limits.body_bytes.map(|bytes| bytes.0),
            },
            timeouts: Timeouts {
                http_request: timeout.http_request,
                keep_alive: timeout.http_keep_alive,
                client: timeout.client,
            },
            pages: Arc::clone(&self.pages),
            close: self.model.http_connection == model::HttpConnection::Close,
            // Each backend says so for its own requests.
            abort_on_close: false,
        }
    }

    /// What it listens on, in the order of its `bind`.
    pub fn listens(&self) -> impl Iterator<Item = Listen> {
        self.model.bind.iter().map(|bind| {
            // Another node may have the address now.
            let moves = matches!(&*bind.address, BindAddress::Ip(address)
                if self.virtual_addresses.contains(&address.ip()));
            listen(bind).free_bind(moves)
        })
    }
}

/// A socket must not be open to others than its owner was meant to be.
fn check_owners(binds: &[model::Bind], diagnostics: &mut Diagnostics) {
    for bind in binds {
        let wanted = [("user", &bind.user, USERS), ("group", &bind.group, GROUPS)];
        for (key, name, database) in wanted {
            if let Some(name) = name
                && super::ids::find(name, database).is_none()
            {
                let message = format!("there is no {key} `{name}` on this host");
                diagnostics.error(bind.address.span(), message);
            }
        }
    }
}

pub(super) fn listen(bind: &model::Bind) -> Listen {
    let address = match &*bind.address {
        BindAddress::Ip(address) => Address::Inet(*address),
        BindAddress::Any(port) => Address::Any { port: *port },
        BindAddress::Unix(path) => Address::Unix(path.clone()),
        BindAddress::Abstract(name) => Address::Abstract(name.clone()),
        BindAddress::Fd(number) => Address::Fd(i32::try_from(*number).unwrap_or(-1)),
    };
    let mut listen = Listen::new(address)
        .only_v6(bind.v6only || bind.v4v6 == Some(false))
        .fast_open(bind.tfo);
    if let Some(backlog) = bind.backlog {
        listen = listen.backlog(backlog);
    }
    if let Some(interface) = &bind.interface {
        listen = listen.interface(interface);
    }
    if let Some(mss) = bind.mss {
        listen = listen.mss(mss.into());
    }
    if let Some(mode) = bind.mode {
        listen = listen.mode(mode);
    }
    let owner = |name: &Option<String>, database: &str| {
        name.as_ref()
            .and_then(|name| super::ids::find(name, database))
    };
    let (user, group) = (owner(&bind.user, USERS), owner(&bind.group, GROUPS));
    if user.is_some() || group.is_some() {
        listen = listen.owner(user, group);
    }
    listen
}

/// The named conditions of a section, as they are at one place, and what is wrong with them there.
pub(super) fn scope(
    acls: &[model::Acl],
    place: Place,
    registry: &Arc<Registry>,
) -> (Scope<HttpVocabulary>, Vec<AclError>) {
    let vocabulary = HttpVocabulary::new(place, Arc::clone(registry));
    let mut builder = Scope::builder(vocabulary)
        .patterns(Arc::clone(registry.patterns()))
        .files(|name| std::fs::read(name));
    for acl in acls {
        let texts: Vec<&str> = acl.conditions.iter().map(|text| text.as_str()).collect();
        builder = builder.acl(&acl.name, &texts);
    }
    builder.build()
}

/// The named conditions of a section, as its texts on requests and on responses see them.
pub(super) fn scopes(
    acls: &[model::Acl],
    registry: &Arc<Registry>,
    diagnostics: &mut Diagnostics,
) -> Scopes {
    let (request, mut errors) = scope(acls, Place::Request, registry);
    let (response, others) = scope(acls, Place::Response, registry);
    // What is wrong in one place only is told where the name is used there; the rest is the same in both, but for what
    // a misplaced fetch hides.
    errors.extend(
        others
            .into_iter()
            .filter(|other| !errors.contains(other))
            .collect::<Vec<_>>(),
    );
    for error in errors {
        let Some(acl) = acls.iter().find(|acl| acl.name.as_str() == error.name) else {
            continue;
        };
        if error.alternative.is_none() && diagnostics.has_error_at(acl.name.span()) {
            continue;
        }
        let text = error.alternative.and_then(|at| acl.conditions.get(at));
        problem::of_condition(text.unwrap_or(&acl.name), [error.source], diagnostics);
    }
    Scopes { request, response }
}

/// Compiles a text with samples in it.
pub(super) fn format(
    text: &Spanned<String>,
    scope: &Scope<HttpVocabulary>,
    diagnostics: &mut Diagnostics,
) -> Option<Text> {
    Text::parse(&Word::whole(text), scope.vocabulary())
        .map_err(|error| problem::of_condition(text, [error], diagnostics))
        .ok()
}

/// Compiles what stands behind `if` or `unless`.
pub(super) fn condition(
    scope: &Scope<HttpVocabulary>,
    condition: &model::Condition,
    diagnostics: &mut Diagnostics,
) -> Option<Condition<HttpExpr>> {
    let text: &Spanned<String> = &condition.text;
    scope
        .terms(text)
        .map_err(|errors| problem::of_condition(text, errors, diagnostics))
        .ok()
}

/// What is compressed.
pub(super) fn compression(model: &model::Compression) -> Compression {
    let codings = model.algorithms.iter().copied();
    let mut compression = codings.fold(Compression::new(), Compression::coding);
    if let Some(types) = &model.types {
        compression = compression.types(types);
    }
    match model.min_size {
        Some(size) => compression.min_size(size.0),
        None => compression,
    }
}

pub(super) fn pages(files: &[model::ErrorFile]) -> Pages {
    files.iter().fold(Pages::default(), |pages, file| {
        let page = match file.is_empty() {
            true => Page::hangup(),
            false => Page::new(file.status, file.headers.clone(), file.body.clone()),
        };
        pages.with(file.replaces, page)
    })
}

/// `X-Forwarded-For` as a frontend and a backend want it together: the
/// backend's header wins, `if-none` holds only if both agree.
pub fn forwarded_for(
    frontend: Option<&model::ForwardFor>,
    backend: Option<&model::ForwardFor>,
) -> Option<ForwardedFor> {
    let named = backend.or(frontend)?;
    let all: Vec<_> = frontend.into_iter().chain(backend).collect();
    let mut forwarded_for = ForwardedFor::default().header(named.header.clone());
    for network in all.iter().flat_map(|each| &each.except) {
        forwarded_for = forwarded_for.except(*network);
    }
    if all.iter().all(|each| each.if_none) {
        forwarded_for = forwarded_for.if_none();
    }
    Some(forwarded_for)
}

/// For each backend, a tenth of the connections of all frontends that lead to
/// it: HAProxy's default of `fullconn`.
pub(super) fn full_conns(config: &Config) -> Vec<u32> {
    let limit_of = |name: &str| -> u32 {
        let leads = |frontend: &&model::Frontend| {
            let default = frontend.default_backend.as_ref();
            default.is_some_and(|to| to.as_str() == name)
                || frontend
                    .use_backend
                    .iter()
                    .any(|rule| rule.name.as_str() == name)
        };
        let sum: u64 = config
            .frontends
            .iter()
            .filter(leads)
            .map(|frontend| u64::from(frontend.maxconn.or(config.global.maxconn).unwrap_or(0)))
            .sum();
        u32::try_from(sum.div_ceil(10)).unwrap_or(u32::MAX)
    };
    config
        .backends
        .iter()
        .map(|backend| limit_of(&backend.name))
        .collect()
}
