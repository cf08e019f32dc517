//! A backend that can run: its algorithm, its servers, its cookie, its checks.

use std::{
    net::{Ipv4Addr, ToSocketAddrs},
    sync::Arc,
};

use http::HeaderValue;
use lb_core::{
    Pool,
    condition::{Condition, Scope},
    policy::Algorithm,
    pool::{BuildError, Builder},
    retry::{Budget, Cause, Causes, Redispatch, Retries},
};
use lb_http::{
    PoolOptions, ProxyVersion, Upstream,
    check::Expect,
    compression::Compression,
    fetch::{HttpExpr, HttpVocabulary, Registry, View, key::KeySource},
    page::Pages,
    proxy::{Reuse, Timeouts},
    rules::Section,
    stick::Stick,
    sticky::{Persistence, StickySession, dynamic_value},
};
use lb_tcp::{Address, Connector};

use super::{BackendPlace, Names, Rules, Stats, frontend, problem, table};
use crate::config::{Diagnostics, ServerAddress, Spanned, model};

/// A retry budget lets this many retries through ahead of any request.
const BUDGET_RESERVE: u32 = 10;

/// A backend, compiled.
#[derive(Debug)]
pub struct Backend {
    name: Arc<str>,
    algorithm: Algorithm,
    key: Option<KeySource>,
    servers: Vec<Server>,
    full_conn: u32,
    sticky: Option<StickySession>,
    stick: Option<Stick>,
    persist: Persist,
    rules: Rules,
    compression: Option<Compression>,
    place: Arc<BackendPlace>,
    pages: Pages,
    stats: Option<Stats>,
    budget: Option<Arc<Budget>>,
    model: model::Backend,
}

/// A server, its address resolved.
#[derive(Clone, Debug)]
pub struct Server {
    address: Address,
    model: model::Server,
}

/// When the client's cookie is followed against the rule.
#[derive(Clone, Debug, Default)]
pub struct Persist {
    force: Vec<Rule>,
    ignore: Vec<Rule>,
}

/// A condition, and whether it holds when it does not.
type Rule = (bool, Condition<HttpExpr>);

impl Persist {
    /// Does nothing ever hold?
    pub fn is_empty(&self) -> bool {
        self.force.is_empty() && self.ignore.is_empty()
    }

    /// What holds for a request; the first list wins, as in HAProxy.
    pub fn of(&self, view: &View<'_>) -> Option<Persistence> {
        let any = |rules: &[Rule]| {
            rules
                .iter()
                .any(|(unless, condition)| condition.eval(view) != *unless)
        };
        if any(&self.force) {
            Some(Persistence::Force)
        } else if any(&self.ignore) {
            Some(Persistence::Ignore)
        } else {
            None
        }
    }
}

impl Backend {
    pub(super) fn compile(
        model: &model::Backend,
        full_conn: u32,
        names: Names,
        registry: &Arc<Registry>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let scopes = frontend::scopes(&model.acl, registry, diagnostics);
        let scope = &scopes.request;
        let sticky = model.cookie.as_ref().map(|cookie| {
            let sticky = sticky(cookie, model.persist);
            // What the configuration has refused already is not said twice.
            if let Err(error) = sticky.check()
                && !diagnostics.has_errors()
            {
                diagnostics.error(cookie.name.span(), error.to_string());
            }
            sticky
        });
        Self {
            name: model.name.as_str().into(),
            algorithm: algorithm(model, diagnostics),
            key: key(&model.balance, registry, diagnostics),
            servers: servers(model, names, diagnostics),
            full_conn: model.fullconn.unwrap_or(full_conn),
            sticky,
            stick: table::stick(model, registry, diagnostics),
            persist: Persist {
                force: rules(scope, &model.force_persist, diagnostics),
                ignore: rules(scope, &model.ignore_persist, diagnostics),
            },
            compression: model.compression.as_ref().map(frontend::compression),
            rules: Rules::compile(
                &model.rules,
                Section::new(&model.name).foreign_captures(),
                &scopes,
                diagnostics,
            ),
            place: Arc::default(),
            pages: frontend::pages(&model.errorfile),
            stats: model
                .stats
                .as_ref()
                .map(|stats| Stats::compile(stats, scope, diagnostics)),
            budget: model
                .retry_budget
                .map(|percent| Arc::new(Budget::new(percent.into(), BUDGET_RESERVE))),
            model: model.clone(),
        }
    }

    /// Sets its place in expressions.
    pub(super) fn at(mut self, place: Arc<BackendPlace>) -> Self {
        self.place = place;
        self
    }

    /// Its place in expressions.
    pub fn place(&self) -> &BackendPlace {
        &self.place
    }

    /// What of its responses is compressed.
    pub fn compression(&self) -> Option<&Compression> {
        self.compression.as_ref()
    }

    /// Its rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Its statistics page.
    pub fn stats(&self) -> Option<&Stats> {
        self.stats.as_ref()
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
    pub fn model(&self) -> &model::Backend {
        &self.model
    }

    /// Where the key of a hashing algorithm comes from.
    pub fn key(&self) -> Option<&KeySource> {
        self.key.as_ref()
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The layer of its cookie.
    pub fn sticky(&self) -> Option<&StickySession> {
        self.sticky.as_ref()
    }

    /// The layer of its tables.
    pub fn stick(&self) -> Option<&Stick> {
        self.stick.as_ref()
    }

    /// When the cookie is followed against the rule.
    pub fn persist(&self) -> &Persist {
        &self.persist
    }

    /// Its error pages.
    pub fn pages(&self) -> &Pages {
        &self.pages
    }

    /// Its retry budget, shared by all workers.
    pub fn budget(&self) -> Option<&Arc<Budget>> {
        self.budget.as_ref()
    }

    /// Its servers.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// How its requests are tried again.
    pub fn retries(&self) -> Retries {
        let causes = self.model.retry_on.iter().map(|cause| match cause {
            model::RetryOn::ConnFailure => Cause::ConnectFailure,
            model::RetryOn::EmptyResponse => Cause::EmptyResponse,
            model::RetryOn::JunkResponse => Cause::JunkResponse,
            model::RetryOn::ResponseTimeout => Cause::ResponseTimeout,
            model::RetryOn::Status(status) => Cause::Status(status.as_u16()),
        });
        Retries {
            count: self.model.retries,
            causes: causes.fold(Causes::NONE, Causes::with),
            redispatch: match self.model.redispatch {
                model::Redispatch::Never => Redispatch::Never,
                model::Redispatch::Every(n) => Redispatch::Every(n),
                model::Redispatch::FromLast(n) => Redispatch::FromLast(n),
            },
        }
    }

    /// Whether connections are used again.
    pub fn reuse(&self) -> Reuse {
        match self.model.http_reuse {
            model::HttpReuse::Never => Reuse::Never,
            model::HttpReuse::Safe => Reuse::Safe,
            model::HttpReuse::Aggressive => Reuse::Aggressive,
            model::HttpReuse::Always => Reuse::Always,
        }
    }

    /// How long it waits for servers.
    pub fn timeouts(&self, client: &model::ClientTimeouts) -> Timeouts {
        let timeout = &self.model.timeout;
        Timeouts {
            connect: timeout.connect,
            server: timeout.server,
            tunnel: timeout.tunnel,
            client_fin: client.client_fin,
            server_fin: timeout.server_fin,
        }
    }

    /// The pool, with idle connections apart for each of `workers`.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for what the configuration should have refused.
    pub fn pool(&self, workers: usize) -> Result<Pool<Upstream, Algorithm>, BuildError> {
        self.declaration(workers, |_| None)?.build(self.algorithm)
    }

    /// What makes its pool, anew or as it runs; `before` gives what stands for the same server at the same address by
    /// now, if anything does.
    ///
    /// # Errors
    ///
    /// As [`pool`](Self::pool).
    pub fn declaration(
        &self,
        workers: usize,
        before: impl Fn(&Server) -> Option<Arc<lb_core::Server<Upstream>>>,
    ) -> Result<Builder<Upstream>, BuildError> {
        let mut builder = Pool::builder()
            .name(self.name())
            .allow_empty()
            .full_conn(self.full_conn)
            .queue_timeout(self.model.timeout.queue);
        if self.model.allbackups {
            builder = builder.all_backups();
        }
        for server in &self.servers {
            let mut upstream = self.upstream(server, workers)?;
            if let Some(before) = before(server) {
                upstream = upstream.succeed(before.target());
            }
            builder = builder.with(self.declare(server, upstream));
        }
        Ok(builder)
    }

    /// One more server of its pool.
    ///
    /// # Errors
    ///
    /// As [`pool`](Self::pool).
    pub fn newcomer(
        &self,
        server: &Server,
        workers: usize,
    ) -> Result<lb_core::Server<Upstream>, BuildError> {
        Ok(self.declare(server, self.upstream(server, workers)?))
    }

    fn declare(&self, server: &Server, upstream: Upstream) -> lb_core::Server<Upstream> {
        let model = &server.model;
        let mut declared = lb_core::Server::new(model.name.as_str(), upstream)
            .id(*model.id)
            .weight(model.weight)
            .max_conn(model.maxconn.unwrap_or(0))
            .min_conn(model.minconn.unwrap_or(0))
            .max_queue(model.maxqueue.unwrap_or(0))
            .slow_start(model.slow_start.unwrap_or_default());
        if model.backup {
            declared = declared.backup();
        }
        if model.disabled {
            declared = declared.disabled();
        }
        if let Some(value) = self.affinity(server) {
            declared = declared.affinity(value);
        }
        declared
    }

    /// The server's own cookie value, or one made from its address.
    fn affinity(&self, server: &Server) -> Option<String> {
        if let Some(value) = &server.model.cookie {
            return Some(value.to_string());
        }
        let key = self.model.cookie.as_ref()?.dynamic_key.as_ref()?;
        let address = server.address.inet()?;
        // That of a name that was not looked up says nothing.
        (!address.ip().is_unspecified()).then(|| dynamic_value(key, address).to_string())
    }

    fn upstream(&self, server: &Server, workers: usize) -> Result<Upstream, BuildError> {
        let model = &server.model;
        let connector = match self.model.connect_source {
            Some(source) => Connector::new().source(source),
            None => Connector::new(),
        };
        let usual = PoolOptions::default();
        let options = PoolOptions {
            max_idle: match self.model.pool.max_idle {
                Some(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
                None => usual.max_idle,
            },
            idle_timeout: self.model.pool.idle_timeout,
            max_age: self.model.pool.max_age,
            // The first use is no reuse.
            max_uses: model.max_reuse.map_or(0, |uses| uses.saturating_add(1)),
        };
        let mut upstream = Upstream::new(server.address.clone())
            .map_err(|error| BuildError::Target {
                server: model.name.to_string(),
                reason: error.to_string(),
            })?
            .connector(connector)
            .pool(options, workers);
        if let Some(version) = model.send_proxy {
            upstream = upstream.send_proxy(match version {
                model::ProxyVersion::V1 => ProxyVersion::V1,
                model::ProxyVersion::V2 => ProxyVersion::V2,
            });
        }
        if let Some(prefix) = model.redir.as_deref().map(HeaderValue::from_str)
            && let Ok(prefix) = prefix
        {
            upstream = upstream.redirect(prefix);
        }
        let cut_when_down = model.on_marked_down.is_some();
        let cut_when_others_up = model.backup
            && self
                .model
                .server
                .iter()
                .any(|other| other.on_marked_up.is_some());
        if cut_when_down || cut_when_others_up {
            upstream = upstream.with_shutdown();
        }
        Ok(upstream)
    }
}

impl Server {
    pub(crate) const fn new(address: Address, model: model::Server) -> Self {
        Self { address, model }
    }

    pub(crate) fn set_number(&mut self, number: u32) {
        self.model.id = Spanned::built_in(number);
    }

    /// What the file says.
    pub fn model(&self) -> &model::Server {
        &self.model
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

fn algorithm(model: &model::Backend, diagnostics: &mut Diagnostics) -> Algorithm {
    let hash_type = model.hash_type.as_ref().map(|text| text.as_str());
    let factor = model.hash_balance_factor.as_ref().map(|f| u32::from(**f));
    Algorithm::parse(&model.balance, hash_type, factor).unwrap_or_else(|error| {
        problem::of_algorithm(model, &error, diagnostics);
        lb_core::policy::RoundRobin::new().into()
    })
}

fn key(
    balance: &Spanned<String>,
    registry: &Arc<Registry>,
    diagnostics: &mut Diagnostics,
) -> Option<KeySource> {
    KeySource::parse_with(balance, registry).unwrap_or_else(|error| {
        problem::of_condition(balance, [error], diagnostics);
        None
    })
}

fn rules(
    scope: &Scope<HttpVocabulary>,
    conditions: &[model::Condition],
    diagnostics: &mut Diagnostics,
) -> Vec<Rule> {
    conditions
        .iter()
        .filter_map(|condition| {
            let compiled = frontend::condition(scope, condition, diagnostics)?;
            Some((condition.unless, compiled))
        })
        .collect()
}

fn servers(model: &model::Backend, names: Names, diagnostics: &mut Diagnostics) -> Vec<Server> {
    let resolved = model.server.iter().filter_map(|server| {
        let address = resolve(&server.address, names, diagnostics)?;
        if let Some(model::CheckKind::Http(check)) = server.check.as_ref().map(|c| &c.kind) {
            for text in &check.expect {
                if let Err(error) = text.parse::<Expect>() {
                    diagnostics.error(text.span(), format!("`expect`: {error}"));
                }
            }
        }
        if let Some(redir) = &server.redir
            && HeaderValue::from_str(redir).is_err()
        {
            let span = server.name.span();
            diagnostics.error(span, "`redir` has characters that no URL has");
        }
        Some(Server {
            address,
            model: server.clone(),
        })
    });
    resolved.collect()
}

/// Names are looked up once, now, as HAProxy does without a resolver.
fn resolve(
    address: &Spanned<ServerAddress>,
    names: Names,
    diagnostics: &mut Diagnostics,
) -> Option<Address> {
    match &**address {
        ServerAddress::Ip(address) => Some(Address::Inet(*address)),
        ServerAddress::Unix(path) => Some(Address::Unix(path.clone())),
        ServerAddress::Abstract(name) => Some(Address::Abstract(name.clone())),
        ServerAddress::Name { port, .. } if names == Names::Leave => {
            Some(Address::Inet((Ipv4Addr::UNSPECIFIED, *port).into()))
        }
        ServerAddress::Name { host, port } => {
            let found = (host.as_str(), *port).to_socket_addrs();
            match found.map(|mut addresses| addresses.next()) {
                Ok(Some(address)) => Some(Address::Inet(address)),
                Ok(None) => {
                    diagnostics.error(address.span(), format!("`{host}` has no address"));
                    None
                }
                Err(error) => {
                    diagnostics
                        .error(address.span(), format!("cannot resolve `{host}`: {error}"))
                        .help("names are resolved once, at the start");
                    None
                }
            }
        }
    }
}

fn sticky(cookie: &model::Cookie, persist: bool) -> StickySession {
    let mut sticky = StickySession::cookie(cookie.name.as_str());
    sticky = match cookie.mode {
        model::CookieMode::Insert => sticky.insert(),
        model::CookieMode::Prefix => sticky.prefix(),
        model::CookieMode::Rewrite => sticky.rewrite(),
    };
    type Switch = fn(StickySession) -> StickySession;
    let flags: [(bool, Switch); 7] = [
        (cookie.indirect, StickySession::indirect),
        (cookie.nocache, StickySession::nocache),
        (cookie.postonly, StickySession::postonly),
        (cookie.preserve, StickySession::preserve),
        (cookie.httponly, StickySession::httponly),
        (cookie.secure, StickySession::secure),
        (persist, StickySession::persist_even_if_down),
    ];
    for (set, apply) in flags {
        if set {
            sticky = apply(sticky);
        }
    }
    sticky = cookie.domain.iter().fold(sticky, StickySession::domain);
    sticky = cookie.attr.iter().fold(sticky, StickySession::attr);
    if let Some(limit) = cookie.max_idle {
        sticky = sticky.max_idle(limit);
    }
    if let Some(limit) = cookie.max_life {
        sticky = sticky.max_life(limit);
    }
    if let Some(key) = &cookie.dynamic_key {
        sticky = sticky.dynamic(key);
    }
    sticky
}
