//! [`RulesLayer`]: rules for any service.

use std::{sync::Arc, time::Duration};

use lb_core::condition::Scope;
use tower_layer::Layer;

use super::{
    RequestRules, ResponseRules, RuleError, RulesService, Section,
    error::{InvalidRules, Mistake},
};
use crate::{
    fetch::{HttpVocabulary, Place, Registry},
    page::Pages,
};

/// Applies rules to the requests and responses of a service: a [`Layer`], cheap to clone.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use axum::{Router, routing::get};
/// use lb_http::rules::RulesLayer;
/// use tower::ServiceExt;
///
/// let rules = RulesLayer::builder()
///     .acl("old", &["path_beg /v1/"])
///     .request("redirect prefix /v2 code 301 if old")
///     .request("deny deny_status 429 unless { hdr_cnt(user-agent) gt 0 }")
///     .request("set-header x-forwarded-host %[hdr(host)]")
///     .after_response("set-header x-frame-options DENY")
///     .build()?;
/// let app = Router::new().route("/", get(async || "hello")).layer(rules);
///
/// let ask = |path: &str| http::Request::get(path).header("user-agent", "doc").body(axum::body::Body::empty());
/// let response = app.clone().oneshot(ask("/")?).await?;
/// assert_eq!(response.headers()["x-frame-options"], "DENY");
/// let response = app.oneshot(ask("/v1/x")?).await?;
/// assert_eq!(response.headers()["location"], "/v2/v1/x");
/// # Ok(()) }
/// ```
///
/// In axum `Router::layer` comes after routing: what a rule makes of the path is seen by the handler, and routes are
/// not looked for again. To rewrite paths, put the layer around the whole router.
#[derive(Clone, Debug)]
pub struct RulesLayer(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) request: RequestRules,
    pub(super) response: ResponseRules,
    pub(super) after_response: ResponseRules,
    pub(super) pages: Pages,
    pub(super) tarpit: Duration,
}

/// Texts of rules, as yet without meaning.
#[derive(Clone, Debug)]
pub struct RulesBuilder {
    acls: Vec<(String, Vec<String>)>,
    request: Vec<String>,
    response: Vec<String>,
    after_response: Vec<String>,
    pages: Pages,
    tarpit: Duration,
    name: String,
    registry: Arc<Registry>,
}

impl RulesLayer {
    /// No rules yet.
    #[must_use]
    pub fn builder() -> RulesBuilder {
        RulesBuilder {
            acls: Vec::new(),
            request: Vec::new(),
            response: Vec::new(),
            after_response: Vec::new(),
            pages: Pages::default(),
            tarpit: Duration::from_secs(10),
            name: "lb".to_owned(),
            registry: Arc::default(),
        }
    }
}

impl RulesBuilder {
    /// Names a condition, any of whose texts may hold (`acl`). It may use names in any order.
    #[must_use]
    pub fn acl(mut self, name: &str, texts: &[&str]) -> Self {
        let texts = texts.iter().map(|text| (*text).to_owned());
        self.acls.push((name.to_owned(), texts.collect()));
        self
    }

    /// Adds a rule on requests (`http-request`).
    #[must_use]
    pub fn request(mut self, rule: &str) -> Self {
        self.request.push(rule.to_owned());
        self
    }

    /// Adds a rule on the responses of the service (`http-response`).
    #[must_use]
    pub fn response(mut self, rule: &str) -> Self {
        self.response.push(rule.to_owned());
        self
    }

    /// Adds a rule on all responses, those that rules make included (`http-after-response`).
    #[must_use]
    pub fn after_response(mut self, rule: &str) -> Self {
        self.after_response.push(rule.to_owned());
        self
    }

    /// Sets the pages of `deny` and its kin.
    #[must_use]
    pub fn pages(mut self, pages: Pages) -> Self {
        self.pages = pages;
        self
    }

    /// Sets how long `tarpit` lets a client wait; 10 s if not set.
    #[must_use]
    pub fn tarpit(mut self, patience: Duration) -> Self {
        self.tarpit = patience;
        self
    }

    /// Sets the name of the whole, which is the realm of `auth`; `lb` if not set.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Sets what expressions may name: backends, variables, maps.
    #[must_use]
    pub fn registry(mut self, registry: Arc<Registry>) -> Self {
        self.registry = registry;
        self
    }

    /// Compiles all of it.
    ///
    /// # Errors
    /// Every mistake in every text.
    pub fn build(&self) -> Result<RulesLayer, InvalidRules> {
        let mut mistakes = Vec::new();
        let request = self.scope(Place::Request, Some(&mut mistakes));
        // A condition may be for requests only: what is wrong with it on responses is told where it is used.
        let response = self.scope(Place::Response, None);
        let section = Section::new(&self.name);
        let mut told = |texts: &[String], errors: Vec<RuleError>| {
            mistakes.extend(errors.into_iter().map(|error| Mistake {
                text: texts[error.rule].clone(),
                source: error.source,
            }));
        };
        let inner = Inner {
            request: RequestRules::compile_in(&self.request, &request, section)
                .map_err(|errors| told(&self.request, errors))
                .unwrap_or_default(),
            response: ResponseRules::compile_in(&self.response, &response, section)
                .map_err(|errors| told(&self.response, errors))
                .unwrap_or_default(),
            after_response: ResponseRules::compile_after(&self.after_response, &response, section)
                .map_err(|errors| told(&self.after_response, errors))
                .unwrap_or_default(),
            pages: self.pages.clone(),
            tarpit: self.tarpit,
        };
        match mistakes.is_empty() {
            true => Ok(RulesLayer(Arc::new(inner))),
            false => Err(InvalidRules(mistakes)),
        }
    }

    fn scope(&self, place: Place, mistakes: Option<&mut Vec<Mistake>>) -> Scope<HttpVocabulary> {
        let vocabulary = HttpVocabulary::new(place, Arc::clone(&self.registry));
        let mut builder = Scope::builder(vocabulary)
            .files(|name| std::fs::read(name))
            .patterns(Arc::clone(self.registry.patterns()));
        for (name, texts) in &self.acls {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            builder = builder.acl(name, &texts);
        }
        let (scope, errors) = builder.build();
        if let Some(mistakes) = mistakes {
            mistakes.extend(errors.into_iter().map(|error| {
                let acl = self.acls.iter().find(|(name, _)| *name == error.name);
                let text = error.alternative.and_then(|at| acl?.1.get(at));
                Mistake {
                    text: text.unwrap_or(&error.name).clone(),
                    source: error.source,
                }
            }));
        }
        scope
    }
}

impl<S> Layer<S> for RulesLayer {
    type Service = RulesService<S>;

    fn layer(&self, inner: S) -> RulesService<S> {
        RulesService::new(inner, Arc::clone(&self.0))
    }
}
