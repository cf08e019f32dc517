//! `monitor_uri`, `monitor_fail`, `monitor_net`, compiled.

use http::StatusCode;
use lb_core::condition::{Condition, Scope};
use lb_http::fetch::{HttpExpr, HttpVocabulary, View};

use super::frontend;
use crate::config::{Diagnostics, model};

/// What is answered to those who look whether this process serves.
#[derive(Debug)]
pub struct Monitor {
    fail: Vec<(bool, Condition<HttpExpr>)>,
    model: model::Monitor,
}

impl Monitor {
    /// `None` where there is nothing to answer.
    pub(super) fn compile(
        model: &model::Monitor,
        scope: &Scope<HttpVocabulary>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let fail = model.fail.iter().filter_map(|condition| {
            let compiled = frontend::condition(scope, condition, diagnostics)?;
            Some((condition.unless, compiled))
        });
        let fail = fail.collect();
        (!model.is_empty()).then(|| Self {
            fail,
            model: model.clone(),
        })
    }

    /// The status of the answer, if the request is of one who watches: 200, or 503 while a `monitor_fail` holds.
    pub fn answers(&self, view: &View<'_>) -> Option<StatusCode> {
        let request = view.request.as_ref()?;
        let by_net = request.source.is_some_and(|source| {
            let nets = &self.model.net;
            nets.iter().any(|net| net.contains(&source.ip()))
        });
        if by_net {
            return Some(StatusCode::OK);
        }
        let uri = self.model.uri.as_ref()?;
        // A path is compared with the path and its query, and anything else with the whole target.
        let path = request.uri.path_and_query().map(|path| path.as_str());
        let is_it = match uri.starts_with('/') {
            true => path == Some(uri.as_str()),
            false => request.uri == uri.as_str(),
        };
        let holds =
            |(unless, condition): &(bool, Condition<HttpExpr>)| condition.eval(view) != *unless;
        is_it.then(|| match self.fail.iter().any(holds) {
            true => StatusCode::SERVICE_UNAVAILABLE,
            false => StatusCode::OK,
        })
    }
}
