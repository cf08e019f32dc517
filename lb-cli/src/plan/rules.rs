//! The rules of a section, compiled.

use lb_core::condition::Scope;
use lb_http::{
    fetch::HttpVocabulary,
    rules::{RequestRules, ResponseRules, RuleError},
};

use super::problem;
use crate::config::{
    Diagnostics,
    model::{self, Rule},
};

/// The rules of a frontend or a backend.
#[derive(Debug, Default)]
pub struct Rules {
    /// On requests.
    pub request: RequestRules,
    /// On the responses of servers.
    pub response: ResponseRules,
    /// On all responses.
    pub after_response: ResponseRules,
}

/// The named conditions of a section, for the places its texts stand at.
pub(super) struct Scopes {
    pub(super) request: Scope<HttpVocabulary>,
    pub(super) response: Scope<HttpVocabulary>,
}

impl Rules {
    pub(super) fn compile(
        model: &model::Rules,
        scopes: &Scopes,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut told = |rules: &[Rule], errors: Vec<RuleError>| {
            for error in errors {
                problem::of_condition(&rules[error.rule].0, [error.source], diagnostics);
            }
        };
        let texts = |rules: &[Rule]| -> Vec<String> {
            rules.iter().map(|rule| rule.0.to_string()).collect()
        };
        let mut of_response = |rules: &[Rule]| {
            ResponseRules::compile(&texts(rules), &scopes.response)
                .map_err(|errors| told(rules, errors))
                .unwrap_or_default()
        };
        let response = of_response(&model.http_response);
        let after_response = of_response(&model.http_after_response);
        let request = RequestRules::compile(&texts(&model.http_request), &scopes.request)
            .map_err(|errors| told(&model.http_request, errors))
            .unwrap_or_default();
        Self {
            request,
            response,
            after_response,
        }
    }
}
